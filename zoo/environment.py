"""What a run runs on: its device, and the versions of the packages."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from zoo.distributed import launcher
from zoo.errors import ZooError

PACKAGES = ("zoo-smis", "torchvision", "mmengine", "numpy")
"""Packages, beside torch, whose versions a run records."""


def device_of(setting: str) -> torch.device:
    """The device that ``train.device`` or ``--device`` names on this machine.

    Args:
        setting: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ZooError: For a GPU that does not exist, and for any other word.
    """
    available = torch.cuda.is_available()
    if setting.startswith("cuda") and not available:
        raise ZooError(f"The device {setting} is asked for, but torch sees no GPU here: use auto or cpu.")
    if setting == "cpu" and available and launcher() != "none":
        raise ZooError(
            "The device cpu is asked for under a launcher on a machine with GPUs, which its wrapper would use: "
            "hide them with CUDA_VISIBLE_DEVICES= in front of the command."
        )
    if setting == "auto":
        return torch.device("cuda" if available else "cpu")
    try:
        return torch.device(setting)
    except RuntimeError as error:
        raise ZooError(f'There is no device "{setting}": use auto, cpu, cuda or cuda:N.') from error


def device_name(device: torch.device) -> str:
    """The device in words: the name of the GPU, or the processor and its number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.processor() or platform.machine()} CPU, {torch.get_num_threads()} threads"


def versions() -> dict[str, str]:
    """Versions of python and of the packages that the numbers depend on."""
    found = {"python": platform.python_version(), "torch": str(torch.__version__)}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
