"""Test files that only the large golden set serves are skipped, before they import anything, where it is missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import large_golden_set

LARGE_SET_ONLY = ("test_cimle.py", "test_data_pipeline.py", "test_rarity.py")


class SkippedFile(pytest.File):
    """A test file that is reported as skipped without being imported."""

    def collect(self) -> Iterator[pytest.Item]:
        pytest.skip(f"{large_golden_set()} is missing; set ZOO_GOLDEN to the folder of the large golden set")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if module_path.name in LARGE_SET_ONLY and not large_golden_set().is_dir():
        return SkippedFile.from_parent(parent, path=module_path)
    return None
