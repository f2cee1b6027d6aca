"""What drives, floats and flies. Every drawer is ``drawer(canvas, cls, box, rng)`` and fills ``box``."""

from __future__ import annotations

import numpy as np

from zoo_standins.canvas import DARK, LIGHT, PANE, SECOND, Canvas
from zoo_standins.nature import shadow
from zoo_standins.shapes import Box, smooth

Rng = np.random.Generator


def car(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """From behind or in front when the box is nearly square, else from the side."""
    shadow(c, b, 0.65)
    if b.x1 - b.x0 < 1.7 * (b.y1 - b.y0):
        for x in (0.06, 0.76):
            c.fill(b.rect(x, 0.7, x + 0.18, 1), cls, part=DARK)
        c.fill(smooth(b.poly((0.2, 0), (0.8, 0), (0.95, 0.45), (0.05, 0.45))), cls, tone=1.05)
        c.fill(b.poly((0.27, 0.08), (0.73, 0.08), (0.86, 0.42), (0.14, 0.42)), cls, part=PANE, tone=0.6)
        c.fill(b.rect(0, 0.42, 1, 0.86), cls, tone=0.92, fall=0.3)
        for x in (0.04, 0.78):
            c.fill(b.rect(x, 0.5, x + 0.18, 0.64), cls, part=LIGHT)
        c.fill(b.rect(0.38, 0.62, 0.62, 0.76), cls, part=DARK)
        return
    c.fill(
        b.poly((0, 0.55), (0.12, 0.45), (0.27, 0.02), (0.7, 0.02), (0.84, 0.42), (1, 0.5), (1, 0.85), (0, 0.85)),
        cls,
        fall=0.3,
    )
    for x0, x1, lean in ((0.26, 0.47, -0.06), (0.51, 0.7, 0.06)):
        c.fill(
            b.poly((x0 + max(-lean, 0), 0.1), (x1 - max(lean, 0), 0.1), (x1, 0.42), (x0 - 0.02, 0.42)),
            cls,
            part=PANE,
            tone=0.6,
        )
    for x in (0.13, 0.7):
        c.fill(b.oval(x, 0.62, x + 0.17, 1), cls, part=DARK)
        c.fill(b.oval(x + 0.05, 0.74, x + 0.12, 0.9), cls, part=SECOND)
    c.fill(b.rect(0.95, 0.55, 1, 0.65), cls, part=LIGHT)


def coach(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Buses, trucks, vans, trams: a tall body with a row of panes, from behind when narrow."""
    shadow(c, b, 0.65)
    for x in (0.1, 0.72):
        c.fill(b.oval(x, 0.82, x + 0.18, 1), cls, part=DARK)
    c.fill(b.rect(0, 0, 1, 0.92), cls, fall=0.25)
    if b.x1 - b.x0 < 1.3 * (b.y1 - b.y0):
        c.fill(b.rect(0.1, 0.12, 0.9, 0.5), cls, part=PANE, tone=0.6)
        for x in (0.06, 0.8):
            c.fill(b.rect(x, 0.7, x + 0.14, 0.8), cls, part=LIGHT)
    else:
        for k in range(5):
            c.fill(b.rect(0.05 + 0.19 * k, 0.15, 0.2 + 0.19 * k, 0.5), cls, part=PANE, tone=0.6)
    c.fill(b.rect(0, 0.58, 1, 0.65), cls, part=SECOND)


def lorry(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "lorry"."""
    shadow(c, b, 0.65)
    for x in (0.08, 0.3, 0.76):
        c.fill(b.oval(x, 0.76, x + 0.15, 1), cls, part=DARK)
    c.fill(b.rect(0, 0, 0.68, 0.86), cls, part=SECOND, fall=0.2)
    c.fill(b.poly((0.7, 0.2), (0.9, 0.2), (1, 0.5), (1, 0.88), (0.7, 0.88)), cls)
    c.fill(b.poly((0.76, 0.27), (0.88, 0.27), (0.95, 0.5), (0.76, 0.5)), cls, part=PANE, tone=0.6)


def cycle(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "cycle"."""
    shadow(c, b)
    for x in (0.0, 0.58):
        c.fill(b.oval(x, 0.4, x + 0.42, 1), cls, part=DARK)
        c.fill(b.oval(x + 0.09, 0.53, x + 0.33, 0.87), cls, part=SECOND)
    c.fill(b.poly((0.2, 0.7), (0.3, 0.28), (0.72, 0.25), (0.8, 0.7), (0.7, 0.5), (0.45, 0.75)), cls)
    c.fill(b.rect(0.18, 0.2, 0.42, 0.32), cls, part=DARK)
    c.fill(b.rect(0.66, 0.0, 0.76, 0.3), cls)


def boat(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "boat"."""
    c.fill(b.rect(0.48, 0, 0.51, 0.75), cls, part=DARK)
    c.fill(b.poly((0.53, 0.02), (0.9, 0.68), (0.53, 0.68)), cls, part=LIGHT)
    c.fill(b.poly((0.46, 0.1), (0.46, 0.68), (0.15, 0.68)), cls, part=SECOND)
    c.fill(b.poly((0, 0.74), (1, 0.74), (0.82, 1), (0.15, 1)), cls, fall=0.3)


def ship(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "ship"."""
    c.fill(b.rect(0.55, 0, 0.65, 0.4), cls, part=SECOND)
    c.fill(b.rect(0.25, 0.25, 0.8, 0.6), cls, part=LIGHT)
    for k in range(5):
        c.fill(b.rect(0.3 + 0.1 * k, 0.34, 0.35 + 0.1 * k, 0.46), cls, part=DARK)
    c.fill(b.poly((0, 0.5), (0.1, 0.58), (1, 0.58), (0.92, 1), (0.12, 1)), cls, fall=0.3)


def airplane(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "airplane"."""
    c.fill(b.poly((0.02, 0.05), (0.1, 0.05), (0.2, 0.4), (0.05, 0.45)), cls, part=SECOND)
    c.fill(smooth(b.poly((0, 0.38), (0.85, 0.35), (1, 0.5), (0.85, 0.62), (0.05, 0.55))), cls, fall=0.3)
    c.fill(b.poly((0.4, 0.5), (0.58, 0.5), (0.38, 1), (0.28, 1)), cls, tone=0.7)
    for k in range(7):
        c.fill(b.rect(0.25 + 0.08 * k, 0.42, 0.28 + 0.08 * k, 0.48), cls, part=DARK)
