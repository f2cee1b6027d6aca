"""Growing and living things. Every drawer is ``drawer(canvas, cls, box, rng)`` and fills ``box``."""

from __future__ import annotations

import numpy as np

from zoo_standins.camera import Level
from zoo_standins.canvas import DARK, LIGHT, SECOND, Canvas
from zoo_standins.shapes import Box, blob, limb, smooth

Rng = np.random.Generator


def shadow(c: Canvas, b: Box, strength: float = 0.5) -> None:
    """Draw the object "shadow"."""
    high = 0.06 * (b.x1 - b.x0) + 0.01
    c.darken(Box(b.x0 - high, b.y1 - high, b.x1 + high, b.y1 + high).rect(), strength)


def tree(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """A broad-leaved crown or a conifer, on a trunk of the same class."""
    shadow(c, b.inner(0.2, 0, 0.8, 1))
    c.fill(b.poly((0.46, 0.5), (0.54, 0.5), (0.57, 1), (0.43, 1)), cls, part=DARK)
    if rng.random() < 0.3:
        for k in range(4):
            y, half = 0.2 * k, 0.2 + 0.1 * k
            c.fill(b.poly((0.5, y), (0.5 + half, y + 0.3), (0.5 - half, y + 0.3)), cls, tone=1.1 - 0.08 * k, round=0.5)
        return
    for x0, y0, x1, y1, tone in ((0, 0.22, 0.6, 0.72, 0.8), (0.4, 0.18, 1, 0.7, 0.85), (0.15, 0, 0.85, 0.55, 1.1)):
        c.fill(blob(b.inner(x0, y0, x1, y1), rng, 0.12), cls, tone=tone, fall=0.3)


def palm(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "palm"."""
    c.fill(limb(b.poly((0.5, 0.25), (0.47, 0.6), (0.52, 1)), [0.06 * (b.x1 - b.x0)] * 3), cls, part=DARK, tone=1.6)
    for turn in np.linspace(-0.1, np.pi + 0.1, 7):
        x, y = 0.5 + 0.5 * float(np.cos(turn)), 0.25 - 0.22 * float(np.sin(turn))
        tip = (x, y + 0.12)
        c.fill(
            b.poly((0.5, 0.22), ((0.5 + x) / 2, y - 0.03), tip, ((0.5 + x) / 2, y + 0.06)),
            cls,
            tone=rng.uniform(0.75, 1.2),
        )


def bush(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "bush"."""
    shadow(c, b)
    c.fill(blob(b, rng, 0.12), cls, fall=0.35, round=0.3)


def potted(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "potted"."""
    c.fill(b.poly((0.3, 0.72), (0.7, 0.72), (0.63, 1), (0.37, 1)), cls, part=DARK, tone=2.0)
    for turn in np.linspace(0.2, np.pi - 0.2, 9):
        length = rng.uniform(0.75, 1.0)
        tip = (0.5 + 0.5 * length * float(np.cos(turn)), 0.72 - 0.7 * length * float(np.sin(turn)))
        c.fill(
            limb(
                b.poly((0.5, 0.75), ((0.5 + tip[0]) / 2, tip[1] * 0.6 + 0.2), tip), [0.01, 0.14 * (b.x1 - b.x0), 0.01]
            ),
            cls,
            tone=rng.uniform(0.7, 1.2),
        )


def bouquet(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "bouquet"."""
    for x, y in ((0.0, 0.2), (0.35, 0.0), (0.65, 0.25), (0.2, 0.45), (0.5, 0.4)):
        c.fill(b.rect(x + 0.15, y + 0.2, x + 0.19, 1), cls, part=DARK)
        c.fill(b.oval(x, y, x + 0.35, y + 0.3), cls, part=SECOND if x > 0.3 else 0)


def rock(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "rock"."""
    shadow(c, b)
    outline = blob(b, rng, 0.2, points=9)
    outline[:, 1] = np.minimum(outline[:, 1], b.y1 - 0.1 * (b.y1 - b.y0))
    c.fill(outline, cls, round=0.3, fall=0.35)


def person(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "person"."""
    shadow(c, b)
    stride = rng.uniform(0.0, 0.16)
    for x in (0.5 - stride - 0.1, 0.5 + stride + 0.1):
        c.fill(b.poly((0.36, 0.5), (0.64, 0.5), (x + 0.11, 1), (x - 0.11, 1)), cls, part=SECOND, tone=0.6)
    swing = rng.uniform(0.0, 0.2)
    for side, x in ((-1, 0.2), (1, 0.8)):
        c.fill(
            b.poly((x - 0.1, 0.2), (x + 0.1, 0.2), (x + side * swing + 0.08, 0.55), (x + side * swing - 0.08, 0.55)),
            cls,
            tone=0.8,
        )
    c.fill(smooth(b.poly((0.2, 0.17), (0.8, 0.17), (0.72, 0.56), (0.28, 0.56))), cls, round=0.4)
    c.fill(b.oval(0.34, 0, 0.66, 0.16), cls, part=LIGHT, tone=0.75)
    c.fill(b.poly((0.33, 0.08), (0.36, 0.0), (0.64, 0.0), (0.67, 0.08), (0.5, 0.04)), cls, part=DARK)


def animal(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "animal"."""
    shadow(c, b)
    for x in (0.14, 0.28, 0.62, 0.76):
        c.fill(b.rect(x, 0.5, x + 0.08, 1), cls, tone=0.65)
    c.fill(smooth(b.poly((0.02, 0.3), (0.85, 0.25), (0.88, 0.65), (0.05, 0.7))), cls, fall=0.25)
    c.fill(b.oval(0.72, 0, 1, 0.42), cls, tone=1.05)
    c.fill(b.poly((0.74, 0.1), (0.74, -0.1), (0.84, 0.04)), cls, tone=0.7)


def patch(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """A flat lumpy piece of ground or water."""
    c.fill(smooth(blob(b, rng, 0.12, points=14)), cls, plane=Level())
