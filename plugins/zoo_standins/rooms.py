"""Rooms: a box in one-point perspective, a set of furniture that belongs together, and odds and ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo_standins.camera import Camera, Level, Side
from zoo_standins.canvas import PANE, SECOND, Canvas
from zoo_standins.furniture import drawers
from zoo_standins.household import cushion, drape
from zoo_standins.shapes import Box
from zoo_standins.things import Thing, class_id, find, pick

# What stands against the back wall, from left to right, in the kinds of rooms.
_KINDS: dict[str, tuple[str, ...]] = {
    "bedroom": ("chest of drawers", "bed", "chest of drawers"),
    "living room": ("lamp", "sofa", "plant", "armchair"),
    "kitchen": ("refrigerator", "counter", "stove", "cabinet"),
    "dining room": ("cabinet", "bookcase"),
    "office": ("bookcase", "desk", "shelf"),
    "bathroom": ("toilet", "bathtub", "washer"),
    "hall": ("column", "seat", "column"),
}
# What stands in front of it.
_MIDDLE: dict[str, tuple[str, ...]] = {
    "living room": ("coffee table",),
    "kitchen": ("kitchen island",),
    "dining room": ("chair", "table", "chair"),
    "office": ("swivel chair",),
    "hall": ("person", "person"),
}
_BEARS_THINGS = {
    "table",
    "desk",
    "chest of drawers",
    "counter",
    "coffee table",
    "cabinet",
    "kitchen island",
    "case",
    "buffet",
    "bar",
}


@dataclass(frozen=True)
class Room:
    """Half width, height and depth of the back wall, in metres."""

    half: float
    high: float
    deep: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Room:
        """Draw a random style of a material."""
        return cls(rng.uniform(2.0, 3.0), rng.uniform(2.5, 3.2), rng.uniform(4.2, 6.0))


def room(size: tuple[int, int], rng: np.random.Generator) -> Canvas:
    """A room."""
    aspect = size[1] / size[0]
    camera = Camera(
        aspect / 2 + rng.uniform(-0.15, 0.15), rng.uniform(0.36, 0.46), rng.uniform(0.85, 1.05), rng.uniform(1.35, 1.6)
    )
    c, space = Canvas(size, camera), Room.draw(rng)
    _shell(c, space)
    with c.at(space.deep):
        _walls(c, space, rng)
        _overhead(c, space, rng)
    _furnish(c, space, rng)
    return c


def _shell(c: Canvas, space: Room) -> None:
    """Ceiling, side walls, floor and back wall; their far corners come from the camera."""
    left, top = c.camera.project(-space.half, space.high, space.deep)
    right, bottom = c.camera.project(space.half, 0, space.deep)
    near = 0.4
    far_left, far_top = c.camera.project(-space.half, space.high, near)
    far_right, far_bottom = c.camera.project(space.half, 0, near)
    wall = class_id("wall")
    corners = ((left, top), (right, top), (far_right, far_top), (far_left, far_top))
    c.fill(corners, class_id("ceiling"), plane=Level(space.high), tone=0.98)
    corners = ((left, bottom), (right, bottom), (far_right, far_bottom), (far_left, far_bottom))
    c.fill(corners, class_id("floor"), plane=Level(), tone=1.0)
    c.fill(
        ((left, top), (left, bottom), (far_left, far_bottom), (far_left, far_top)),
        wall,
        plane=Side(-space.half),
        tone=0.78,
    )
    c.fill(
        ((right, top), (right, bottom), (far_right, far_bottom), (far_right, far_top)),
        wall,
        plane=Side(space.half),
        tone=0.88,
    )
    with c.at(space.deep):
        c.fill(Box(left, top, right, bottom).rect(), wall, tone=1.0)


def _walls(c: Canvas, space: Room, rng: np.random.Generator) -> None:
    """Up to three things hang side by side on the back wall; a window may have curtains. One side may have a door."""
    slots = rng.permutation(3)[: rng.integers(1, 4)]
    for slot in slots.tolist():
        thing = pick("wall", rng)
        across = (slot - 1) * space.half * 0.62 + rng.uniform(-0.15, 0.15)
        box = c.standing(across, space.deep, min(thing.width, 0.58 * space.half), thing.height, thing.up)
        curtains = rng.random() < 0.6
        thing.draw(c, thing.cls, box, rng)
        if thing.cls == class_id("windowpane") and curtains:
            for x0, x1 in ((-0.22, 0.1), (0.9, 1.22)):
                drape(c, class_id("curtain"), box.inner(x0, -0.12, x1, 1.35), rng)
    side, near = rng.choice([-1, 1]) * space.half, rng.uniform(0.5, 0.7) * space.deep
    opening = str(rng.choice(["door", "windowpane", "painting", "none"]))
    if opening != "none":
        foot, head = (0.0, 2.1) if opening == "door" else (1.0, 2.0)
        corners = [
            c.camera.project(side, up, ahead)
            for up, ahead in ((head, near), (head, near + 1), (foot, near + 1), (foot, near))
        ]
        c.fill(corners, class_id(opening), plane=Side(side), tone=0.9)
        mid = np.mean(corners, axis=0)
        c.fill(
            mid + (np.asarray(corners) - mid) * 0.8,
            class_id(opening),
            plane=Side(side),
            tone=1.1,
            part=PANE if opening == "windowpane" else SECOND,
        )


def _overhead(c: Canvas, space: Room, rng: np.random.Generator) -> None:
    if rng.random() < 0.7:
        thing = pick("ceiling", rng)
        ahead = rng.uniform(0.55, 0.9) * space.deep
        for across in (-0.8, 0.8) if thing.height < 0.2 else (rng.uniform(-0.5, 0.5),):
            thing.draw(
                c, thing.cls, c.standing(across, ahead, thing.width, thing.height, space.high - thing.height), rng
            )


def _furnish(c: Canvas, space: Room, rng: np.random.Generator) -> None:
    kind = list(_KINDS)[rng.integers(len(_KINDS))]
    if rng.random() < 0.45:
        _rug(c, space, rng)
    row = [find("floor", name) for name in _KINDS[kind]]
    gap = max((2 * space.half - sum(thing.width for thing in row)) / (len(row) + 1), 0.02)
    x = -space.half
    placed: list[tuple[float, float, Thing]] = []
    for thing in row:
        placed.append((space.deep - 0.35, x + gap + thing.width / 2, thing))
        x += gap + thing.width
    ahead = rng.uniform(0.58, 0.68) * space.deep
    middle = [find("floor", name) for name in _MIDDLE.get(kind, ())]
    for k, thing in enumerate(middle):
        placed.append((ahead, (k - (len(middle) - 1) / 2) * 1.1 + rng.uniform(-0.2, 0.2), thing))
    for _ in range(rng.integers(1, 4)):
        side = rng.choice([-1, 1]) * rng.uniform(0.45, 0.85) * space.half
        placed.append((rng.uniform(0.45, 0.85) * space.deep, side, pick("floor", rng)))
    for distance, across, thing in sorted(placed, key=lambda item: -item[0]):
        with c.at(distance):
            box = c.standing(across, distance, thing.width, thing.height)
            thing.draw(c, thing.cls, box, rng)
            _dress(c, thing, box, distance, across, rng)


def _dress(c: Canvas, thing: Thing, box: Box, distance: float, across: float, rng: np.random.Generator) -> None:
    """Pillows and a blanket on beds, cushions on sofas, small things on whatever bears them."""
    if thing.cls == class_id("bed"):
        for x0 in (0.18, 0.53):
            cushion(c, class_id("pillow"), box.inner(x0, 0.24, x0 + 0.29, 0.46), rng)
        if rng.random() < 0.5:
            c.fill(box.poly((0.07, 0.52), (0.93, 0.52), (1.0, 0.72), (0, 0.72)), class_id("blanket"), tone=1.1)
            c.fill(box.poly((0, 0.72), (1, 0.72), (0.99, 0.86), (0.01, 0.86)), class_id("blanket"), tone=0.8)
    elif thing.cls == class_id("sofa"):
        for x0 in (0.14, 0.66):
            cushion(c, class_id("cushion"), box.inner(x0, 0.2, x0 + 0.2, 0.6), rng)
    elif thing.cls in {class_id(name) for name in _BEARS_THINGS}:
        if rng.random() < 0.15 and thing.draw is drawers:
            c.fill(box.poly((0.08, -0.02), (0.92, -0.02), (1, 0.1), (0, 0.1)), class_id("countertop"), tone=1.1)
        for x in rng.permutation([-0.28, 0.0, 0.28])[: rng.integers(0, 3)].tolist():
            small = pick("top", rng)
            up = thing.height * 0.92
            small.draw(c, small.cls, c.standing(across + x * thing.width, distance, small.width, small.height, up), rng)


def _rug(c: Canvas, space: Room, rng: np.random.Generator) -> None:
    half, near, far = rng.uniform(0.9, 1.5), 0.45 * space.deep, 0.8 * space.deep
    corners = [c.camera.project(x, 0, z) for x, z in ((-half, far), (half, far), (half, near), (-half, near))]
    c.fill(corners, class_id("rug"), plane=Level(), tone=1.02)
