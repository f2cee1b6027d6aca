"""What stands on floors. Every drawer is ``drawer(canvas, cls, box, rng)`` and fills ``box`` with class ``cls``."""

from __future__ import annotations

import numpy as np

from zoo_standins.canvas import DARK, LIGHT, PANE, SECOND, Canvas
from zoo_standins.shapes import Box, smooth

Rng = np.random.Generator


def block(c: Canvas, cls: int, b: Box, top: float = 0.12, deep: float = 0.22) -> Box:
    """A box with a front, a lit top and a dark side that faces the middle of the picture; returns the front."""
    from_left = b.x0 + b.x1 < 2 * c.camera.x
    x0, x1 = (0.0, 1 - deep) if from_left else (deep, 1.0)
    edge, back = (x1, 1.0) if from_left else (x0, 0.0)
    lift = 0.6 * top
    c.darken(Box(b.x0 - 0.02, b.y1 - 0.03, b.x1 + 0.02, b.y1 + 0.03).rect(), 0.5)
    c.fill(b.poly((edge, top), (back, lift), (back, 1 - top), (edge, 1)), cls, tone=0.6)
    shift = deep if from_left else -deep
    c.fill(b.poly((x0, top), (x1, top), (min(x1 + shift, 1.0), 0), (max(x0 + shift, 0.0), 0)), cls, tone=1.15)
    front = b.inner(x0, top, x1, 1)
    c.fill(front.rect(), cls, tone=0.92, fall=0.15)
    return front


