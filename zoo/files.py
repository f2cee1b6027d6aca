"""Atomic writes of files and folders, and the user's cache folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Context with a temporary path to write to; it replaces ``path`` at the end, or is removed after an error.

    The parent folder is created. The temporary name is hidden, contains the process id, so that two processes can write
    the same file, and keeps the suffix, from which some writers infer the format.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Context with a temporary folder to fill; it becomes ``path`` at the end, or is removed after an error.

    ``path`` must not exist then, or must be an empty folder; the parent folder is created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        if path.is_dir():
            path.rmdir()
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8), atomically replacing an existing one."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def cache_dir() -> Path:
    """The folder for cached data: ``ZOO_CACHE``, or ``zoo`` in the user's cache folder."""
    if "ZOO_CACHE" in os.environ:
        return Path(os.environ["ZOO_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zoo"
