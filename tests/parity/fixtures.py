"""Reading the golden fixtures: tensors, options, state dicts by network, and outputs however they were recorded.

There are two sets, which the same tests read:

- The tiny set, ``tests/parity/golden/*.npz`` with its README, is part of the repository. Every run of the tests needs
  it: a file of it that is missing, or that records nothing for its test to compare, is an error.
- The large set (~100 MB: weights, larger pictures, a second training iteration, the data pipeline, cIMLE) is read in
  addition from the folder that the environment variable ``ZOO_GOLDEN`` names, by default ``../shared/golden`` beside
  the checkout. Where the folder is missing, the test files that only it serves are skipped.

Any other file of either format in these two folders is read too, by the first letter of its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from tests.conftest import large_golden_set
from tests.parity.tiny_set import read_tiny

TINY_SET = Path(__file__).parent / "golden"
TINY_CASES = (
    "a1_gaugan_13c_64",
    "b1_gauganvae_13c_256",
    "c1_clvae_9c_256",
    "c2_clvae_20c_128x256",
    "c3_clvae_151c_256",
    "d1_disc_20c_64",
    "e1_groupdnet_deepfashion_8c",
    "e2_groupdnet_ade20k_16c",
    "f1_train_clvae_9c_128x256",
)
"""The files that the repository holds; they are listed so that one that is missing fails its tests."""
OUTPUT_TOLERANCE = 2e-4
CODE_TOLERANCE = 1e-4
GAN_LOSSES = {"hinge": "hinge", "ls": "least_squares", "original": "original", "w": "wasserstein"}


@dataclass(frozen=True)
class Fixture:
    """One case: ``meta`` is its json, ``tensors`` everything recorded."""

    case: Path
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
    def classes(self) -> int:
        return self.opt["semantic_nc"]

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
        if index is None or tensor.shape[2] == self.classes:
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


def skip_unless(recorded: Any, case: Path, what: str = "outputs") -> None:
    """Skip a test whose fixture records nothing that it could compare; in the tiny set that is a failure."""
    if not recorded:
        report = pytest.fail if case.parent == TINY_SET else pytest.skip
        report(f"{case.stem} records no {what}")


def cases(letters: str, holding: tuple[str, ...] = ()) -> list[Path]:
    """The files of both sets whose names begin with ``letters``: an ``.npz`` of the tiny format or a large ``.json``.

    They are found at collection, so that new files are tested. With ``holding``, only large files whose json has one of
    these keys.
    """
    large = sorted(large_golden_set().glob(f"{letters}*.json"))
    if holding:
        return [path for path in large if json.loads(path.read_text()).keys() & set(holding)]
    listed = {TINY_SET / f"{name}.npz" for name in TINY_CASES if name.startswith(letters)}
    found = {path for folder in (TINY_SET, large_golden_set()) for path in folder.glob(f"{letters}*.npz")}
    # an .npz beside a .json holds the arrays of a large case
    return sorted(listed | {path for path in found if not path.with_suffix(".json").exists()}) + large


def over_cases(letters: str, holding: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Parametrise a test over the files of some letters, as :func:`cases` finds them."""
    return pytest.mark.parametrize("case", [pytest.param(path, id=path.stem) for path in cases(letters, holding)])


def read(case: Path) -> Fixture:
    """A file of either set in one structure."""
    if case.suffix == ".npz":
        return Fixture(case, *read_tiny(case))
    return Fixture(case, json.loads(case.read_text()), load_file(case.with_suffix(".safetensors")))


def largest_difference(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape, f"{tuple(a.shape)} against {tuple(b.shape)}"
    return float((a.detach().double() - b.double()).abs().max())
