"""Reading the golden fixtures: tensors, options, and state dicts by network."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import Tensor

from tests.conftest import SHARED

OUTPUT_TOLERANCE = 2e-4
CODE_TOLERANCE = 1e-4


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
        return self.tensors["label"].long()

    def image(self, key: str = "image_u8") -> Tensor:
        return (self.tensors[key].float() / 255 - 0.5) / 0.5

    def state(self, network: str) -> dict[str, Tensor]:
        """Official state dict of "G", "E" or "D"."""
        return {k[2:]: v for k, v in self.tensors.items() if k.startswith(f"{network}.")}

    def after(self, network: str, prefix: str = "after") -> dict[str, Tensor]:
        """Buffers after train-mode forwards; the official code never counts batches, so its counter says nothing."""
        start = f"{prefix}.{network}."
        return {k[len(start) :]: v for k, v in self.tensors.items() if k.startswith(start) and "num_batches" not in k}


def norm_of(option: str) -> tuple[str, bool]:
    """Normalisation and whether spectral norm is on, from an official string: "spectralspadesyncbatch3x3"."""
    kind = next(kind for kind in ("instance", "batch", "none") if kind in option or kind == "none")
    return kind, option.startswith("spectral")


def cases(letters: str) -> list[str]:
    """Names of the fixtures that begin with ``letters``, found at collection, so that new files are tested."""
    folder = Path(os.environ.get("ZOO_GOLDEN", SHARED / "golden"))
    return sorted(p.stem for p in folder.glob(f"{letters}*.json"))


def over_cases(letters: str) -> pytest.MarkDecorator:
    """Parametrise a test over every fixture of some letters; one skipped case where there are none."""
    names = cases(letters)
    missing = pytest.param("", marks=pytest.mark.skip(reason=f"no golden fixtures {letters}* (set ZOO_GOLDEN)"))
    return pytest.mark.parametrize("case", names or [missing])


def read(folder: Path, case: str) -> Fixture:
    meta = json.loads((folder / f"{case}.json").read_text())
    return Fixture(case, meta, load_file(folder / f"{case}.safetensors"))


def largest_difference(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape, f"{tuple(a.shape)} against {tuple(b.shape)}"
    return float((a.detach().double() - b.double()).abs().max())
