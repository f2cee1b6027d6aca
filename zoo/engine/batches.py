"""Batches and random numbers of training, both functions of the iteration.

Only the iteration has to be stored to resume a run: the sampler plans every epoch from the seed, and :func:`reseed`
seeds all random generators before every iteration from (seed, rank, iteration), and before every epoch from (seed,
rank, epoch). A resumed run therefore draws the same random numbers as an uninterrupted one, independently of any
numbers drawn for sample grids or evaluations.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
import torch

from zoo.data import EpochSampler, PairedDataset, loader
from zoo.data.sampler import Key
from zoo.interfaces import Batch


@dataclass
class BatchLoader:
    """The batches of this rank on its device, by epoch and position within the epoch.

    Attributes:
        dataset: The training pictures.
        sampler: Plans the epochs and distributes the pictures over the ranks.
        device: Device of the batches.
        workers: Number of worker processes; 0 loads in this process.
        channels_last: Whether images use the channels-last memory format.
    """

    dataset: PairedDataset
    sampler: EpochSampler
    device: torch.device
    workers: int = 0
    channels_last: bool = False
    _ends: list[int] = field(default_factory=lambda: [0], repr=False)

    def iterations(self, epochs: int) -> int:
        """Number of iterations of the first ``epochs`` epochs."""
        while len(self._ends) <= epochs:
            self._ends.append(self._ends[-1] + self.sampler.length(len(self._ends) - 1))
        return self._ends[epochs]

    def position(self, iteration: int) -> tuple[int, int]:
        """The epoch and the batch number within it for an iteration; all three count from 0."""
        while self._ends[-1] <= iteration:
            self.iterations(len(self._ends))
        epoch = bisect_right(self._ends, iteration) - 1
        return epoch, iteration - self._ends[epoch]

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch starting at number ``start``; earlier ones are not loaded."""
        yield from self.read(self.sampler.batches(epoch, start))

    def pictures(self, epoch: int) -> EpochView:
        """All pictures that the epoch may use, without augmentation."""
        return EpochView(self, self.sampler.plan(epoch).shown)

    def read(self, batches: Iterable[Sequence[Key | int]]) -> Iterator[Batch]:
        """Load batches of the items with these keys to the device."""
        for batch in loader(self.dataset, batches, self.workers, pin_memory=self.device.type == "cuda"):
            yield self.to_device(batch)

    def to_device(self, batch: Batch) -> Batch:
        """Move a batch to the device, in the memory format of the run."""
        batch = batch.to(self.device)
        if self.channels_last:
            batch = replace(batch, image=batch.image.contiguous(memory_format=torch.channels_last))
        return batch


@dataclass(frozen=True)
class EpochView:
    """The pictures of an epoch in batches, loaded lazily; can be iterated more than once."""

    loader: BatchLoader
    indices: list[int]

    def __iter__(self) -> Iterator[Batch]:
        size = self.loader.sampler.batch_size
        yield from self.loader.read(self.indices[first : first + size] for first in range(0, len(self.indices), size))


class Stream(IntEnum):
    """Purposes of random numbers; each has its own seeds."""

    BUILD = 0
    EPOCH = 1
    ITERATION = 2
    RESTART = 3


def reseed(seed: int, stream: Stream, *, rank: int = 0, position: int = 0) -> None:
    """Seed torch (all devices), numpy and Python for a purpose; ``position`` is the iteration or the epoch."""
    words = np.random.SeedSequence([seed, stream, rank, position]).generate_state(3)
    torch.manual_seed(int(words[0]))
    np.random.seed(words[1])
    random.seed(int(words[2]))
