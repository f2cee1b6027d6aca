"""The global light of a picture: time of day and weather outside, lamps and windows inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo_standins.camera import Array


@dataclass(frozen=True)
class Light:
    """The light of a picture.

    Attributes:
        gain: RGB factor on everything, [3].
        haze: RGB colour of the distance, [3].
        pane: RGB colour of glass panes, [3].
        visibility: Metres within which the haze takes over.
        slope: Brightness gradient (right, down).
        contrast: Of shading.
        glow: Strength of lamps.
        rain: Strength of rain.
    """

    gain: Array
    haze: Array
    pane: Array
    visibility: float
    slope: tuple[float, float]
    contrast: float
    glow: float
    rain: float


# gain, haze, visibility in metres, contrast, glow, rain
_Mood = tuple[tuple[float, float, float], tuple[float, float, float], float, float, float, float]
_OUTSIDE: dict[str, _Mood] = {
    "noon": ((1.12, 1.1, 1.05), (0.80, 0.88, 0.96), 6000, 1.3, 0.0, 0.0),
    "overcast": ((0.86, 0.89, 0.93), (0.80, 0.82, 0.84), 1500, 0.6, 0.0, 0.0),
    "golden": ((1.22, 0.93, 0.62), (0.98, 0.76, 0.50), 2500, 1.4, 0.1, 0.0),
    "dusk": ((0.70, 0.58, 0.80), (0.55, 0.42, 0.60), 2500, 0.9, 0.5, 0.0),
    "night": ((0.40, 0.46, 0.66), (0.09, 0.12, 0.22), 1200, 0.8, 1.0, 0.0),
    "fog": ((0.90, 0.93, 0.95), (0.82, 0.85, 0.87), 60, 0.6, 0.1, 0.0),
    "rain": ((0.62, 0.68, 0.74), (0.60, 0.65, 0.70), 250, 0.6, 0.3, 1.0),
}
_INSIDE: dict[str, _Mood] = {
    "daylight": ((1.08, 1.08, 1.06), (1, 1, 1), 9000, 1.0, 0.2, 0.0),
    "lamps": ((1.10, 0.86, 0.58), (1, 1, 1), 9000, 1.3, 0.6, 0.0),
    "neon": ((0.86, 1.02, 1.04), (1, 1, 1), 9000, 0.7, 0.3, 0.0),
    "evening": ((0.66, 0.70, 0.90), (0, 0, 0), 9000, 1.3, 0.9, 0.0),
    "dim": ((0.78, 0.64, 0.50), (0, 0, 0), 9000, 1.4, 0.8, 0.0),
}
_STUDIO: dict[str, _Mood] = {
    "neutral": ((1.04, 1.04, 1.04), (1, 1, 1), 9000, 1.0, 0.0, 0.0),
    "warm": ((1.08, 0.98, 0.86), (1, 1, 1), 9000, 1.1, 0.0, 0.0),
    "cool": ((0.90, 0.98, 1.08), (1, 1, 1), 9000, 1.0, 0.0, 0.0),
    "high key": ((1.15, 1.15, 1.14), (1, 1, 1), 60, 0.6, 0.0, 0.0),
    "low key": ((0.70, 0.70, 0.74), (0, 0, 0), 9000, 1.6, 0.0, 0.0),
}
MOODS = {"room": _INSIDE, "figure": _STUDIO, "landscape": _OUTSIDE, "street": _OUTSIDE}


def draw_light(scene: str, rng: np.random.Generator) -> Light:
    """One of the scene's moods, each as likely, with a strength and direction of its own."""
    moods = list(MOODS[scene].values())
    gain, haze, visibility, contrast, glow, wet = moods[rng.integers(len(moods))]
    level, tint = rng.uniform(0.92, 1.06), rng.uniform(0.96, 1.04, 3)
    slope = float(rng.uniform(-0.15, 0.15)), float(rng.uniform(-0.08, 0.08))
    pane = np.multiply(haze, 0.65) if glow < 0.5 else np.array([1.0, 0.8, 0.5])
    fog, glass = np.asarray(haze, np.float32), np.asarray(pane, np.float32)
    colour = np.asarray(np.multiply(gain, tint) * level, np.float32)
    return Light(colour, fog, glass, visibility * rng.uniform(0.7, 1.4), slope, contrast, glow, wet)


def rain(image: Array, strength: float, rng: np.random.Generator) -> Array:
    """Slanting streaks over a picture [H,W,3]. A streak is one pixel wide, so small pictures get fainter ones."""
    height, width = image.shape[:2]
    strength *= min(1.0, height / 200)
    starts = rng.random((220, 2)) * (width, height)
    length = rng.uniform(0.03, 0.08, 220) * height
    steps = np.linspace(0, 1, max(height // 12, 4))
    x = (starts[:, :1] + 0.25 * length[:, None] * steps).astype(int) % width
    y = (starts[:, 1:] + length[:, None] * steps).astype(int) % height
    wet = image.copy()
    wet[y, x] += 0.14 * strength * (1 - np.clip(image[y, x], 0, 1))
    return wet
