"""The record of a run: what it ran with, for whoever reads its numbers later."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from zoo.distributed import world_size
from zoo.engine.folder import write_text

PACKAGES = ("zoo-smis", "torchvision", "mmengine", "numpy")


def versions() -> dict[str, str]:
    """Versions of python and of the packages that the numbers depend on."""
    found = {"python": platform.python_version(), "torch": str(torch.__version__)}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def device_name(device: torch.device) -> str:
    """The device in words: the GPU's name, or the processor and its threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.processor() or platform.machine()} CPU, {torch.get_num_threads()} threads"


def write_record(path: Path, *, device: torch.device, seconds: float, facts: Mapping[str, Any]) -> None:
    """Write ``record.json``: versions, device, ranks and ``facts``; ``seconds`` adds to those of the runs before."""
    machine = {"device": device_name(device), "ranks": world_size(), "versions": versions()}
    record = {**facts, **machine, "seconds": round(seconds, 3)}
    write_text(path, json.dumps(record, indent=2) + "\n")


def seconds_before(path: Path) -> float:
    """Seconds that earlier parts of a resumed run have taken."""
    return float(json.loads(path.read_text())["seconds"]) if path.is_file() else 0.0
