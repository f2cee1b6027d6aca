"""Where tests find the material that is not in the repository: golden numbers, real samples, real feature weights."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def material(variable: str, folder: str) -> Path:
    """The folder named by an environment variable, or its place beside the checkout; skips where it is missing."""
    path = Path(os.environ.get(variable, SHARED / folder))
    if not path.is_dir():
        pytest.skip(f"{path} is not there; set {variable} to the folder that holds {folder}")
    return path


def large_golden_set() -> Path:
    """The folder of the large golden set (see tests/parity/fixtures.py), which may be missing."""
    return Path(os.environ.get("ZOO_GOLDEN", SHARED / "golden"))


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    return material("ZOO_GOLDEN", "golden")


@pytest.fixture(scope="session")
def samples_dir() -> Path:
    return material("ZOO_SAMPLES", "samples")


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    return material("ZOO_WEIGHTS", "weights")
