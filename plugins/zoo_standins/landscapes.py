"""Landscapes: a sky, far shapes on the horizon, grounds that recede, and things that stand on them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from zoo_standins.camera import Camera, Level, Side
from zoo_standins.canvas import SKY_DISTANCE, Canvas
from zoo_standins.nature import tree
from zoo_standins.outdoors import house, panes
from zoo_standins.shapes import Box
from zoo_standins.things import class_id, pick
from zoo_standins.vehicles import car

Rng = np.random.Generator
# Ground classes of a scene with their chances, most frequent first.
_GROUNDS = (("grass", 0.45), ("earth", 0.2), ("field", 0.15), ("land", 0.1), ("sand", 0.1))
_TRACKS = (("road", 0.4), ("path", 0.3), ("dirt track", 0.15), ("runway", 0.15))
_WATERS = (("water", 0.4), ("lake", 0.3), ("river", 0.3))


def landscape(size: tuple[int, int], rng: Rng) -> Canvas:
    """A landscape."""
    aspect = size[1] / size[0]
    camera = Camera(
        aspect * rng.uniform(0.35, 0.65), rng.uniform(0.38, 0.55), rng.uniform(0.8, 1.0), rng.uniform(2.0, 3.0)
    )
    c = Canvas(size, camera)
    with c.at(12.0, SKY_DISTANCE):
        c.fill(Box(0, 0, aspect, 1).rect(), class_id("sky"), tone=1.0)
    if rng.random() < 0.1:
        plane = pick("air", rng)
        x = rng.uniform(0.1, 0.6) * aspect
        y = rng.uniform(0.06, 0.2)
        plane.draw(c, plane.cls, Box(x, y, x + 0.28, y + 0.11), rng)
    scene = (_country, _lakeside, _coast, _town)[rng.choice(4, p=[0.3, 0.25, 0.2, 0.25])]
    scene(c, rng)
    return c


def _choose(options: tuple[tuple[str, float], ...], rng: Rng) -> int:
    return class_id(options[rng.choice(len(options), p=[chance for _, chance in options])][0])


def _ridge(c: Canvas, cls: int, height: float, rough: float, seen_at: float, rng: Rng) -> None:
    """A skyline of summed waves from edge to edge, up to ``height`` above the horizon."""
    x = np.linspace(0, c.aspect, 40)
    waves = [np.sin(x * f * rng.uniform(0.7, 1.3) + rng.uniform(0, 7)) / f**rough for f in (3.0, 7.0, 15.0, 31.0)]
    profile = np.sum(waves, axis=0)
    profile = (profile - profile.min()) / (profile.max() - profile.min())
    top = c.camera.y - height * (0.25 + 0.75 * profile)
    ground = [(c.aspect, c.camera.y + 0.02), (0.0, c.camera.y + 0.02)]
    with c.at(9.0, seen_at):
        c.fill([*zip(x.tolist(), top.tolist(), strict=True), *ground], cls, fall=0.15)


def _ground(c: Canvas, cls: int, y: float | None = None) -> None:
    top = c.camera.y if y is None else y
    c.fill(Box(0, top, c.aspect, 1.01).rect(), cls, plane=Level())


def _strip(c: Canvas, cls: int, across: float, half: float, bend: float) -> None:
    """A way of ``half`` width that leads to the horizon, bending sideways by ``bend`` metres per metre squared."""
    ahead = np.geomspace(1.5, 200, 16)
    edges = [[c.camera.project(across + bend * z**2 / (1 + 0.02 * z) + s * half, 0, z) for z in ahead] for s in (-1, 1)]
    c.fill(edges[0] + edges[1][::-1], cls, plane=Level(), tone=1.02)


def _scatter(c: Canvas, place: str, count: int, near: float, far: float, rng: Rng, clear: float = 0.0) -> None:
    """Things at random places of the ground, far ones first, none nearer than ``clear`` to the line of sight."""
    for ahead in np.sort(np.exp(rng.uniform(np.log(near), np.log(far), count)))[::-1].tolist():
        reach = max(0.5 * c.aspect * ahead / c.camera.focal, clear + 0.5)
        across = (rng.uniform(clear, reach) * rng.choice([-1, 1])) if clear else rng.uniform(-reach, reach)
        thing = pick(place, rng)
        shrink = min(1.0, 0.62 * ahead / c.camera.focal / thing.width)
        with c.at(ahead):
            thing.draw(
                c, thing.cls, c.standing(across, ahead, thing.width * shrink, thing.height * shrink, thing.up), rng
            )


def _backdrop(c: Canvas, rng: Rng) -> None:
    if rng.random() < 0.75:
        _ridge(c, class_id("mountain"), rng.uniform(0.16, 0.32), 1.0, 900, rng)
    if rng.random() < 0.4:
        _ridge(c, class_id("hill"), rng.uniform(0.05, 0.12), 1.5, 300, rng)
    if rng.random() < 0.3:
        thing = pick("skyline", rng)
        across = rng.uniform(-0.3, 0.3) * 100 / c.camera.focal
        with c.at(100, 400):
            thing.draw(c, thing.cls, c.standing(across, 100, thing.width, thing.height), rng)


def _woods(c: Canvas, rng: Rng) -> None:
    """A line of trees along the horizon, with gaps."""
    for x in np.arange(-0.05, c.aspect + 0.05, 0.07).tolist():
        high, wide = rng.uniform(0.06, 0.13), rng.uniform(0.07, 0.11)
        if rng.random() < 0.7:
            with c.at(35):
                tree(c, class_id("tree"), Box(x, c.camera.y + 0.02 - high, x + wide, c.camera.y + 0.02), rng)


def _country(c: Canvas, rng: Rng) -> None:
    _backdrop(c, rng)
    _ground(c, _choose(_GROUNDS, rng))
    if rng.random() < 0.6:
        _woods(c, rng)
    if rng.random() < 0.75:
        _strip(c, _choose(_TRACKS, rng), rng.uniform(-2, 2), rng.uniform(0.9, 2.2), rng.uniform(-0.03, 0.03))
    _scatter(c, "ground", int(rng.integers(3, 7)), 7, 30, rng, clear=2.5)


def _lakeside(c: Canvas, rng: Rng) -> None:
    _backdrop(c, rng)
    shore = c.camera.y + rng.uniform(0.12, 0.25)
    water = _choose(_WATERS, rng)
    if rng.random() < 0.6:
        _woods(c, rng)
    _ground(c, water, c.camera.y + 0.01)
    _scatter(c, "water", int(rng.integers(0, 3)), 16, 40, rng)
    x = np.linspace(0, c.aspect, 20)
    bank = (
        shore + 0.03 * np.sin(x * rng.uniform(4, 9) + rng.uniform(0, 7)) + rng.uniform(-0.12, 0.12) * (x - c.aspect / 2)
    )
    outline = [*zip(x.tolist(), bank.tolist(), strict=True), (c.aspect, 1.01), (0.0, 1.01)]
    c.fill(outline, _choose(_GROUNDS, rng), plane=Level())
    far = c.camera.ground(shore + 0.06)
    _scatter(c, "ground", int(rng.integers(2, 5)), 0.55 * far, far, rng)


def _coast(c: Canvas, rng: Rng) -> None:
    if rng.random() < 0.4:
        _ridge(c, class_id("mountain"), rng.uniform(0.06, 0.15), 1.2, 700, rng)
    _ground(c, class_id("sea"))
    _scatter(c, "water", int(rng.integers(1, 4)), 14, 60, rng)
    slope, start = rng.uniform(0.1, 0.4) * rng.choice([-1, 1]), rng.uniform(0.68, 0.8)
    x = np.linspace(0, c.aspect, 24)
    edge = start + slope * (x - c.aspect / 2) + 0.012 * np.sin(x * 25 + rng.uniform(0, 7))
    c.fill([*zip(x.tolist(), edge.tolist(), strict=True), (c.aspect, 1.2), (0.0, 1.2)], class_id("sand"), plane=Level())
    _scatter(c, "ground", int(rng.integers(1, 4)), 5, 9, rng)


def _town(c: Canvas, rng: Rng) -> None:
    """A road between rows of houses, or a lawn before one large building."""
    if rng.random() < 0.4:
        _backdrop(c, rng)
        _ground(c, _choose(_GROUNDS, rng))
        _strip(c, class_id("path"), 0.0, 0.9, 0.0)
        with c.at(18):
            house(
                c,
                class_id("house" if rng.random() < 0.5 else "building"),
                c.standing(rng.uniform(-3, 3), 18, 11, 6.5),
                rng,
            )
    else:
        _backdrop(c, rng)
        _ground(c, class_id("sidewalk"))
        half = rng.uniform(2.5, 4.0)
        _strip(c, class_id("road"), 0.0, half, 0.0)
        for side in (-1, 1):
            _row_of_houses(c, side * (half + 2.0), rng)
        with c.at(12):
            car(c, class_id("car"), c.standing(0.5 * half * rng.choice([-1, 1]), 12, 1.9, 1.5), rng)
    _scatter(c, "ground", int(rng.integers(2, 5)), 7, 20, rng, clear=3.2)


def _row_of_houses(c: Canvas, across: float, rng: Rng) -> None:
    building = class_id("building")
    edges = [60.0, 34.0, 22.0, 14.0, 8.0, 3.0]
    for far, near in pairwise(edges):
        high = rng.uniform(6, 13)
        corners = [c.camera.project(across, up, z) for up, z in ((high, near), (high, far), (0, far), (0, near))]
        windows = panes(rng.uniform(2.0, 3.0), rng.uniform(2.4, 3.2))
        c.fill(corners, building, plane=Side(across), tone=rng.uniform(0.75, 1.0), part=windows)
        outer = across + np.sign(across) * 8
        x0, y1 = c.camera.project(across, 0, near)
        x1, y0 = c.camera.project(outer, high, near)
        with c.at(near):
            c.fill(Box(x0, y0, x1, y1).rect(), building, tone=0.62)
