"""Reading the golden fixtures: tensors, options, state dicts by network, and outputs however they were recorded."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from tests.conftest import SHARED
from zoo.nn.class_map import instance_edges

OUTPUT_TOLERANCE = 2e-4
CODE_TOLERANCE = 1e-4
GAN_LOSSES = {"hinge": "hinge", "ls": "least_squares", "original": "original", "w": "wasserstein"}


@dataclass(frozen=True)
class Fixture:
    """One case: ``meta`` is its json, ``tensors`` everything recorded."""

    name: str
    meta: dict
    tensors: dict[str, Tensor]

    @property
    def opt(self) -> dict:
        return self.meta["opt"]

    @property
    def size(self) -> tuple[int, int]:
        return tuple(self.tensors["label"].shape[-2:])

    @property
    def label(self) -> Tensor:
        return self.tensors["label"].long().reshape(-1, *self.size)

    @property
    def has_edges(self) -> bool:
        """Whether the last channel of the official label map is the instance edge map."""
        return not self.opt.get("no_instance", True)

    @property
    def classes(self) -> int:
        return self.opt["semantic_nc"] - self.has_edges

    @property
    def edges(self) -> Tensor | None:
        """The instance edge map ``[B, 1, H, W]``, recorded or made from recorded instance ids."""
        if not self.has_edges:
            return None
        named = {start: [k for k in self.tensors if re.match(rf"{start}|.*_{start}", k)] for start in ("edge", "inst")}
        key = next(iter(named["edge"] + named["inst"]))
        recorded = self.tensors[key].reshape(-1, *self.size)
        return (recorded[:, None] > 0).float() if "edge" in key else instance_edges(recorded)

    def image(self, key: str = "image") -> Tensor:
        """The picture in [-1, 1]; pixels that are exactly 0 do not exist in 8 bits, so it may be recorded as floats."""
        if f"{key}_u8" in self.tensors:
            return (self.tensors[f"{key}_u8"].float() / 255 - 0.5) / 0.5
        return next(t for name, t in self.tensors.items() if name.startswith(key) and t.is_floating_point())

    def norm(self, network: str) -> tuple[str, bool]:
        """Normalisation and whether spectral norm is on, of "G", "E" or "D"."""
        return norm_of(self.opt[f"norm_{network}"])

    def state(self, network: str) -> dict[str, Tensor]:
        """Official state dict of "G", "E" or "D"."""
        return {k[2:]: v for k, v in self.tensors.items() if k.startswith(f"{network}.")}

    def after(self, network: str, prefix: str = "after") -> dict[str, Tensor]:
        """Buffers after train-mode forwards; the official code never counts batches, so its counter says nothing."""
        start = f"{prefix}.{network}."
        return {k[len(start) :]: v for k, v in self.tensors.items() if k.startswith(start) and "num_batches" not in k}

    def all_classes(self, key: str) -> Tensor:
        """A recorded tensor ``[B, L, some classes, ...]`` with every class; those that were left out are zero."""
        tensor, index = self.tensors[key].float(), self.tensors.get("class_index")
        if index is None:
            return tensor
        full = tensor.new_zeros(*tensor.shape[:2], self.classes, *tensor.shape[3:])
        full[:, :, index.long()] = tensor
        return full

    def number(self, key: str) -> float | None:
        """A recorded scalar, from the tensors or the json."""
        return self.tensors[key].item() if key in self.tensors else self.meta.get(key)

    def compare(self, key: str, value: Tensor, tolerance: float = OUTPUT_TOLERANCE) -> bool:
        return compare(value, key, self.tensors, self.meta.get(key), tolerance)


def norm_of(option: str) -> tuple[str, bool]:
    """Normalisation and whether spectral norm is on, from an official string: "spectralspadesyncbatch3x3"."""
    kind = next(kind for kind in ("instance", "batch", "none") if kind in option or kind == "none")
    return kind, "spectral" in option


def compare(
    value: Tensor, key: str, tensors: Mapping[str, Tensor], statistics: Any, tolerance: float = OUTPUT_TOLERANCE
) -> bool:
    """Assert that an output is the recorded one; False where nothing of it was recorded.

    Recorded may be the whole, every other pixel under the same name, every n-th under ``<key>_s<n>``, and the
    statistics (mean, std, min, max) of any of these, none of which moves by more than the largest difference.
    """
    views = [value.detach().double()]
    for name, stored in tensors.items():
        if match := re.fullmatch(re.escape(key) + r"(_s(\d+))?", name):
            view = thinned(views[0], stored, int(match[2]) if match[2] else None)
            assert largest_difference(view, stored) < tolerance, name
            views.append(view)
    if isinstance(statistics, Mapping):
        for view in views:
            if statistics.get("shape", list(view.shape)) == list(view.shape):
                for name in {"mean", "std", "min", "max"} & statistics.keys():
                    own = getattr(view, name)().item()
                    assert abs(own - statistics[name]) < tolerance, f"{name} of {key}: {own}, not {statistics[name]}"
                return True
    return len(views) > 1


def thinned(value: Tensor, stored: Tensor, stride: int | None = None) -> Tensor:
    """The rows and columns of ``value`` that were stored: every ``stride``-th, or as many as the shapes tell."""
    if value.dim() < 4:
        return value
    rows, columns = (stride or -(-a // b) for a, b in zip(value.shape[-2:], stored.shape[-2:], strict=True))
    return value[..., ::rows, ::columns]


def compare_buffers(fixture: Fixture, networks: Mapping[str, Any], official: Any) -> None:
    """Assert that the buffers of networks ("G", "E") after a train-mode forward are the recorded ones."""
    for letter, (part, network) in networks.items():
        own, after = network.state_dict(), official.convert(part, fixture.after(letter))
        for key, expected in after.items():
            assert largest_difference(own[key], expected) < OUTPUT_TOLERANCE, f"{letter}.{key}"


def skip_unless(compared: list[bool], case: str) -> None:
    """A fixture without any output proves nothing, and its test says so."""
    if not any(compared):
        pytest.skip(f"{case} records none of the outputs")


def cases(letters: str, holding: tuple[str, ...] = ()) -> list[str]:
    """Names of the fixtures that begin with ``letters``, found at collection, so that new files are tested.

    With ``holding``, only those whose json has one of these keys.
    """
    folder = Path(os.environ.get("ZOO_GOLDEN", SHARED / "golden"))
    found = sorted(folder.glob(f"{letters}*.json"))
    return [p.stem for p in found if not holding or json.loads(p.read_text()).keys() & set(holding)]


def over_cases(letters: str, holding: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Parametrise a test over every fixture of some letters; one skipped case where there are none."""
    names = cases(letters, holding)
    missing = pytest.param("", marks=pytest.mark.skip(reason=f"no golden fixtures {letters}* (set ZOO_GOLDEN)"))
    return pytest.mark.parametrize("case", names or [missing])


def read(folder: Path, case: str) -> Fixture:
    meta = json.loads((folder / f"{case}.json").read_text())
    return Fixture(case, meta, load_file(folder / f"{case}.safetensors"))


def largest_difference(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape, f"{tuple(a.shape)} against {tuple(b.shape)}"
    return float((a.detach().double() - b.double()).abs().max())
