"""Noise that a seed stands for: a pure function, the same on every device, for many seeds at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def noise_of(seeds: Tensor, shape: Sequence[int]) -> Tensor:
    """Standard normal noise ``[B, *shape]`` of int64 seeds ``[B]``.

    Position i of a seed hashes seed and i (SplitMix64, Steele et al. 2014) into two uniform numbers, which the
    Box-Muller transform turns into two normal ones. torch's generators would need one call per seed, and give other
    numbers on a GPU than on a CPU.
    """
    count = math.prod(shape)
    position = torch.arange((count + 1) // 2, device=seeds.device)
    bits = _mixed(_mixed(seeds)[:, None] + position * -7046029254386353131)
    high, low = (part.float() for part in ((bits >> 32) & 0xFFFFFFFF, bits & 0xFFFFFFFF))
    radius = torch.sqrt(-2 * torch.log((high + 0.5) * 2.0**-32))
    angle = low * (2 * math.pi * 2.0**-32)
    normal = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)
    return normal[:, :count].unflatten(1, tuple(shape))


def _mixed(z: Tensor) -> Tensor:
    """SplitMix64's finaliser on int64, whose products wrap as unsigned ones do; the masks make shifts logical."""
    z = (z ^ ((z >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    z = (z ^ ((z >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return z ^ ((z >> 31) & 0x1FFFFFFFF)
