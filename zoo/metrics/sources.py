"""Sources of the evaluated pictures for the masks of a test set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from zoo.codes import Codes
from zoo.distributed import eval_mode
from zoo.interfaces import Batch, Method
from zoo.metrics.pictures import to_uint8_truncated


class PictureSource(Protocol):
    """Pictures for the masks of a test set, all uint8 as in files.

    Besides a method, a source can be, for example, the generator of procedural data.
    """

    @property
    def name(self) -> str:
        """Name for messages."""

    @property
    def codes(self) -> frozenset[str]:
        """Available pictures: "encoded" (one per mask, with the codes of the ground truth), "random" (samples)."""

    @property
    def device(self) -> torch.device:
        """Device of the pictures."""

    def reconstruct(self, pictures: Batch, first: int) -> Tensor:
        """uint8 ``[B, 3, H, W]`` for the pictures ``first`` ... ``first + B - 1`` of the test set."""

    def samples(self, label: Tensor, index: int, samples: int) -> Iterator[Tensor]:
        """uint8 ``[n, 3, H, W]`` in chunks, ``samples`` in all, for the mask ``[1, H, W]`` of picture ``index``.

        A sample depends only on the source and ``index``, not on previous calls.
        """


class MethodSource:
    """Pictures of a method, with the posterior means of the ground truth, or codes drawn with (``seed``, index).

    A method without codes has one picture per mask, which counts as its reconstruction.

    Args:
        method: The method.
        seed: Seed of the random codes.
        chunk: Samples of a mask that are synthesised at once, sharing everything that depends only on the mask.
    """

    def __init__(self, method: Method, *, seed: int = 0, chunk: int = 40) -> None:
        self.method, self.seed, self.chunk = method, seed, chunk

    @property
    def name(self) -> str:
        """The name of the method."""
        return self.method.name

    @property
    def codes(self) -> frozenset[str]:
        """Depends on whether the method has codes and an encoder."""
        kinds = {"random"} if self.method.code_specs else {"encoded"}
        return frozenset(kinds | ({"encoded"} if self.method.encoder is not None else set()))

    @property
    def device(self) -> torch.device:
        """The device of the method."""
        return next((p.device for p in self.method.parameters()), torch.device("cpu"))

    @torch.no_grad()
    def reconstruct(self, pictures: Batch, first: int) -> Tensor:
        """With the posterior means of the codes."""
        method = self.method
        with eval_mode(method):
            if method.code_specs:
                codes = method.encode(pictures.image, pictures.label).mu
            else:
                codes = Codes({}, {}, len(pictures))
            return to_uint8_truncated(method.synthesize(pictures.label, codes))

    @torch.no_grad()
    def samples(self, label: Tensor, index: int, samples: int) -> Iterator[Tensor]:
        """With codes drawn from the seed and ``index``."""
        codes = self.method.sample(label, samples, seed=seed_of(self.seed, index))
        for first in range(0, samples, self.chunk):
            with eval_mode(self.method):
                images = self.method.synthesize(label, codes.rows(slice(first, first + self.chunk)))
            yield to_uint8_truncated(images)


def seed_of(seed: int, index: int) -> int:
    """An independent seed for every (seed, picture), below 2^63 as required by torch."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0] >> np.uint64(1))
