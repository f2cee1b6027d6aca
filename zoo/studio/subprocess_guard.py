"""A child process that ends with its parent: ``python -m zoo.studio.subprocess_guard FOLDER MODULE ARGUMENT ...``.

A parent that is killed cannot end its children. But it holds the other end of their standard input, a pipe, which the
operating system closes when the parent ends.
"""

from __future__ import annotations

import os
import runpy
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STOPPED = 1
"""The exit code of a child whose standard input was closed."""

SECONDS = 4.0
"""Time for removing a folder into which other threads still write."""


def run_until_stdin_closes(folder: Path, module: str, arguments: Sequence[str] = ()) -> list[str]:
    """The command that runs ``python -m MODULE ARGUMENT ...`` until its standard input, a pipe, is closed.

    Args:
        folder: Where the module writes its files; it is removed when the module is stopped.
        module: Name of the module.
        arguments: Its command-line arguments.
    """
    return [sys.executable, "-m", __name__, str(folder), module, *arguments]


def _watch(folder: Path, stopped: threading.Event) -> None:
    while os.read(0, 1):  # not sys.stdin, whose lock would block the exit of the module
        pass
    stopped.set()
    if hasattr(signal, "SIGUSR2"):
        os.kill(os.getpid(), signal.SIGUSR2)  # the main thread writes no more
    end = time.monotonic() + SECONDS
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(STOPPED)


def _wait(*_: Any) -> None:
    """A signal handler that holds the main thread until the process ends."""
    threading.Event().wait()


def _run(folder: Path, module: str) -> None:
    stopped = threading.Event()
    if hasattr(signal, "SIGUSR2"):
        signal.signal(signal.SIGUSR2, _wait)
    watch = threading.Thread(target=_watch, args=(folder, stopped), daemon=True)
    watch.start()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        if stopped.is_set():  # the module failed because its folder is being removed, which must be finished
            watch.join()


if __name__ == "__main__":
    place, sys.argv = Path(sys.argv[1]), sys.argv[2:]
    _run(place, sys.argv[0])
