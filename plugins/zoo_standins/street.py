"""A street seen from a car: road and pavements in perspective, rows of houses, traffic, and what lines the road."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from zoo.data.gta5 import CLASS_NAMES
from zoo_standins import nature as n
from zoo_standins import outdoors as o
from zoo_standins import vehicles as v
from zoo_standins.camera import Camera, Level, Side
from zoo_standins.canvas import DARK, LIGHT, SECOND, SKY_DISTANCE, Canvas
from zoo_standins.shapes import Box, smooth

Rng = np.random.Generator
(ROAD, SIDEWALK, BUILDING, WALL, FENCE, POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION, TERRAIN, SKY) = range(11)
(PERSON, RIDER, CAR, TRUCK, BUS, TRAIN, MOTORCYCLE, BICYCLE, OTHER) = range(11, len(CLASS_NAMES))
Deed = tuple[float, Callable[[], None]]
_FAR = 140.0
_EDGES = (90.0, 60.0, 40.0, 27.0, 18.0, 12.0, 7.5, 3.0)


def street(size: tuple[int, int], rng: Rng) -> Canvas:
    """A street, seen from a car."""
    aspect = size[1] / size[0]
    camera = Camera(aspect * rng.uniform(0.4, 0.6), rng.uniform(0.4, 0.5), rng.uniform(0.8, 1.0), rng.uniform(1.3, 1.7))
    c = Canvas(size, camera)
    with c.at(12.0, SKY_DISTANCE):
        c.fill(Box(0, 0, aspect, 1).rect(), SKY)
    road, walk = rng.uniform(3.5, 7.0), rng.uniform(1.5, 3.5)
    _horizon(c, rng)
    _grounds(c, road, walk, rng)
    deeds: list[Deed] = []
    for side in (-1, 1):
        deeds += _frontage(c, side, road + walk, rng)
        deeds += _kerbside(c, side, road, walk, rng)
    deeds += _traffic(c, road, rng)
    for _, deed in sorted(deeds, key=lambda item: -item[0]):
        deed()
    if rng.random() < 0.6:
        _bonnet(c, rng)
    return c


def _at(
    c: Canvas,
    draw: Callable[..., None],
    cls: int,
    where: tuple[float, float],
    size: tuple[float, float],
    rng: Rng,
    up: float = 0.0,
) -> Deed:
    """A thing at (across, ahead), to be drawn when its turn comes, with random numbers of its own."""
    own = np.random.default_rng(rng.integers(2**32))
    across, ahead = where

    def deed() -> None:
        with c.at(ahead):
            draw(c, cls, c.standing(across, ahead, *size, up), own)

    return ahead, deed


def _horizon(c: Canvas, rng: Rng) -> None:
    """Hills, far towers and a line of trees where the road ends."""
    y = c.camera.y + 0.01
    if rng.random() < 0.4:
        x = np.linspace(0, c.aspect, 30)
        top = y - 0.05 - 0.06 * (1 + np.sin(x * rng.uniform(2, 4) + rng.uniform(0, 7))) - 0.01 * np.sin(x * 19)
        with c.at(9.0, 700):
            c.fill([*zip(x.tolist(), top.tolist(), strict=True), (c.aspect, y), (0.0, y)], TERRAIN)
    with c.at(_FAR, 350):
        for x in np.arange(0, c.aspect, 0.09).tolist():
            if rng.random() < 0.45:
                high = rng.uniform(0.04, 0.22)
                c.fill(Box(x, y - high, x + 0.1, y).rect(), BUILDING, tone=rng.uniform(0.7, 1.0), part=o.panes(6, 6))
            elif rng.random() < 0.6:
                n.bush(c, VEGETATION, Box(x - 0.02, y - rng.uniform(0.03, 0.09), x + 0.13, y + 0.02), rng)


def _grounds(c: Canvas, road: float, walk: float, rng: Rng) -> None:
    c.fill(Box(0, c.camera.y, c.aspect, 1.01).rect(), TERRAIN, plane=Level())
    for half, cls, tone in ((road + walk, SIDEWALK, 1.05), (road + 0.15, SIDEWALK, 0.7), (road, ROAD, 1.0)):
        _quad(c, cls, -half, half, _FAR, 1.0, tone)
    for x0, x1 in ((-0.25, -0.12), (0.12, 0.25)) if rng.random() < 0.4 else ((-0.09, 0.09),):
        solid = x0 < -0.2 or x0 > 0.1
        for k in range(1 if solid else 16):
            far, near = (_FAR, 1.0) if solid else (2.2 + 5 * k + 2.5, 2.2 + 5 * k)
            _quad(c, ROAD, x0, x1, far, near, 0.9, LIGHT)
    if rng.random() < 0.25:
        near = rng.uniform(7, 14)
        for k in range(int(2 * road / 1.2)):
            _quad(c, ROAD, -road + 0.3 + 1.2 * k, -road + 0.9 + 1.2 * k, near + 2.5, near, 0.9, LIGHT)


def _quad(c: Canvas, cls: int, x0: float, x1: float, far: float, near: float, tone: float, part: int = 0) -> None:
    corners = [c.camera.project(x, 0, z) for x, z in ((x0, far), (x1, far), (x1, near), (x0, near))]
    c.fill(corners, cls, plane=Level(), tone=tone, part=part)


def _frontage(c: Canvas, side: int, edge: float, rng: Rng) -> list[Deed]:
    """Block by block from far to near: a house, a wall or fence with green behind it, or open ground with trees."""
    deeds: list[Deed] = []
    dense = rng.uniform(0.3, 0.9)
    low = rng.random() < 0.4
    for far, near in pairwise(_EDGES):
        across = side * (edge + rng.uniform(0.1, 1.5))
        if rng.random() < dense:
            high = rng.uniform(3.5, 7.0) if low else rng.uniform(7.0, 18.0)
            deeds.append((near, _house(c, across, high, far, near, rng)))
            continue
        for _ in range(rng.integers(1, 4)):
            spot = (across + side * rng.uniform(2, 6), rng.uniform(near + 1, far))
            tall = rng.uniform(3.5, 7)
            draw = n.palm if rng.random() < 0.25 else n.tree
            deeds.append(_at(c, draw, VEGETATION, spot, (0.7 * tall, tall), rng))
        border = rng.random()
        if border < 0.55:
            cls, high = (WALL, rng.uniform(0.8, 2.2)) if border < 0.3 else (FENCE, rng.uniform(0.9, 1.6))
            deeds.append((near, _barrier(c, cls, across, high, far, near)))
    return deeds


def _face(c: Canvas, across: float, up: tuple[float, float], far: float, near: float) -> list[tuple[float, float]]:
    return [c.camera.project(across, y, z) for y, z in ((up[1], near), (up[1], far), (up[0], far), (up[0], near))]


def _house(c: Canvas, across: float, high: float, far: float, near: float, rng: Rng) -> Callable[[], None]:
    windows, tone = o.panes(rng.uniform(2.0, 3.2), rng.uniform(2.4, 3.2)), rng.uniform(0.75, 1.0)
    outer = across + np.sign(across) * rng.uniform(6, 12)
    shop = rng.random() < 0.4

    def deed() -> None:
        far_end = far - 0.06 * (far - near)
        c.fill(_face(c, across, (0, high), far_end, near), BUILDING, plane=Side(across), tone=tone, part=windows)
        c.fill(_face(c, across, (high - 0.3, high), far_end, near), BUILDING, plane=Side(across), tone=1.1, part=SECOND)
        if shop:
            c.fill(_face(c, across, (2.6, 3.2), far_end, near), BUILDING, plane=Side(across), part=SECOND)
        x0, y1 = c.camera.project(across, 0, near)
        x1, y0 = c.camera.project(outer, high, near)
        with c.at(near):
            c.fill(Box(x0, y0, x1, y1).rect(), BUILDING, tone=0.62 * tone)

    return deed


def _barrier(c: Canvas, cls: int, across: float, high: float, far: float, near: float) -> Callable[[], None]:
    def pickets(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.where((u / 0.5) % 1 < 0.3, np.uint8(DARK), np.uint8(0))

    def deed() -> None:
        part = pickets if cls == FENCE else 0
        c.fill(_face(c, across, (0, high), far, near), cls, plane=Side(across), tone=0.9, part=part)
        c.fill(_face(c, across, (high, high + 0.12), far, near), cls, plane=Side(across), tone=1.15)

    return deed


def _kerbside(c: Canvas, side: int, road: float, walk: float, rng: Rng) -> list[Deed]:
    """What stands on the pavement: lamp posts, lights, signs, trees, people, bins, parked cars and bicycles."""
    kerb, deeds = side * (road + 0.4), []
    first, step = rng.uniform(5, 9), rng.uniform(9, 16)
    for ahead in np.arange(first, 80, step).tolist():
        deeds.append(_at(c, _lamp_post if side < 0 else _mirrored_post, POLE, (kerb, ahead), (1.6, 6.5), rng))
    for _ in range(rng.integers(0, 6)):
        deeds.append(
            _at(
                c,
                n.person,
                PERSON,
                (side * (road + rng.uniform(0.5, walk)), np.exp(rng.uniform(1.9, 3.6))),
                (0.6, 1.72),
                rng,
            )
        )
    for _ in range(rng.integers(0, 3)):
        ahead = np.exp(rng.uniform(1.8, 3.4))
        deeds.append(_at(c, o.pole, POLE, (kerb, ahead + 0.05), (0.14, 2.4), rng))
        deeds.append(
            _at(c, o.disc if rng.random() < 0.5 else o.sign, TRAFFIC_SIGN, (kerb, ahead), (0.75, 0.75), rng, 1.9)
        )
    if rng.random() < 0.5:
        ahead = np.exp(rng.uniform(2.0, 3.2))
        deeds.append(_at(c, o.pole, POLE, (kerb, ahead + 0.05), (0.2, 3.2), rng))
        deeds.append(_at(c, o.traffic_light, TRAFFIC_LIGHT, (kerb, ahead), (0.45, 1.2), rng, 2.6))
    for _ in range(rng.integers(0, 4)):
        tall = rng.uniform(3, 6)
        deeds.append(
            _at(
                c,
                n.tree,
                VEGETATION,
                (side * (road + walk + 0.3), np.exp(rng.uniform(1.9, 3.8))),
                (0.65 * tall, tall),
                rng,
            )
        )
    if rng.random() < 0.3:
        deeds.append(_at(c, _bin, OTHER, (kerb, np.exp(rng.uniform(1.6, 2.8))), (0.6, 1.0), rng))
    if rng.random() < 0.25:
        deeds.append(_at(c, v.cycle, BICYCLE, (side * (road + 0.9), np.exp(rng.uniform(1.7, 2.8))), (1.6, 1.1), rng))
    return deeds


def _traffic(c: Canvas, road: float, rng: Rng) -> list[Deed]:
    """Vehicles in two lanes, most of them cars; now and then a crossing one, a rider or a tram."""
    deeds: list[Deed] = []
    for _ in range(rng.integers(1, 6)):
        lane = rng.choice([-1, 1]) * road * rng.uniform(0.3, 0.7)
        ahead = float(np.exp(rng.uniform(1.9, 4.0)))
        kind = rng.random()
        if kind < 0.7:
            across_road = rng.random() < 0.15
            deeds.append(_at(c, v.car, CAR, (lane, ahead), (4.2 if across_road else 1.85, 1.45), rng))
        elif kind < 0.8:
            deeds.append(_at(c, v.coach, TRUCK, (lane, ahead + 3), (2.4, 2.9), rng))
        elif kind < 0.87:
            deeds.append(_at(c, v.coach, BUS, (lane, ahead + 4), (2.6, 3.1), rng))
        else:
            two_wheels = MOTORCYCLE if kind < 0.95 else BICYCLE
            deeds.append(_at(c, n.person, RIDER, (lane, ahead + 0.05), (0.7, 1.35), rng, 0.45))
            deeds.append(_at(c, _two_wheeler, two_wheels, (lane, ahead), (0.6, 1.05), rng))
    if rng.random() < 0.06:
        deeds.append(_at(c, v.coach, TRAIN, (road * rng.choice([-1, 1]), rng.uniform(14, 30)), (9.0, 3.4), rng))
    return deeds


def _lamp_post(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    o.streetlight(c, cls, b, rng)


def _mirrored_post(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    o.streetlight(c, cls, Box(b.x1, b.y0, b.x0, b.y1), rng)


def _bin(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    n.shadow(c, b)
    c.fill(b.poly((0, 0.1), (1, 0.1), (0.85, 1), (0.15, 1)), cls, round=0.5)
    c.fill(b.oval(0, 0, 1, 0.2), cls, tone=0.6)


def _two_wheeler(c: Canvas, cls: int, b: Box, rng: Rng) -> None:
    """A motorcycle or bicycle from behind."""
    n.shadow(c, b)
    c.fill(b.oval(0.35, 0.3, 0.65, 1), cls, part=DARK)
    c.fill(smooth(b.poly((0.2, 0.05), (0.8, 0.05), (0.7, 0.6), (0.3, 0.6))), cls, round=0.4)
    c.fill(b.rect(0.4, 0.3, 0.6, 0.42), cls, part=LIGHT)
    c.fill(b.rect(0, 0, 1, 0.07), cls, part=DARK)


def _bonnet(c: Canvas, rng: Rng) -> None:
    """The front of the car that carries the camera."""
    x0, x1, top = c.aspect * rng.uniform(0.05, 0.25), c.aspect * rng.uniform(0.75, 0.95), rng.uniform(0.82, 0.92)
    wide = x1 - x0
    outline = (
        (x0, 1.05),
        (x0 + 0.06 * wide, top + 0.05),
        (x0 + 0.22 * wide, top),
        (x1 - 0.22 * wide, top),
        (x1 - 0.06 * wide, top + 0.05),
        (x1, 1.05),
    )
    with c.at(1.5):
        c.fill(smooth(outline), OTHER, round=0.25)
        c.fill(Box(x0 + 0.3 * wide, top + 0.02, x1 - 0.3 * wide, top + 0.035).rect(), OTHER, tone=1.25)
