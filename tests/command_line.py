"""Running `zoo ...` within the tests' process: real commands, their output and exit code caught."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.zoo.pictures import write_pair
from zoo import cli

CLASSES = 4


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def zoo(*words: object) -> Outcome:
    """What a shell would see of ``zoo WORDS``."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["zoo", *map(str, words)])
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


def done(*words: object) -> str:
    """Standard output of a command that must succeed."""
    outcome = zoo(*words)
    assert outcome.code == 0, outcome.err
    return outcome.out


@contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    """A new user's machine: nothing in the working folder, no cached weights and no network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ZOO_OFFLINE", "1")
        patch.delenv("ZOO_WEIGHTS", raising=False)
        patch.setenv("TORCH_HOME", str(folder / ".cache" / "torch"))
        patch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))
        yield folder


def write_pictures(root: Path, train: int = 4, test: int = 2) -> Path:
    """Pictures of 64x64 in the layout of the dataset ``folder``, with CLASSES classes in quadrants."""
    label = np.kron(np.arange(CLASSES).reshape(2, 2), np.ones((32, 32), np.int64))
    for split, count in (("train", train), ("test", test)):
        for index in range(count):
            write_pair(root, f"{split}{index}", np.roll(label, 8 * index, 1), split)
    return root


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder with size and time of change, apart from the caches."""
    found = (path for path in folder.rglob("*") if ".cache" not in path.parts)
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}
