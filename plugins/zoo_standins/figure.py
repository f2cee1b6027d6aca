"""A standing figure before a plain backdrop, padded to a square in white, as in the pictures of a clothes shop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.data.deepfashion import CLASS_NAMES
from zoo_standins.camera import Camera
from zoo_standins.canvas import BLANK, DARK, SECOND, Canvas
from zoo_standins.shapes import Box, limb, smooth

Rng = np.random.Generator
Point = tuple[float, float]
(
    BACKGROUND,
    SKIN,
    SKIRT,
    PANTS,
    TOP,
    OUTERWEAR,
    JEWELLERY,
    HAIR,
    FACE,
    DRESS,
    HAT,
    SHOES,
    BAG,
    BELT,
    SOCKS,
    GLASSES,
) = range(len(CLASS_NAMES))
STRIP = 0.68  # width of the photograph between the white margins, in picture heights
# Half widths of the trunk at heights down the body (fractions of the body's height).
_TRUNK = ((0.172, 0.045), (0.185, 0.105), (0.26, 0.098), (0.33, 0.082), (0.39, 0.074), (0.45, 0.09), (0.51, 0.1))


@dataclass(frozen=True)
class Body:
    """Maps body coordinates (x from the middle line, y down, the body is 1 high) to the picture."""

    x: float
    top: float
    scale: float
    squeeze: float
    lean: float
    turn: float

    def __call__(self, x: float, y: float) -> Point:
        """A point of the picture from body coordinates."""
        sway = self.lean * np.sin(np.pi * min(max(y, 0), 1))
        return self.x + (x * self.squeeze + sway) * self.scale, self.top + y * self.scale

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box from body coordinates."""
        return Box(*self(x0, y0), *self(x1, y1))

    def trunk(self, top: float, bottom: float, ease: float, flare: float = 0.0) -> list[Point]:
        """Outline of clothes from ``top`` to ``bottom``, ``ease`` wider than the body, by ``flare`` more at the hem."""
        heights = np.linspace(top, bottom, 8)
        levels, widths = np.asarray(_TRUNK).T
        half = np.interp(heights, levels, widths) + ease + flare * ((heights - top) / (bottom - top)) ** 2
        left = [(-w, y) for w, y in zip(half.tolist(), heights.tolist(), strict=True)]
        return [self(x, y) for x, y in [*left, *((-x, y) for x, y in reversed(left))]]

    def band(self, points: list[Point], widths: list[float]) -> np.ndarray:
        """An outline along points, of the given widths."""
        return limb([self(x, y) for x, y in points], [w * self.scale for w in widths])


@dataclass(frozen=True)
class Limbs:
    """Joints of both arms (shoulder, elbow, wrist, hand) and legs (hip, knee, ankle), left then right."""

    arms: tuple[list[Point], list[Point]]
    legs: tuple[list[Point], list[Point]]

    @classmethod
    def draw(cls, rng: Rng) -> Limbs:
        """Draw a random style of a material."""
        return cls((cls._arm(-1, rng), cls._arm(1, rng)), (cls._leg(-1, rng), cls._leg(1, rng)))

    @staticmethod
    def _arm(side: int, rng: Rng) -> list[Point]:
        hanging = rng.uniform(0.118, 0.145), rng.uniform(0.11, 0.16)
        elbow, wrist = hanging if rng.random() < 0.7 else (0.185, 0.1)
        lift = 0.0 if elbow < 0.18 else 0.05
        hand = (side * (wrist + 0.005), 0.515 - lift)
        return [(side * 0.092, 0.195), (side * elbow, 0.335), (side * wrist, 0.47 - lift), hand]

    @staticmethod
    def _leg(side: int, rng: Rng) -> list[Point]:
        step = rng.uniform(0.045, 0.075)
        return [(side * 0.052, 0.49), (side * step, 0.73), (side * (step + rng.uniform(-0.01, 0.01)), 0.955)]


