"""The environment of a run: its device and package versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from zoo.distributed import launcher
from zoo.errors import ZooError

PACKAGES = ("zoo-smis", "torchvision", "mmengine", "numpy")
"""Packages whose versions are recorded, in addition to torch."""


def resolve_device(setting: str) -> torch.device:
    """Resolve ``train.device`` or ``--device`` on this machine.

    Args:
        setting: ``auto`` (a GPU if available), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ZooError: If the GPU does not exist, or for any other value.
    """
    available = torch.cuda.is_available()
    if setting.startswith("cuda") and not available:
        raise ZooError(f"The device is set to {setting}, but torch sees no GPU: use auto or cpu.")
    if setting == "cpu" and available and launcher() != "none":
        raise ZooError(
            "The device is set to cpu, but distributed training would use the GPUs of this machine: "
            "hide them with CUDA_VISIBLE_DEVICES= in front of the command."
        )
    if setting == "auto":
        return torch.device("cuda" if available else "cpu")
    try:
        return torch.device(setting)
    except RuntimeError as error:
        raise ZooError(f'There is no device "{setting}": use auto, cpu, cuda or cuda:N.') from error


def device_name(device: torch.device) -> str:
    """Description of a device: the name of the GPU, or the processor and the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.processor() or platform.machine()} CPU, {torch.get_num_threads()} threads"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that affect the numbers."""
    found = {"python": platform.python_version(), "torch": str(torch.__version__)}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
