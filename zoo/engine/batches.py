"""What an iteration trains on: its batch and its random numbers, both functions of the number of the iteration.

Nothing but that number has to be remembered to continue a run: the sampler plans every epoch from the seed, and
:func:`reseed` seeds all random generators anew before every iteration from (seed, rank, iteration), and before every
epoch from (seed, rank, epoch). A resumed run so draws what the uninterrupted one would have drawn, whatever was drawn
in between for a picture or an evaluation.
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
    """The batches of this rank, by epoch and place within the epoch, on the device.

    Attributes:
        dataset: The training pictures.
        sampler: Plans the epochs and deals the pictures to the ranks.
        device: Where the batches are delivered.
        workers: Processes that read pictures; with 0 this process reads.
        channels_last: Whether images have the memory layout that GPUs with tensor cores prefer.
    """

    dataset: PairedDataset
    sampler: EpochSampler
    device: torch.device
    workers: int = 0
    channels_last: bool = False
    _ends: list[int] = field(default_factory=lambda: [0], repr=False)

    def iterations(self, epochs: int) -> int:
        """Iterations of the first ``epochs`` epochs."""
        while len(self._ends) <= epochs:
            self._ends.append(self._ends[-1] + self.sampler.length(len(self._ends) - 1))
        return self._ends[epochs]

    def position(self, iteration: int) -> tuple[int, int]:
        """The epoch, and the number of the batch within it, of an iteration; all three count from 0."""
        while self._ends[-1] <= iteration:
            self.iterations(len(self._ends))
        epoch = bisect_right(self._ends, iteration) - 1
        return epoch, iteration - self._ends[epoch]

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from number ``start`` on; earlier ones are never read."""
        yield from self.read(self.sampler.batches(epoch, start))

    def pictures(self, epoch: int) -> EpochView:
        """All pictures that the epoch may show, without augmentation."""
        return EpochView(self, self.sampler.plan(epoch).shown)

    def read(self, batches: Iterable[Sequence[Key | int]]) -> Iterator[Batch]:
        """Batches of the items with these keys, on the device."""
        for batch in loader(self.dataset, batches, self.workers, pin_memory=self.device.type == "cuda"):
            yield self.to_device(batch)

    def to_device(self, batch: Batch) -> Batch:
        """The batch on the device, in the memory layout of the run."""
        batch = batch.to(self.device)
        if self.channels_last:
            batch = replace(batch, image=batch.image.contiguous(memory_format=torch.channels_last))
        return batch


@dataclass(frozen=True)
class EpochView:
    """Pictures of an epoch in batches, read when they are asked for; can be iterated more than once."""

    loader: BatchLoader
    indices: list[int]

    def __iter__(self) -> Iterator[Batch]:
        size = self.loader.sampler.batch_size
        yield from self.loader.read(self.indices[first : first + size] for first in range(0, len(self.indices), size))


class Stream(IntEnum):
    """What random numbers are for; different uses never share a seed."""

    BUILD = 0
    EPOCH = 1
    ITERATION = 2
    RESTART = 3


def reseed(seed: int, stream: Stream, *, rank: int = 0, position: int = 0) -> None:
    """Seed torch (all devices), numpy and python for one use; ``position`` is the iteration or the epoch."""
    words = np.random.SeedSequence([seed, stream, rank, position]).generate_state(3)
    torch.manual_seed(int(words[0]))
    np.random.seed(words[1])
    random.seed(int(words[2]))
