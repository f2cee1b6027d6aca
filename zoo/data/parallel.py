"""One function over many files, on threads: decoding a picture leaves Python's lock alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Called with (done, total) as work goes on; for progress bars."""


def each(
    work: Callable[[Item], Result], items: Sequence[Item], progress: Progress | None = None, threads: int | None = None
) -> Iterator[Result]:
    """``work(item)`` for every item, in order, on ``threads`` threads (default: one per core, at most 16)."""
    with ThreadPoolExecutor(threads or min(16, os.cpu_count() or 1)) as pool:
        try:
            for done, result in enumerate(pool.map(work, items), 1):
                if progress is not None:
                    progress(done, len(items))
                yield result
        finally:
            # After an error or an interrupt, the rest of a long queue would otherwise be worked off first.
            pool.shutdown(cancel_futures=True)
