"""Buildings and what stands along roads. Every drawer is ``drawer(canvas, cls, box, rng)`` and fills ``box``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo_standins.camera import Array
from zoo_standins.canvas import DARK, LIGHT, PANE, SECOND, Canvas, Ids
from zoo_standins.nature import shadow
from zoo_standins.shapes import Box, limb, smooth

Rng = np.random.Generator


def panes(across: float, up: float) -> Callable[[Array, Array], Ids]:
    """A ``part`` for facades: window panes every ``across`` by ``up`` metres of the surface."""

    def part(u: Array, v: Array) -> Ids:
        in_column = np.abs((u / across) % 1 - 0.5) < 0.27
        in_row = np.abs((v / up) % 1 - 0.5) < 0.26
        return np.where(in_column & in_row, np.uint8(PANE), np.uint8(0))

    return part


def house(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "house"."""
    shadow(c, b)
    c.fill(b.rect(0.06, 0.4, 0.94, 1), cls, tone=0.98)
    c.fill(b.poly((0.62, 0.4), (0.94, 0.4), (0.94, 1), (0.62, 1)), cls, tone=0.75)
    c.fill(b.poly((0.18, 0), (0.82, 0.04), (1, 0.42), (0, 0.42)), cls, part=SECOND, tone=0.8)
    c.fill(b.rect(0.28, 0.65, 0.42, 1), cls, part=DARK)
    for x in (0.11, 0.47, 0.7):
        c.fill(b.rect(x, 0.52, x + 0.13, 0.72), cls, part=PANE, tone=0.8)


