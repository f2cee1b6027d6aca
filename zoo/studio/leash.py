"""A child process that ends with its parent, however that ends: ``python -m zoo.studio.leash FOLDER MODULE WORD ...``.

A parent that is killed cannot end its children. But it holds the other end of their standard input, which the system
closes for it.
"""

from __future__ import annotations

import os
import runpy
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

SLIPPED = 1
"""The exit code of a child that was left alone."""

TRIES = 100
"""Of removing a folder that is written into meanwhile."""


def leashed(folder: Path, module: str, words: Sequence[str] = ()) -> list[str]:
    """The command that runs ``python -m module words`` until its standard input, a pipe, is closed.

    What the module leaves is meant to lie in ``folder``, which goes when it is ended so.
    """
    return [sys.executable, "-m", __name__, str(folder), module, *words]


def _watch(folder: Path, slipped: threading.Event) -> None:
    while os.read(0, 1):  # not through sys.stdin, whose lock would hold up the end of the module
        pass
    slipped.set()
    for _ in range(TRIES):  # while the module still writes into it
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
    os._exit(SLIPPED)


def _run(folder: Path, module: str) -> None:
    slipped = threading.Event()
    watch = threading.Thread(target=_watch, args=(folder, slipped), daemon=True)
    watch.start()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        if slipped.is_set():  # the module broke as its folder went: what is left of it goes, too
            watch.join()


if __name__ == "__main__":
    place, sys.argv = Path(sys.argv[1]), sys.argv[2:]
    _run(place, sys.argv[0])
