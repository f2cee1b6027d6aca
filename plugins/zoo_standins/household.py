"""Things on walls, ceilings and tables. Every drawer is ``drawer(canvas, cls, box, rng)`` and fills ``box``."""

from __future__ import annotations

import numpy as np

from zoo_standins.canvas import DARK, LIGHT, PANE, SECOND, Canvas
from zoo_standins.shapes import Box, blob, smooth

Rng = np.random.Generator


def framed(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """A picture in a frame: paintings, posters, mirrors, boards."""
    c.fill(b.rect(), cls, part=DARK)
    c.fill(b.rect(0.06, 0.06, 0.94, 0.94), cls, tone=1.05)
    if rng.random() < 0.6:
        c.fill(blob(b.inner(0.25, 0.25, 0.75, 0.8), rng), cls, part=SECOND)


def window(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "window"."""
    c.fill(b.rect(), cls, tone=1.15)
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    for i in range(columns):
        for j in range(rows):
            cell = b.inner(
                0.04 + 0.92 * i / columns,
                0.04 + 0.92 * j / rows,
                0.04 + 0.92 * (i + 1) / columns,
                0.04 + 0.92 * (j + 1) / rows,
            )
            c.fill(cell.rect(0.06, 0.06, 0.94, 0.94), cls, part=PANE, fall=0.25)


def slats(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "slats"."""
    c.fill(b.rect(), cls, tone=0.6)
    for k in range(9):
        c.fill(b.rect(0, k / 9, 1, (k + 0.6) / 9), cls, tone=1.1)


def upright(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Parallel bars: radiators, railings, screen doors."""
    c.fill(b.rect(), cls, tone=0.55)
    for k in range(8):
        c.fill(b.rect(k / 8, 0, (k + 0.62) / 8, 1), cls, round=0.5)


def door(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "door"."""
    c.fill(b.rect(), cls, tone=0.6)
    c.fill(b.rect(0.06, 0.03, 0.94, 1), cls)
    for y0, y1 in ((0.08, 0.45), (0.55, 0.92)):
        c.fill(b.rect(0.18, y0, 0.82, y1), cls, tone=0.85)
    c.fill(b.oval(0.82, 0.49, 0.92, 0.54), cls, part=DARK)


def drape(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "drape"."""
    folds = max(2, round(6 * (b.x1 - b.x0) / 0.15))
    for k in range(folds):
        c.fill(b.rect(k / folds, 0, (k + 1) / folds, 1), cls, round=0.8, tone=1.05)


def monitor(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "monitor"."""
    c.fill(b.rect(0.44, 0.75, 0.56, 0.95), cls, part=DARK)
    c.fill(b.rect(0.28, 0.93, 0.72, 1), cls, part=DARK)
    c.fill(b.rect(0, 0, 1, 0.8), cls, part=DARK)
    c.fill(b.rect(0.05, 0.06, 0.95, 0.74), cls, tone=1.1)
    c.fill(b.poly((0.1, 0.1), (0.45, 0.1), (0.2, 0.6), (0.1, 0.6)), cls, part=SECOND)


def clock(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "clock"."""
    c.fill(b.oval(), cls, part=DARK)
    c.fill(b.oval(0.1, 0.1, 0.9, 0.9), cls, part=LIGHT)
    c.fill(b.poly((0.46, 0.2), (0.54, 0.2), (0.54, 0.5), (0.78, 0.56), (0.76, 0.62), (0.46, 0.56)), cls, part=DARK)


def lamp(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "lamp"."""
    c.fill(b.rect(0.45, 0.4, 0.55, 0.97), cls, part=DARK)
    c.fill(b.oval(0.25, 0.92, 0.75, 1), cls, part=DARK)
    c.fill(b.poly((0.28, 0), (0.72, 0), (1, 0.42), (0, 0.42)), cls, part=LIGHT, round=0.2)


def sconce(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "sconce"."""
    c.fill(b.rect(0.42, 0.5, 0.58, 1), cls, part=DARK)
    c.fill(b.poly((0, 0), (1, 0), (0.7, 0.65), (0.3, 0.65)), cls, part=LIGHT)


def chandelier(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "chandelier"."""
    c.fill(b.rect(0.48, 0, 0.52, 0.5), cls, part=DARK)
    c.fill(smooth(b.poly((0, 0.5), (1, 0.5), (0.6, 0.95), (0.4, 0.95))), cls, part=SECOND)
    for x in (0.0, 0.3, 0.58, 0.86):
        c.fill(b.oval(x, 0.3, x + 0.14, 0.62), cls, part=LIGHT)


def downlight(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "downlight"."""
    c.fill(b.oval(), cls, tone=0.7)
    c.fill(b.oval(0.12, 0.12, 0.88, 0.88), cls, part=LIGHT)


def fan(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "fan"."""
    c.fill(b.rect(0.47, 0, 0.53, 0.5), cls, part=DARK)
    for x, y in ((0, 0.35), (1, 0.3), (0.15, 0.95), (0.9, 0.9)):
        c.fill(b.poly((0.47, 0.5), (x, y), (x * 0.9 + 0.05, y + 0.1), (0.53, 0.6)), cls, tone=0.9)
    c.fill(b.oval(0.4, 0.45, 0.6, 0.75), cls, part=DARK)


def sink(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "sink"."""
    c.fill(b.poly((0, 0.3), (1, 0.3), (0.7, 1), (0.3, 1)), cls, tone=0.85, round=0.3)
    c.fill(b.oval(0, 0.15, 1, 0.55), cls, tone=1.12)
    c.fill(b.oval(0.1, 0.22, 0.9, 0.48), cls, tone=0.55)
    c.fill(b.rect(0.46, 0, 0.54, 0.3), cls, part=DARK)


def vessel(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """A turned shape with a random profile: vases, bottles, pots, barrels, baskets."""
    heights = np.linspace(0, 1, 6)
    half = 0.5 * np.clip(rng.uniform(0.45, 1.0, 6) * (0.55 + 0.45 * np.sin(np.pi * (0.15 + 0.75 * heights))), 0.2, 1)
    left = [(0.5 - w, y) for w, y in zip(half.tolist(), heights.tolist(), strict=True)]
    c.fill(b.poly(*left, *((1 - x, y) for x, y in reversed(left))), cls, round=0.7)
    c.fill(b.oval(0.5 - half[0], -0.04, 0.5 + half[0], 0.06), cls, tone=0.5)


def bottle(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "bottle"."""
    c.fill(b.poly((0.38, 0), (0.62, 0), (0.62, 0.3), (1, 0.45), (1, 1), (0, 1), (0, 0.45), (0.38, 0.3)), cls, round=0.6)
    c.fill(b.rect(0, 0.6, 1, 0.82), cls, part=SECOND, round=0.4)


def tumbler(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "tumbler"."""
    c.fill(b.poly((0, 0), (1, 0), (0.8, 1), (0.2, 1)), cls, round=0.5)
    c.fill(b.oval(0, -0.08, 1, 0.1), cls, tone=1.2)


def dish(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "dish"."""
    c.fill(b.oval(), cls, tone=1.1)
    c.fill(b.oval(0.18, 0.18, 0.82, 0.75), cls, tone=0.8)


def ball(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "ball"."""
    c.darken(Box(b.x0, b.y1 - 0.02, b.x1, b.y1 + 0.02).rect(), 0.5)
    c.fill(b.oval(), cls, round=0.7, fall=0.3)
    c.fill(b.oval(0.38, 0.02, 0.62, 0.98), cls, part=SECOND)


def heap(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Small round things in a pile: food, toys."""
    for x, y in ((0.0, 0.5), (0.5, 0.5), (0.25, 0.05)):
        c.fill(b.oval(x, y, x + 0.5, y + 0.5), cls, round=0.6, part=SECOND if x else 0)


def books(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "books"."""
    for k in range(4):
        shift = rng.uniform(-0.08, 0.08)
        c.fill(
            b.rect(0.08 + shift, k / 4, 0.92 + shift, (k + 1) / 4), cls, part=SECOND if k % 2 else 0, tone=1.1 - 0.1 * k
        )


def bag(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "bag"."""
    c.fill(b.oval(0.25, 0, 0.75, 0.6), cls, part=DARK)
    c.fill(b.oval(0.33, 0.1, 0.67, 0.6), cls, tone=0.6)
    c.fill(smooth(b.poly((0.1, 0.3), (0.9, 0.3), (1, 1), (0, 1))), cls, round=0.3)


def garment(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "garment"."""
    c.fill(
        b.poly(
            (0.3, 0),
            (0.7, 0),
            (1, 0.3),
            (0.85, 0.42),
            (0.75, 0.33),
            (0.78, 1),
            (0.22, 1),
            (0.25, 0.33),
            (0.15, 0.42),
            (0, 0.3),
        ),
        cls,
        round=0.3,
    )


def cushion(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "cushion"."""
    c.fill(
        smooth(b.poly((0, 0.05), (0.5, 0.12), (1, 0), (0.95, 0.5), (1, 1), (0.5, 0.92), (0, 1), (0.05, 0.5))),
        cls,
        round=0.35,
    )


def funnel(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "funnel"."""
    c.fill(b.rect(0.38, 0, 0.62, 0.6), cls, tone=0.85, round=0.3)
    c.fill(b.poly((0.36, 0.5), (0.64, 0.5), (1, 0.9), (1, 1), (0, 1), (0, 0.9)), cls, tone=1.05)
