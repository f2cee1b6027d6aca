"""What the loop is fed with: batches by epoch and place, and the iteration's place as a pure function."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch

from zoo.data import EpochSampler, PairedDataset, loader
from zoo.data.sampler import Key
from zoo.interfaces import Batch


@dataclass
class Feed:
    """A dataset, dealt to this rank by a sampler, delivered on a device.

    workers: reading processes (0: this one). channels_last: memory layout of the pictures, which GPUs with tensor cores
    prefer.
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
        """(epoch, batch within it) that iteration number ``iteration`` (from 0) trains on."""
        while self._ends[-1] <= iteration:
            self.iterations(len(self._ends))
        epoch = bisect_right(self._ends, iteration) - 1
        return epoch, iteration - self._ends[epoch]

    def batches(self, epoch: int, start: int) -> Iterator[Batch]:
        """The batches of an epoch from number ``start`` on; earlier ones are never read."""
        yield from self.read(self.sampler.batches(epoch, start))

    def pictures(self, epoch: int) -> Pictures:
        """Every picture that the epoch may show, without augmentation."""
        return Pictures(self, self.sampler.plan(epoch).shown)

    def read(self, batches: Iterable[Sequence[Key | int]]) -> Iterator[Batch]:
        """Batches of the items with these keys, on the device."""
        for batch in loader(self.dataset, batches, self.workers, pin_memory=self.device.type == "cuda"):
            yield self.deliver(batch)

    def deliver(self, batch: Batch) -> Batch:
        batch = batch.to(self.device)
        if self.channels_last:
            batch = replace(batch, image=batch.image.contiguous(memory_format=torch.channels_last))
        return batch


@dataclass(frozen=True)
class Pictures:
    """Pictures of a dataset in batches, read when they are asked for; can be gone through more than once."""

    feed: Feed
    indices: list[int]

    def __iter__(self) -> Iterator[Batch]:
        size = self.feed.sampler.batch_size
        yield from self.feed.read(self.indices[first : first + size] for first in range(0, len(self.indices), size))
