"""Patterns over surface coordinates: each gives, per point, how much of the second colour shows there.

Every pattern is ``pattern(u, v, period, rng) -> [P]`` in [0, 1], with ``u``, ``v`` [P] and ``period`` in metres; all
its choices come from ``rng``, so one generator gives one pattern however many points are asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from zoo_standins.camera import Array

Pattern = Callable[[Array, Array, float, np.random.Generator], Array]
TILE = 64


def noise(u: Array, v: Array, period: float, rng: np.random.Generator, octaves: int = 2) -> Array:
    """Smooth random blotches of about ``period`` metres: a periodic tile of values, read bilinearly."""
    tile = np.zeros((TILE, TILE), np.float32)
    for octave in range(octaves):
        white = rng.standard_normal((TILE, TILE), dtype=np.float32)
        layer = ndimage.gaussian_filter(white, 2.0 / 2**octave, mode="wrap")
        tile += layer / (layer.std() * 2**octave)
    tile = np.clip(0.5 + 0.28 * tile, 0, 1)
    steps = TILE / (16 * period)
    return sample(tile, u * steps, v * steps)


def sample(tile: Array, x: Array, y: Array) -> Array:
    """The periodic ``tile`` [n,n] at columns ``x`` and rows ``y`` [P]."""
    n = len(tile)
    left, top = np.floor(x), np.floor(y)
    fx, fy = x - left, y - top
    i, j = top.astype(np.int64) % n, left.astype(np.int64) % n
    below, right = (i + 1) % n, (j + 1) % n
    upper = tile[i, j] * (1 - fx) + tile[i, right] * fx
    lower = tile[below, j] * (1 - fx) + tile[below, right] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, np.float32)


def _turned(u: Array, v: Array, angle: float) -> tuple[Array, Array]:
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return u * cos + v * sin, v * cos - u * sin


def _wave(x: Array, period: float, share: float) -> Array:
    """1 on ``share`` of every period, 0 elsewhere."""
    return ((x / np.float32(period)) % 1 < share).astype(np.float32)


def plain(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "plain", as the share of the second colour at each point."""
    return 0.35 * noise(u, v, 2 * period, rng)


def mottled(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "mottled", as the share of the second colour at each point."""
    return noise(u, v, period, rng, octaves=3)


def stripes(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "stripes", as the share of the second colour at each point."""
    across, _ = _turned(u, v, rng.choice([0.0, 0.0, np.pi / 2, np.pi / 4]))
    return _wave(across, period * rng.uniform(0.8, 1.6), rng.uniform(0.3, 0.5))


def hoops(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "hoops", as the share of the second colour at each point."""
    return _wave(v, period * rng.uniform(0.8, 1.4), rng.uniform(0.3, 0.5))


def checks(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "checks", as the share of the second colour at each point."""
    a, b = _turned(u, v, rng.choice([0.0, np.pi / 4]))
    return np.abs(_wave(a, 2 * period, 0.5) - _wave(b, 2 * period, 0.5))


def plaid(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "plaid", as the share of the second colour at each point."""
    share = rng.uniform(0.35, 0.55)
    return 0.5 * (_wave(u, 1.6 * period, share) + _wave(v, 1.6 * period, share))


def dots(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "dots", as the share of the second colour at each point."""
    row = np.floor(v / period)
    du, dv = (u / period + 0.5 * (row % 2)) % 1 - 0.5, (v / period) % 1 - 0.5
    return (du**2 + dv**2 < rng.uniform(0.06, 0.12)).astype(np.float32)


def floral(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "floral", as the share of the second colour at each point."""
    return np.clip(6 * (noise(u, v, 0.8 * period, rng, octaves=1) - 0.55), 0, 1)


def bricks(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """Courses half as high as long, every other one shifted, with pale joints and uneven stones."""
    course = np.floor(2 * v / period)
    along = u / period + 0.5 * (course % 2)
    joints = np.maximum(along % 1 < 0.1, (2 * v / period) % 1 < 0.18)
    uneven = 0.3 * sample(rng.random((TILE, TILE), dtype=np.float32), np.floor(along), course)
    return np.where(joints, 1, uneven).astype(np.float32)


def tiles(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "tiles", as the share of the second colour at each point."""
    a, b = _turned(u, v, rng.choice([0.0, 0.0, np.pi / 4]))
    joints = np.maximum((a / (2 * period)) % 1 < 0.07, (b / (2 * period)) % 1 < 0.07)
    return np.where(joints, 1, 0.15).astype(np.float32)


def planks(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """Boards with a tone each, a dark gap between them and grain along them."""
    a, b = _turned(u, v, rng.choice([0.0, np.pi / 2]))
    board = np.floor(a / period)
    tone = sample(rng.random((TILE, TILE), dtype=np.float32), board, np.zeros_like(board))
    grain = noise(4 * a, b, 2 * period, rng, octaves=1)
    return np.where((a / period) % 1 < 0.08, 1, 0.5 * tone + 0.3 * grain).astype(np.float32)


def grain(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "grain", as the share of the second colour at each point."""
    a, b = _turned(u, v, rng.choice([0.0, np.pi / 2]))
    return noise(3 * a, 0.4 * b, period, rng)


def marble(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "marble", as the share of the second colour at each point."""
    warp = noise(u, v, 2 * period, rng)
    return np.abs(np.sin(np.pi * (u / (3 * period) + 3 * warp))).astype(np.float32)


def ripples(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "ripples", as the share of the second colour at each point."""
    warp = noise(u, 2 * v, 2 * period, rng)
    return (0.5 + 0.5 * np.sin(2 * np.pi * (v / period + 1.5 * warp))).astype(np.float32)


def foliage(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "foliage", as the share of the second colour at each point."""
    return np.clip(1.8 * noise(u, v, 0.7 * period, rng, octaves=3) - 0.4, 0, 1)


def clouds(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """Flat-bottomed patches that thin out towards the horizon (v = 0, up is negative)."""
    patch = noise(u, 2.2 * v, period, rng, octaves=3)
    return np.clip(2.4 * (patch - rng.uniform(0.35, 0.6)), 0, 1)


def knit(u: Array, v: Array, period: float, rng: np.random.Generator) -> Array:
    """The pattern "knit", as the share of the second colour at each point."""
    return (0.5 + 0.5 * np.sin(2 * np.pi * (u / (0.6 * period) + np.abs((v / period) % 1 - 0.5)))).astype(np.float32)


PATTERNS: dict[str, Pattern] = {
    pattern.__name__: pattern
    for pattern in (
        *(plain, mottled, stripes, hoops, checks, plaid, dots, floral, bricks, tiles, planks),
        *(grain, marble, ripples, foliage, clouds, knit),
    )
}
