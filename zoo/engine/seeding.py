"""Random numbers as a function of where the training is.

Before every iteration all generators are seeded anew from (seed, rank, iteration), before every epoch from
(seed, rank, epoch). So a resumed run draws what the uninterrupted one would have drawn, on any number of ranks,
whatever was drawn in between for a sample grid, and nothing but the iteration has to be remembered.
"""

from __future__ import annotations

import random
from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """What the random numbers are for; different uses never share a seed."""

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
