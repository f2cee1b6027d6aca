"""Sampling of pictures as a pure function of seed, epoch and rank, so that a run can be resumed exactly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.data.base import EpochPlan, PairedDataset

Key = tuple[int, int]
"""Index of a picture and seed of its augmentation."""


class EpochSampler:
    """Distributes the pictures of an epoch over ranks, in batches.

    Ranks take disjoint parts of one global order, which does not depend on ``world``; an incomplete last global batch
    is dropped. A dataset smaller than a global batch is repeated, so that there is always one batch.

    Args:
        dataset: The pictures.
        seed: Seed of order and augmentation.
        batch_size: Batch size per rank.
        rank: This rank.
        world: Number of ranks.
    """

    def __init__(self, dataset: PairedDataset, *, seed: int, batch_size: int, rank: int = 0, world: int = 1) -> None:
        if batch_size < 1 or not 0 <= rank < world:
            raise ValueError(f"batch_size {batch_size} must be at least 1 and rank {rank} in [0, {world})")
        self.dataset, self.seed, self.batch_size, self.rank, self.world = dataset, seed, batch_size, rank, world

    def plan(self, epoch: int) -> EpochPlan:
        """The pictures of ``epoch`` for all ranks."""
        return self.dataset.epoch(np.random.default_rng([self.seed, epoch, 0]))

    def length(self, epoch: int = 0) -> int:
        """Number of batches per rank in ``epoch``."""
        return max(1, len(self.plan(epoch).order) // (self.batch_size * self.world))

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Key]]:
        """The batches of this rank from number ``start`` on, as lists of (index, draw) for ``dataset[index, draw]``."""
        order = np.asarray(self.plan(epoch).order)
        together = self.batch_size * self.world
        if len(order) < together:
            order = np.resize(order, together)
        # one seed per position in the global order, so that repeated pictures get different augmentations
        draws = np.random.default_rng([self.seed, epoch, 1]).integers(0, 2**63 - 1, size=len(order))
        for batch in range(start, len(order) // together):
            first = batch * together + self.rank * self.batch_size
            part = slice(first, first + self.batch_size)
            yield list(zip(order[part].tolist(), draws[part].tolist(), strict=True))
