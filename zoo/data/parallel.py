"""Parallel processing of many files in threads or processes.

Use threads for work that releases the GIL, such as decoding pictures, and processes for work that holds it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Progress callback, called with (done, total)."""


MOST_WORKERS = 16


def map_threads(
    work: Callable[[Item], Result], items: Sequence[Item], progress: Progress | None = None, threads: int | None = None
) -> Iterator[Result]:
    """``work(item)`` for every item, in order, in ``threads`` threads (default: one per core, at most 16)."""
    with ThreadPoolExecutor(threads or min(MOST_WORKERS, os.cpu_count() or 1)) as pool:
        yield from _gathered(pool, work, items, progress)


def map_processes(
    work: Callable[[Item], Result], items: Sequence[Item], progress: Progress | None = None
) -> Iterator[Result]:
    """``work(item)`` for every item, in order, in forked processes, one per core, at most 16.

    Items and results are pickled. If forking is not supported, this process does all the work.
    """
    if "fork" not in get_all_start_methods():
        yield from map_threads(work, items, progress, threads=1)
        return
    with ProcessPoolExecutor(min(MOST_WORKERS, os.cpu_count() or 1), mp_context=get_context("fork")) as pool:
        yield from _gathered(pool, work, items, progress, chunk=8)


def _gathered(
    pool: Executor,
    work: Callable[[Item], Result],
    items: Sequence[Item],
    progress: Progress | None,
    chunk: int = 1,
) -> Iterator[Result]:
    try:
        for done, result in enumerate(pool.map(work, items, chunksize=chunk), 1):
            if progress is not None:
                progress(done, len(items))
            yield result
    finally:
        # after an error or interrupt, do not process the rest of the queue
        pool.shutdown(cancel_futures=True)
