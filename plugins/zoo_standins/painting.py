"""From a layout and a style seed to a picture: a colour and texture per class, one light for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_standins.camera import Array
from zoo_standins.canvas import BLANK, DARK, LIGHT, PANE, SECOND, Layout
from zoo_standins.light import Light, draw_light, rain
from zoo_standins.materials import CLASS_MATERIALS, Material
from zoo_standins.textures import PATTERNS

Seed = int | Sequence[int]
_LIGHT_STREAM = 1000  # no class has this id


def _stream(seed: Seed, stream: int) -> np.random.Generator:
    return np.random.default_rng([*([seed] if isinstance(seed, int) else seed), stream])


@dataclass(frozen=True)
class ClassStyle:
    """How one class looks in one picture: two RGB colours [3] in [0, 1], a texture, its period in metres, its seed."""

    first: Array
    second: Array
    texture: str
    period: float
    seed: int

    @classmethod
    def draw(cls, material: Material, rng: np.random.Generator) -> ClassStyle:
        """Draw a random style of a material."""
        mode, other = rng.permutation(len(material.modes))[:2]
        jitter = rng.uniform(-10, 10, (2, 3)) + rng.uniform(-10, 10, (2, 1))
        first = np.clip(np.add(material.modes[mode], jitter[0]), 0, 255)
        towards = {
            "mode": np.clip(np.add(material.modes[other], jitter[1]), 0, 255),
            "shade": first * rng.uniform(0.5, 0.7),
            "tint": 255 - (255 - first) * rng.uniform(0.35, 0.6),
        }[material.second]
        texture = str(rng.choice(material.textures))
        period = material.period * rng.uniform(0.75, 1.5)
        one, two = np.asarray(first / 255, np.float32), np.asarray(towards / 255, np.float32)
        return cls(one, two, texture, float(period), int(rng.integers(2**31)))

    def colour(self, u: Array, v: Array, footprint: Array) -> Array:
        """[P,3] at P points; the texture fades where a pixel covers too much of its period to show it."""
        rng = np.random.default_rng(self.seed)
        share = PATTERNS[self.texture](u + np.float32(rng.uniform(0, 50)), v, self.period, rng)
        visible = np.clip(2 - 4 * footprint / self.period, 0, 1)
        share = 0.35 + (share - 0.35) * visible
        return self.first + share[:, None] * (self.second - self.first)


def class_style(standin: str, k: int, seed: Seed) -> ClassStyle:
    """The style of class ``k``; every class has its own random stream, so that classes are independent."""
    return ClassStyle.draw(CLASS_MATERIALS[standin][k], _stream(seed, k))


def paint(layout: Layout, seed: Seed) -> NDArray[np.uint8]:
    """A picture [H,W,3] of the layout; colours, textures and light come from ``seed`` alone."""
    height, width = layout.label.shape
    classes = layout.surface.ravel()
    albedo = np.empty((classes.size, 3), np.float32)
    u, v, footprint = (a.ravel() for a in (layout.u, layout.v, layout.footprint))
    all_parts = layout.part.ravel()
    light = draw_light(layout.scene, _stream(seed, _LIGHT_STREAM))
    for k in np.unique(classes).tolist():
        here = np.flatnonzero(classes == k)
        style = class_style(layout.standin, k, seed)
        albedo[here] = style.colour(u[here], v[here], footprint[here])
        parts = all_parts[here]
        if parts.any():
            albedo[here[parts == SECOND]] = 0.25 * style.first + 0.75 * style.second
            albedo[here[parts == DARK]] = 0.22 * style.first
            albedo[here[parts == LIGHT]] = 1 - 0.4 * (1 - style.first)
            albedo[here[parts == PANE]] = 0.2 * style.first + 0.8 * light.pane
    return _lit(albedo.reshape(height, width, 3), layout, light, _stream(seed, _LIGHT_STREAM + 1))


def _lit(albedo: Array, layout: Layout, light: Light, rng: np.random.Generator) -> NDArray[np.uint8]:
    height, width = layout.label.shape
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    shade = layout.shade ** np.float32(light.contrast) * (1 + light.slope[0] * x + light.slope[1] * y)
    image = albedo * shade[..., None] * light.gain
    glowing = (layout.part == LIGHT) | ((layout.part == PANE) & (light.glow > 0.5))
    image[glowing] += light.glow * albedo[glowing] * np.array([1.0, 0.85, 0.6], np.float32)
    clear = np.exp(-layout.distance / np.float32(light.visibility))[..., None]
    image = image * clear + light.haze * (1 - clear)
    if light.rain:
        image = rain(image, light.rain, rng)
    image[layout.part == BLANK] = 1
    return np.asarray(np.clip(image * 255 + 0.5, 0, 255), np.uint8)