def figure(size: tuple[int, int], rng: Rng) -> Canvas:
    """A standing person."""
    middle = size[1] / size[0] / 2
    c = Canvas(size, Camera(middle, 0.5, 1.0, 0.0))
    whole = rng.random() < 0.35
    scale = rng.uniform(0.9, 0.94) if whole else rng.uniform(1.3, 1.6)
    turn = rng.uniform(-1, 1)
    body = Body(
        middle + rng.uniform(-0.04, 0.04),
        rng.uniform(0.03, 0.05),
        scale,
        1 - 0.18 * abs(turn),
        rng.uniform(-0.02, 0.02),
        turn,
    )
    with c.at(1.7 / scale):
        _backdrop(c, middle, body)
        _dress(c, body, Limbs.draw(rng), rng)
        for x0, x1 in ((-0.01, middle - STRIP / 2), (middle + STRIP / 2, 2 * middle + 0.01)):
            c.fill(Box(x0, -0.01, x1, 1.01).rect(), BACKGROUND, part=BLANK)
    return c


def _backdrop(c: Canvas, middle: float, body: Body) -> None:
    c.fill(Box(middle - STRIP / 2, -0.01, middle + STRIP / 2, 1.01).rect(), BACKGROUND, fall=0.06, round=0.1)
    c.darken(body.box(-0.25, 0.95, 0.25, 1.03).rect(), 0.35)


def _dress(c: Canvas, body: Body, limbs: Limbs, rng: Rng) -> None:
    """From the skin outwards; whatever covers comes later."""
    female = rng.random() < 0.65
    length = rng.uniform(0.2, 0.42) if female and rng.random() < 0.8 else 0.1
    _hair_behind(c, body, length, rng)
    _skin(c, body, limbs)
    _feet(c, body, limbs, rng)
    sleeve = (0.0, 0.45, 0.75, 1.0)[rng.integers(4)]
    if female and rng.random() < 0.35:
        hem, flare = rng.uniform(0.58, 0.75), rng.uniform(0.03, 0.1)
        _trunk_clothes(c, body, limbs, DRESS, hem, min(sleeve, 0.75), 0.006, flare, rng)
        waist = 0.41
    else:
        waist = rng.uniform(0.43, 0.47)
        if female and rng.random() < 0.35:
            skirt = body.trunk(waist - 0.02, rng.uniform(0.6, 0.78), 0.012, rng.uniform(0.02, 0.08))
            c.fill(skirt, SKIRT, round=0.35, fall=0.15)
        else:
            _pants(c, body, limbs, rng)
        _trunk_clothes(c, body, limbs, TOP, rng.uniform(0.42, 0.53), sleeve, 0.008, rng.uniform(0, 0.02), rng)
    if rng.random() < 0.2:
        c.fill(body.trunk(waist - 0.012, waist + 0.012, 0.014), BELT)
        c.fill(body.box(-0.014, waist - 0.012, 0.014, waist + 0.012).rect(), BELT, part=SECOND)
    if rng.random() < 0.22:
        _outerwear(c, body, limbs, rng)
    _head(c, body, length, rng)
    _accessories(c, body, limbs, rng)


def _skin(c: Canvas, body: Body, limbs: Limbs) -> None:
    for leg in limbs.legs:
        c.fill(body.band([*leg, (leg[-1][0], 0.985)], [0.095, 0.06, 0.035, 0.04]), SKIN, round=0.5)
    c.fill(smooth(body.trunk(0.172, 0.53, 0.0)), SKIN, round=0.35)
    for arm in limbs.arms:
        c.fill(body.band(arm, [0.045, 0.038, 0.028, 0.028]), SKIN, round=0.45)
        x, y = arm[-1]
        c.fill(body.box(x - 0.018, y - 0.03, x + 0.018, y + 0.03).oval(), SKIN, tone=0.95)
    c.fill(body.band([(0, 0.105), (0, 0.15), (0, 0.19)], [0.05, 0.055, 0.08]), SKIN, tone=0.85)


def _feet(c: Canvas, body: Body, limbs: Limbs, rng: Rng) -> None:
    if rng.random() < 0.4:
        high = rng.uniform(0.8, 0.93)
        for leg in limbs.legs:
            x = leg[-1][0]
            c.fill(body.band([(x, high), (x, 0.985)], [0.055, 0.045]), SOCKS, round=0.4)
    boots = rng.random() < 0.3
    for side, leg in zip((-1, 1), limbs.legs, strict=True):
        x = leg[-1][0]
        if boots:
            c.fill(body.box(x - 0.032, 0.86, x + 0.032, 0.99).rect(), SHOES, round=0.4)
        c.fill(
            body.box(
                min(x - 0.028, x - 0.028 + side * 0.02), 0.955, max(x + 0.028, x + 0.028 + side * 0.02), 1.0
            ).oval(),
            SHOES,
        )


