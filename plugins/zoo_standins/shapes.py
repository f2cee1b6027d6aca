"""Outlines: polygons in picture heights, x to the right and y down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Outline = Sequence[tuple[float, float]] | NDArray[np.float64]


class Box(NamedTuple):
    """A rectangle of the picture; the methods take fractions of it, (0, 0) being the upper left corner."""

    x0: float
    y0: float
    x1: float
    y1: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point, in shares of its sides."""
        return self.x0 + x * (self.x1 - self.x0), self.y0 + y * (self.y1 - self.y0)

    def poly(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        """Outline through points, in shares of its sides."""
        return [self.at(x, y) for x, y in points]

    def inner(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A part of the box, in shares of its sides."""
        return Box(*self.at(x0, y0), *self.at(x1, y1))

    def rect(self, x0: float = 0, y0: float = 0, x1: float = 1, y1: float = 1) -> list[tuple[float, float]]:
        """Outline of a rectangle inside it, by default the whole."""
        return self.poly((x0, y0), (x1, y0), (x1, y1), (x0, y1))

    def oval(self, x0: float = 0, y0: float = 0, x1: float = 1, y1: float = 1) -> list[tuple[float, float]]:
        """Outline of an ellipse inside it, by default the largest."""
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        xs, ys = (x0 + x1) / 2 + (x1 - x0) / 2 * np.cos(turn), (y0 + y1) / 2 + (y1 - y0) / 2 * np.sin(turn)
        return self.poly(*zip(xs.tolist(), ys.tolist(), strict=True))


def smooth(points: Outline) -> NDArray[np.float64]:
    """The closed outline with its corners cut twice (Chaikin's subdivision)."""
    curve = np.asarray(points, np.float64)
    for _ in range(2):
        following = np.roll(curve, -1, axis=0)
        curve = np.stack([0.75 * curve + 0.25 * following, 0.25 * curve + 0.75 * following], 1).reshape(-1, 2)
    return curve


def limb(points: Sequence[tuple[float, float]], widths: Sequence[float]) -> NDArray[np.float64]:
    """A smooth band along ``points`` with a full width at each."""
    path, half = np.asarray(points, np.float64), np.asarray(widths, np.float64)[:, None] / 2
    along = np.gradient(path, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], 1) / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return smooth(np.concatenate([path + normal * half, (path - normal * half)[::-1]]))


def blob(box: Box, rng: np.random.Generator, rough: float = 0.18, points: int = 26) -> NDArray[np.float64]:
    """A lumpy outline that fills ``box``: crowns, bushes, rocks."""
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = 1 - rough + rng.uniform(-rough, rough, points)
    (cx, cy), (rx, ry) = box.at(0.5, 0.5), ((box.x1 - box.x0) / 2, (box.y1 - box.y0) / 2)
    return np.stack([cx + rx * radius * np.cos(turn), cy + ry * radius * np.sin(turn)], 1)