def high_rise(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "high rise"."""
    c.fill(b.rect(), cls, tone=0.95)
    c.fill(b.rect(0.68, 0, 1, 1), cls, tone=0.7)
    rows, columns = max(3, round(22 * (b.y1 - b.y0))), int(rng.integers(3, 6))
    for i in range(rows):
        for j in range(columns):
            c.fill(
                b.rect((j + 0.25) / columns, (i + 0.3) / rows, (j + 0.75) / columns, (i + 0.8) / rows), cls, part=PANE
            )


def tower(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "tower"."""
    c.fill(b.poly((0.3, 0.25), (0.7, 0.25), (0.85, 1), (0.15, 1)), cls, round=0.5)
    c.fill(b.rect(0.22, 0.2, 0.78, 0.3), cls, tone=1.1)
    c.fill(b.poly((0.5, 0), (0.72, 0.2), (0.28, 0.2)), cls, part=SECOND)
    c.fill(b.rect(0.42, 0.36, 0.58, 0.46), cls, part=PANE)


def tent(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "tent"."""
    c.fill(b.poly((0.5, 0), (1, 1), (0, 1)), cls, tone=1.05)
    c.fill(b.poly((0.5, 0), (1, 1), (0.7, 1)), cls, tone=0.7)
    c.fill(b.poly((0.42, 0.4), (0.55, 1), (0.25, 1)), cls, part=DARK)


def bridge(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "bridge"."""
    c.fill(b.rect(0, 0, 1, 0.42), cls)
    for x in (0.0, 0.3, 0.63, 0.93):
        c.fill(b.rect(x, 0.3, x + 0.07, 1), cls, tone=0.75)
    for k in range(12):
        c.fill(b.rect(k / 12, -0.25, k / 12 + 0.015, 0), cls, tone=0.8)
    c.fill(b.rect(0, -0.3, 1, -0.22), cls, tone=1.1)


def awning(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "awning"."""
    for k in range(6):
        c.fill(
            b.poly((0.1 + 0.8 * k / 6, 0), (0.1 + 0.8 * (k + 1) / 6, 0), ((k + 1) / 6, 1), (k / 6, 1)),
            cls,
            part=SECOND if k % 2 else 0,
        )


def pavilion(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "pavilion"."""
    for x in (0.06, 0.88):
        c.fill(b.rect(x, 0.3, x + 0.06, 1), cls, tone=0.6)
    c.fill(b.poly((0.5, 0), (1, 0.38), (0, 0.38)), cls, fall=0.2)


def fence(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "fence"."""
    pickets = max(4, round(10 * (b.x1 - b.x0) / 0.3))
    for y in (0.3, 0.7):
        c.fill(b.rect(0, y, 1, y + 0.12), cls, tone=0.8)
    for k in range(pickets):
        c.fill(b.rect(k / pickets, 0, (k + 0.45) / pickets, 1), cls)


def streetlight(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "streetlight"."""
    c.fill(b.rect(0.44, 0.03, 0.56, 1), cls, part=DARK)
    c.fill(b.rect(0.44, 0.0, 1, 0.03), cls, part=DARK)
    c.fill(b.rect(0.7, 0.02, 1, 0.06), cls, part=LIGHT)


def pole(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "pole"."""
    c.fill(b.rect(0.35, 0, 0.65, 1), cls, round=0.6)


def traffic_light(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "traffic light"."""
    c.fill(b.rect(0, 0, 1, 1), cls, part=DARK)
    lit = int(rng.integers(3))
    for k in range(3):
        c.fill(
            b.oval(0.2, 0.06 + 0.31 * k, 0.8, 0.31 + 0.31 * k),
            cls,
            part=LIGHT if k == lit else SECOND,
            tone=1.0 if k == lit else 0.4,
        )


def sign(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "sign"."""
    c.fill(b.rect(), cls, part=LIGHT)
    c.fill(b.rect(0.07, 0.08, 0.93, 0.92), cls)
    for y in (0.28, 0.58):
        c.fill(b.rect(0.18, y, rng.uniform(0.6, 0.85), y + 0.14), cls, part=LIGHT)


def posted(board: Callable[[Canvas, int, Box, Rng], None], share: float) -> Callable[[Canvas, int, Box, Rng], None]:
    """A drawer that raises ``board`` on a post of its own class; the board takes the upper ``share`` of the box."""

    def drawer(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
        c.fill(b.rect(0.46, share, 0.54, 1), cls, part=DARK)
        board(c, cls, b.inner(0, 0, 1, share), rng)

    return drawer


def disc(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "disc"."""
    c.fill(b.oval(), cls, part=LIGHT)
    c.fill(b.oval(0.12, 0.12, 0.88, 0.88), cls)
    c.fill(b.rect(0.25, 0.42, 0.75, 0.58), cls, part=LIGHT)


def banner(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "banner"."""
    c.fill(b.rect(0, 0, 0.06, 1), cls, part=DARK)
    c.fill(b.poly((0.06, 0.02), (0.5, 0.06), (1, 0.0), (1, 0.42), (0.5, 0.48), (0.06, 0.44)), cls)
    c.fill(b.poly((0.06, 0.17), (0.5, 0.21), (1, 0.15), (1, 0.28), (0.5, 0.34), (0.06, 0.3)), cls, part=SECOND)


def fountain(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "fountain"."""
    for x in (-0.28, -0.14, 0.0, 0.14, 0.28):
        c.fill(limb(b.poly((0.5, 0.75), (0.5 + 0.5 * x, 0.05), (0.5 + 1.4 * x, 0.7)), [0.012] * 3), cls, part=LIGHT)
    c.fill(b.rect(0.42, 0.45, 0.58, 0.85), cls, tone=0.8, round=0.5)
    c.fill(b.oval(0, 0.66, 1, 1), cls, tone=0.85)
    c.fill(b.oval(0.06, 0.68, 0.94, 0.9), cls, part=SECOND, tone=1.1)


def cascade(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "cascade"."""
    c.fill(smooth(b.poly((0.2, 0), (0.8, 0), (1, 1), (0, 1))), cls, tone=1.15)
    for x in (0.3, 0.5, 0.65):
        c.fill(b.poly((x, 0.02), (x + 0.06, 0.02), (x + 0.08, 1), (x - 0.04, 1)), cls, part=LIGHT)


def statue(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "statue"."""
    c.fill(b.rect(0.1, 0.72, 0.9, 1), cls, tone=0.8)
    c.fill(smooth(b.poly((0.3, 0.18), (0.7, 0.18), (0.8, 0.5), (0.68, 0.74), (0.32, 0.74), (0.2, 0.5))), cls, round=0.6)
    c.fill(b.oval(0.36, 0, 0.64, 0.2), cls, round=0.5)


def terraces(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """Draw the object "terraces"."""
    for k in range(6):
        c.fill(b.rect(0, k / 6, 1, (k + 0.5) / 6), cls, tone=1.1)
        c.fill(b.rect(0, (k + 0.5) / 6, 1, (k + 1) / 6), cls, tone=0.65)
        for x in rng.uniform(0, 0.95, 5):
            c.fill(b.oval(x, (k - 0.1) / 6, x + 0.04, (k + 0.4) / 6), cls, part=SECOND)