def _pants(c: Canvas, body: Body, limbs: Limbs, rng: Rng) -> None:
    end, wide = (0.6, 0.98, 0.98, 0.9)[rng.integers(4)], rng.uniform(0.0, 0.045)
    for leg in limbs.legs:
        share = (end - 0.49) / (0.955 - 0.49)
        path = (
            [leg[0], leg[1], leg[2]] if share > 0.5 else [leg[0], ((leg[0][0] + leg[1][0]) / 2, 0.56), (leg[1][0], end)]
        )
        path[-1] = (path[-1][0], end)
        c.fill(body.band(path, [0.115, 0.085 + wide, 0.065 + wide]), PANTS, round=0.5)
    c.fill(body.trunk(0.43, 0.55, 0.01), PANTS, round=0.35)
    c.fill(body.band([(0, 0.46), (0, 0.55)], [0.006, 0.006]), PANTS, part=DARK)


def _sleeves(c: Canvas, body: Body, limbs: Limbs, cls: int, share: float, width: float) -> None:
    for arm in limbs.arms:
        (x0, y0), elbow, (x2, y2) = arm[0], arm[1], arm[2]
        if share <= 0.5:
            end = (x0 + (elbow[0] - x0) * 2 * share, y0 + (elbow[1] - y0) * 2 * share)
            path = [(x0, y0), end]
        else:
            more = 2 * share - 1
            path = [(x0, y0), elbow, (elbow[0] + (x2 - elbow[0]) * more, elbow[1] + (y2 - elbow[1]) * more)]
        c.fill(body.band(path, np.linspace(width + 0.006, width, len(path)).tolist()), cls, round=0.5, tone=0.92)


def _trunk_clothes(
    c: Canvas, body: Body, limbs: Limbs, cls: int, hem: float, sleeve: float, ease: float, flare: float, rng: Rng
) -> None:
    """A top or a dress with its sleeves and its neckline."""
    c.fill(body.trunk(0.175, hem, ease, flare), cls, round=0.3, fall=0.08)
    if sleeve:
        _sleeves(c, body, limbs, cls, sleeve, 0.046)
    deep = rng.uniform(0.19, 0.235)
    c.fill(body.band([(0, 0.15), (0, deep)], [0.07, 0.03 if rng.random() < 0.5 else 0.08]), SKIN, tone=0.92)
    if rng.random() < 0.3:
        for k in range(5):
            y = deep + 0.03 + (hem - deep - 0.05) * k / 5
            c.fill(body.box(-0.005, y, 0.005, y + 0.01).oval(), cls, part=DARK)


def _outerwear(c: Canvas, body: Body, limbs: Limbs, rng: Rng) -> None:
    """An open jacket or coat: two fronts and long sleeves."""
    hem = rng.uniform(0.48, 0.7)
    outline = body.trunk(0.172, hem, 0.016, 0.02)
    half = len(outline) // 2
    for edge, side in ((outline[:half], -1), (outline[half:][::-1], 1)):
        c.fill(
            [*edge, body(side * 0.04, hem), body(side * 0.05, 0.3), body(side * 0.028, 0.172)],
            OUTERWEAR,
            tone=0.95,
            round=0.2,
        )
        c.fill([body(side * 0.028, 0.172), body(side * 0.075, 0.24), body(side * 0.045, 0.31)], OUTERWEAR, tone=0.7)
    _sleeves(c, body, limbs, OUTERWEAR, 1.0, 0.052)


def _hair_behind(c: Canvas, body: Body, length: float, rng: Rng) -> None:
    if length > 0.15:
        wide, tip = rng.uniform(0.06, 0.085), rng.uniform(0.04, 0.1)
        outline = (
            (0, -0.012),
            (wide, 0.04),
            (wide + 0.008, length * 0.6),
            (tip, length),
            (-tip, length),
            (-wide - 0.008, length * 0.6),
            (-wide, 0.04),
        )
        c.fill(smooth([body(x, y) for x, y in outline]), HAIR, round=0.4)


