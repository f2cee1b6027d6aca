"""Batches read by worker processes, which ignore the signals that end a run.

A terminal and Slurm signal all processes of a run at once. The main process finishes its iteration and saves a
checkpoint, which needs live workers: torch ends a run whose workers die. So the workers ignore SIGINT and SIGTERM
unless their parent process sent them.
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
    """The batches of a dataset.

    Args:
        dataset: The pictures.
        batches: For each batch the keys of its items.
        workers: Processes that read; 0 reads in this one.
        pin_memory: Put batches into page-locked memory, from which a GPU copies without waiting.

    Raises:
        ZooError: A picture cannot be read, also when this happened in a worker.
    """
    loaded: Iterable[Any] = DataLoader(
        _Caught(dataset),
        batch_sampler=[list(keys) for keys in batches],
        collate_fn=_collate_caught,
        num_workers=workers,
        # By default every start takes a number from the global generator, and a continued run would differ.
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
    """Hands a ZooError on as an item: raised in a worker it would arrive wrapped in that worker's traceback."""

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
    """Processes started in the block have SIGINT and SIGTERM blocked; this process receives them after the block."""
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
