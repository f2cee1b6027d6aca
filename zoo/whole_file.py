"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to: the file takes its place at the end of the block, and goes at an error.

    The folder is made where it is missing. The temporary name is hidden and this process's own, so that two that write
    the same file do not mix, and it keeps the ending, which some writers go by.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text)