def _head(c: Canvas, body: Body, length: float, rng: Rng) -> None:
    shift = 0.012 * body.turn
    c.fill(
        smooth([body(x, y) for x, y in ((0, -0.012), (0.056, 0.005), (0.058, 0.07), (-0.058, 0.07), (-0.056, 0.005))]),
        HAIR,
    )
    if length <= 0.15:
        for side in (-1, 1):
            c.fill(body.box(side * 0.05 - 0.01, 0.06, side * 0.05 + 0.01, 0.09).oval(), SKIN, tone=0.9)
    outline = (
        (0, 0.012),
        (0.046, 0.022),
        (0.049, 0.075),
        (0.03, 0.118),
        (0, 0.135),
        (-0.03, 0.118),
        (-0.049, 0.075),
        (-0.046, 0.022),
    )
    c.fill(smooth([body(x, y) for x, y in outline]), FACE, round=0.25, fall=0.08)
    for side in (-1, 1):
        x = shift + side * 0.02
        c.fill(body.box(x - 0.009, 0.064, x + 0.009, 0.072).oval(), FACE, part=DARK)
        c.fill(body.box(x - 0.011, 0.051, x + 0.011, 0.055).rect(), FACE, part=SECOND)
        c.fill(
            smooth(
                [
                    body(a * side, b)
                    for a, b in ((0, -0.004), (0.05, 0.012), (0.054, 0.06), (0.042, 0.045), (0.018, 0.024))
                ]
            ),
            HAIR,
        )
        if length > 0.15:
            end = rng.uniform(0.6, 0.95) * length
            lock = ((side * 0.048, 0.02), (side * 0.062, 0.1), (side * rng.uniform(0.055, 0.075), end))
            c.fill(body.band(list(lock), [0.012, 0.028, 0.012]), HAIR, round=0.4)
    c.fill(body.box(shift * 1.3 - 0.004, 0.075, shift * 1.3 + 0.006, 0.092).oval(), FACE, tone=0.8)
    c.fill(body.box(shift - 0.014, 0.103, shift + 0.014, 0.112).oval(), FACE, part=SECOND, tone=0.85)


def _accessories(c: Canvas, body: Body, limbs: Limbs, rng: Rng) -> None:
    if rng.random() < 0.18:
        brim = rng.uniform(0.07, 0.12)
        c.fill(
            smooth([body(x, y) for x, y in ((-0.055, 0.03), (-0.05, -0.03), (0.05, -0.03), (0.055, 0.03))]),
            HAT,
            round=0.4,
        )
        c.fill(body.box(-brim, 0.005, brim, 0.032).oval(), HAT, tone=0.85)
    if rng.random() < 0.15:
        for side in (-1, 1):
            x = 0.012 * body.turn + side * 0.022
            c.fill(body.box(x - 0.017, 0.057, x + 0.017, 0.08).oval(), GLASSES, part=DARK)
        c.fill(body.box(-0.045, 0.062, 0.045, 0.066).rect(), GLASSES)
    if rng.random() < 0.45:
        drop = rng.uniform(0.2, 0.27)
        for side in (-1, 1):
            c.fill(
                body.band([(side * 0.035, 0.165), (side * 0.022, (0.165 + drop) / 2), (0, drop)], [0.005] * 3),
                JEWELLERY,
            )
        c.fill(body.box(-0.008, drop - 0.004, 0.008, drop + 0.014).oval(), JEWELLERY)
    if rng.random() < 0.3:
        x, y = limbs.arms[rng.integers(2)][2]
        c.fill(body.box(x - 0.02, y - 0.008, x + 0.02, y + 0.006).rect(), JEWELLERY)
    if rng.random() < 0.2:
        side = int(rng.integers(2))
        x, y = limbs.arms[side][3]
        c.fill(body.band([((-1, 1)[side] * 0.07, 0.19), (x, y)], [0.01, 0.01]), BAG)
        c.fill(
            smooth(body.box(x - 0.06, y, x + 0.06, y + 0.13).poly((0.05, 0), (0.95, 0), (1, 1), (0, 1))), BAG, round=0.3
        )
