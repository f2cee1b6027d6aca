"""Data loading in worker processes that ignore termination signals.

A terminal or Slurm sends signals to all processes of a run. The main process then finishes its iteration and saves a
checkpoint, which requires live workers, since torch aborts if a worker dies. The workers therefore ignore SIGINT and
SIGTERM unless sent by their parent process.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from zoo.data.base import PairedDataset, collate
from zoo.data.sampler import Key
from zoo.errors import ZooError
from zoo.interfaces import Batch

SIGNALS = {signal.SIGINT, signal.SIGTERM}


def loader(
    dataset: PairedDataset, batches: Iterable[Sequence[Key | int]], workers: int = 0, *, pin_memory: bool = False
) -> Iterator[Batch]:
    """A data loader for the given batches of a dataset.

    Args:
        dataset: The pictures.
        batches: The keys of the items of each batch.
        workers: Number of worker processes; 0 loads in this process.
        pin_memory: Use page-locked memory, for asynchronous copies to a GPU.

    Raises:
        ZooError: A picture cannot be read, also if this happens in a worker.
    """
    loaded: Iterable[Any] = DataLoader(
        _Caught(dataset),
        batch_sampler=[list(keys) for keys in batches],
        collate_fn=_collate_caught,
        num_workers=workers,
        # By default, every iterator draws a number from the global generator, and a resumed run would differ.
        generator=torch.Generator(),
        worker_init_fn=exit_on_parent_sigterm,
        pin_memory=pin_memory,
    )
    with block_signals_in_workers():
        reading = iter(loaded)
    for batch in reading:
        if isinstance(batch, ZooError):
            raise batch
        yield batch


class _Caught(Dataset[Any]):
    """Returns a ZooError as an item; if raised in a worker, it would be wrapped with the worker's traceback."""

    def __init__(self, dataset: PairedDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, key: Key | int) -> dict[str, Any] | ZooError:
        try:
            return self.dataset[key]
        except ZooError as error:
            return error


def _collate_caught(items: Sequence[Any]) -> Batch | ZooError:
    return next((item for item in items if isinstance(item, ZooError)), None) or collate(items)


@contextmanager
def block_signals_in_workers() -> Iterator[None]:
    """Context that blocks SIGINT and SIGTERM in processes started within; this process receives them afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def exit_on_parent_sigterm(worker: int) -> None:
    """In a process with blocked signals: exit when the parent process sends SIGTERM (torch's ``worker_init_fn``)."""
    if hasattr(signal, "sigwaitinfo"):
        threading.Thread(target=_await_parent, args=(os.getppid(),), daemon=True).start()
    else:  # macOS does not report who sent a signal
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _await_parent(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