def crate(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "crate"."""
    block(c, cls, b)


def drawers(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "drawers"."""
    front = block(c, cls, b)
    rows, columns = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    for row in range(rows):
        for column in range(columns):
            cell = front.inner(column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
            c.fill(cell.rect(0.06, 0.1, 0.94, 0.9), cls, tone=1.05)
            c.fill(cell.rect(0.4, 0.42, 0.6, 0.56), cls, part=DARK)


def cupboard(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "cupboard"."""
    front = block(c, cls, b, top=0.06)
    for x0, handle in ((0.04, 0.42), (0.52, 0.54)):
        c.fill(front.rect(x0, 0.05, x0 + 0.44, 0.95), cls, tone=1.05)
        c.fill(front.rect(handle, 0.42, handle + 0.04, 0.58), cls, part=DARK)


def shelves(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "shelves"."""
    c.fill(b.rect(), cls, tone=0.95)
    rows = int(rng.integers(3, 6))
    for row in range(rows):
        cell = b.inner(0.06, (row + 0.12) / rows, 0.94, (row + 0.95) / rows)
        c.fill(cell.rect(), cls, tone=0.45)
        x = 0.03
        while x < 0.85:
            wide, tall = rng.uniform(0.05, 0.12), rng.uniform(0.15, 0.4)
            c.fill(cell.rect(x, tall, x + wide, 1), cls, part=SECOND, tone=rng.uniform(0.6, 1.2))
            x += wide + rng.choice([0.01, 0.01, 0.15])


def appliance(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "appliance"."""
    front = block(c, cls, b)
    c.fill(front.rect(0.06, 0.04, 0.94, 0.16), cls, tone=0.75)
    for x in (0.15, 0.3, 0.7, 0.85):
        c.fill(front.oval(x - 0.04, 0.07, x + 0.04, 0.14), cls, part=DARK)
    if rng.random() < 0.5:
        c.fill(front.oval(0.2, 0.3, 0.8, 0.85), cls, part=DARK)
        c.fill(front.oval(0.28, 0.37, 0.72, 0.78), cls, part=PANE, tone=0.7)
    else:
        c.fill(front.rect(0.14, 0.32, 0.86, 0.8), cls, part=DARK)
        c.fill(front.rect(0.14, 0.24, 0.86, 0.28), cls, tone=1.3)


def fridge(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "fridge"."""
    front = block(c, cls, b, top=0.05)
    c.fill(front.rect(0, 0.34, 1, 0.36), cls, part=DARK)
    for y0, y1 in ((0.18, 0.31), (0.4, 0.6)):
        c.fill(front.rect(0.08, y0, 0.14, y1), cls, part=DARK)


def table(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "table"."""
    c.darken(Box(b.x0, b.y1 - 0.25 * (b.y1 - b.y0), b.x1, b.y1 + 0.02).rect(), 0.45)
    for x, foot in ((0.14, 0.86), (0.8, 0.86), (0.02, 1.0), (0.92, 1.0)):
        c.fill(b.rect(x, 0.2, x + 0.06, foot), cls, tone=0.6)
    c.fill(b.poly((0.14, 0), (0.86, 0), (1, 0.26), (0, 0.26)), cls, tone=1.12)
    c.fill(b.rect(0, 0.26, 1, 0.36), cls, tone=0.72)


def chair(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "chair"."""
    c.darken(Box(b.x0, b.y1 - 0.04, b.x1, b.y1 + 0.03).rect(), 0.45)
    for x in (0.1, 0.78):
        c.fill(b.rect(x, 0.55, x + 0.12, 1), cls, tone=0.6)
    for x in (0.22, 0.68):
        c.fill(b.rect(x, 0.55, x + 0.09, 0.9), cls, tone=0.45)
    c.fill(smooth(b.poly((0.12, 0), (0.88, 0), (0.88, 0.6), (0.12, 0.6))), cls, tone=0.95, fall=0.25)
    c.fill(b.poly((0.14, 0.48), (0.86, 0.48), (0.98, 0.64), (0.02, 0.64)), cls, tone=1.15)
    c.fill(b.rect(0.02, 0.63, 0.98, 0.7), cls, tone=0.7)


def swivel(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "swivel"."""
    c.fill(smooth(b.poly((0.15, 0), (0.85, 0), (0.9, 0.5), (0.1, 0.5))), cls, tone=0.9, fall=0.2)
    c.fill(b.oval(0.02, 0.46, 0.98, 0.66), cls, tone=1.1)
    c.fill(b.rect(0.45, 0.62, 0.55, 0.92), cls, part=DARK)
    c.fill(b.poly((0.5, 0.84), (1, 0.98), (0.5, 0.93), (0, 0.98)), cls, part=DARK)


def stool(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "stool"."""
    for x in (0.08, 0.42, 0.78):
        c.fill(b.rect(x, 0.1, x + 0.13, 1), cls, tone=0.6)
    c.fill(b.oval(0, 0, 1, 0.3), cls, tone=1.1)


def sofa(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "sofa"."""
    c.darken(Box(b.x0, b.y1 - 0.05, b.x1, b.y1 + 0.03).rect(), 0.5)
    c.fill(smooth(b.poly((0.05, 0), (0.95, 0), (0.97, 0.8), (0.03, 0.8))), cls, tone=0.85, fall=0.2)
    seats = max(1, round((b.x1 - b.x0) / (b.y1 - b.y0) * 1.1))
    for k in range(seats):
        x0, x1 = 0.12 + 0.76 * k / seats, 0.12 + 0.76 * (k + 1) / seats
        c.fill(
            smooth(b.poly((x0 + 0.01, 0.08), (x1 - 0.01, 0.08), (x1 - 0.01, 0.6), (x0 + 0.01, 0.6))),
            cls,
            tone=1.02,
            fall=0.25,
        )
        c.fill(b.poly((x0, 0.52), (x1, 0.52), (x1, 0.7), (x0, 0.7)), cls, tone=1.18)
    c.fill(b.rect(0.05, 0.7, 0.95, 0.93), cls, tone=0.7)
    for x0 in (0.0, 0.86):
        c.fill(smooth(b.poly((x0, 0.32), (x0 + 0.14, 0.32), (x0 + 0.14, 0.97), (x0, 0.97))), cls, tone=0.95, round=0.4)


def bed(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Seen from its foot: headboard, mattress, and a cover that hangs down in front."""
    c.darken(Box(b.x0 - 0.04, b.y1 - 0.06, b.x1 + 0.04, b.y1 + 0.04).rect(), 0.5)
    c.fill(smooth(b.poly((0.12, 0), (0.88, 0), (0.9, 0.5), (0.1, 0.5))), cls, part=SECOND, tone=0.75)
    c.fill(b.poly((0.14, 0.34), (0.86, 0.34), (1, 0.72), (0, 0.72)), cls, tone=1.15)
    c.fill(b.poly((0, 0.72), (1, 0.72), (0.98, 1), (0.02, 1)), cls, tone=0.78, fall=0.2)


def cradle(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "cradle"."""
    c.fill(b.rect(0, 0.2, 1, 0.85), cls, tone=0.55)
    for k in range(7):
        c.fill(b.rect(k / 6.6, 0.05, k / 6.6 + 0.06, 1), cls)
    c.fill(b.rect(0, 0.1, 1, 0.2), cls, tone=1.15)
    c.fill(b.rect(0, 0.8, 1, 0.9), cls, tone=1.1)


def bathtub(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "bathtub"."""
    c.fill(smooth(b.poly((0, 0.1), (1, 0.1), (0.95, 1), (0.05, 1))), cls, tone=0.9, fall=0.25)
    c.fill(b.oval(0, 0, 1, 0.35), cls, tone=1.15)
    c.fill(b.oval(0.05, 0.05, 0.95, 0.3), cls, tone=0.55)


def toilet(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "toilet"."""
    c.fill(b.rect(0.1, 0, 0.9, 0.45), cls, tone=0.9)
    c.fill(b.poly((0.25, 0.6), (0.75, 0.6), (0.65, 1), (0.35, 1)), cls, tone=0.75, round=0.3)
    c.fill(b.oval(0.02, 0.38, 0.98, 0.75), cls, tone=1.1)
    c.fill(b.oval(0.15, 0.43, 0.85, 0.66), cls, tone=0.5)


def hearth(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "hearth"."""
    c.fill(b.rect(0.05, 0.1, 0.95, 1), cls, tone=0.95)
    c.fill(b.rect(0, 0, 1, 0.14), cls, tone=1.15)
    c.fill(b.rect(0.25, 0.4, 0.75, 1), cls, part=DARK)
    c.fill(b.poly((0.35, 1), (0.42, 0.65), (0.5, 0.85), (0.57, 0.6), (0.65, 1)), cls, part=LIGHT)


def steps(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "steps"."""
    n = 7
    for k in range(n):
        x = 0.22 * (1 - k / n)
        c.fill(b.rect(x, k / n, 1 - x, (k + 0.45) / n), cls, tone=1.15)
        c.fill(b.rect(x, (k + 0.45) / n, 1 - x, (k + 1) / n), cls, tone=0.65)


def column(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "column"."""
    c.fill(b.rect(0.12, 0, 0.88, 1), cls, round=0.8)
    for y0 in (0.0, 0.94):
        c.fill(b.rect(0, y0, 1, y0 + 0.06), cls, tone=1.1)
