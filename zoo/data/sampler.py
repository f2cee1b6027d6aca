"""Which picture is shown when: a pure function of seed, epoch and rank, so that a run can be continued exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from zoo.data.base import EpochPlan, PairedDataset, collate
from zoo.data.readers import deaf_children, obey_parent
from zoo.errors import ZooError
from zoo.interfaces import Batch

Key = tuple[int, int]


class EpochSampler:
    """Deals the pictures of an epoch to ``world`` ranks in batches of ``batch_size`` each.

    ``batch_size`` counts the pictures of one rank. Ranks take disjoint parts of one global order, which does
    not depend on ``world``; what does not fill a global batch is dropped. A dataset smaller than a global batch
    is gone through repeatedly, so that there is always one batch.
    """

    def __init__(self, dataset: PairedDataset, *, seed: int, batch_size: int, rank: int = 0, world: int = 1) -> None:
        if batch_size < 1 or not 0 <= rank < world:
            raise ValueError(f"batch_size {batch_size} must be at least 1 and rank {rank} in [0, {world})")
        self.dataset, self.seed, self.batch_size, self.rank, self.world = dataset, seed, batch_size, rank, world

    def plan(self, epoch: int) -> EpochPlan:
        """The pictures of ``epoch`` for all ranks together."""
        return self.dataset.epoch(np.random.default_rng([self.seed, epoch, 0]))

    def length(self, epoch: int = 0) -> int:
        """Batches that each rank gets in ``epoch``."""
        return max(1, len(self.plan(epoch).order) // (self.batch_size * self.world))

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Key]]:
        """The batches of this rank from number ``start`` on, as lists of (index, draw) for ``dataset[index, draw]``."""
        order = np.asarray(self.plan(epoch).order)
        together = self.batch_size * self.world
        if len(order) < together:
            order = np.resize(order, together)
        # One draw per place in the global order, so that a picture shown twice is cropped and mirrored anew.
        draws = np.random.default_rng([self.seed, epoch, 1]).integers(0, 2**63 - 1, size=len(order))
        for batch in range(start, len(order) // together):
            first = batch * together + self.rank * self.batch_size
            part = slice(first, first + self.batch_size)
            yield list(zip(order[part].tolist(), draws[part].tolist(), strict=True))


def loader(
    dataset: PairedDataset, batches: Iterable[Sequence[Key | int]], workers: int = 0, *, pin_memory: bool = False
) -> Iterator[Batch]:
    """``batches`` of a dataset, each of the items with these keys, read by ``workers`` processes (0: this one).

    ``pin_memory`` puts them where a GPU can copy them from while it works.

    Raises ZooError for a picture that cannot be read, also when it happened in another process.
    """
    loaded: Iterable[Any] = DataLoader(
        _Caught(dataset),
        batch_sampler=[list(keys) for keys in batches],
        collate_fn=_collate_caught,
        num_workers=workers,
        # By default every start takes a number from the global generator, and a continued run would differ.
        generator=torch.Generator(),
        worker_init_fn=obey_parent,
        pin_memory=pin_memory,
    )
    with deaf_children():
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
