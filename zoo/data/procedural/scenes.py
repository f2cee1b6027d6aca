"""Layouts by dataset name: which scene is drawn, at which size, and what annotators would have missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.data.procedural.canvas import Layout
from zoo.data.procedural.figure import figure
from zoo.data.procedural.landscapes import landscape
from zoo.data.procedural.rooms import room
from zoo.data.procedural.street import street
from zoo.data.procedural.textures import noise
from zoo.errors import ZooError, nearest

DEFAULT_SIZES: dict[str, tuple[int, int]] = {"ade20k": (256, 256), "deepfashion": (256, 256), "gta5": (256, 512)}
SMALLEST = 16
_DRAWERS = {"room": room, "landscape": landscape, "figure": figure, "street": street}


def check(name: str, size: tuple[int, int] | None) -> tuple[int, int]:
    """The size [H, W] to draw ``name`` at; raises ZooError for an unknown name or a size too small to show anything."""
    if name not in DEFAULT_SIZES:
        known = ", ".join(DEFAULT_SIZES)
        raise ZooError(
            f'There is no procedural stand-in for "{name}"{nearest(name, list(DEFAULT_SIZES)) or "."} Known: {known}.'
        )
    if size is not None and min(size) < SMALLEST:
        raise ZooError(
            f"Procedural pictures of {size[0]}x{size[1]} are too small: ask for {SMALLEST} pixels or more a side."
        )
    return size or DEFAULT_SIZES[name]


def layout(name: str, seed: int | Sequence[int], size: tuple[int, int] | None = None) -> Layout:
    """Where everything stands in one picture of dataset ``name``: label map and geometry, no colours.

    ``size`` is (H, W), by default the dataset's own; one seed gives the same scene at every size. Raises ZooError for
    an unknown name or a side under 16 pixels.
    """
    size = check(name, size)
    rng = np.random.default_rng(seed)
    if name == "deepfashion":
        scene = "figure"
    elif name == "gta5":
        scene = "street"
    else:
        scene = "room" if rng.random() < 0.55 else "landscape"
    drawn = _DRAWERS[scene](size, rng).layout(name, scene)
    return _unlabelled(drawn, rng) if name == "ade20k" else drawn


def _unlabelled(drawn: Layout, rng: np.random.Generator) -> Layout:
    """Loses labels the way annotators do: stretches of outlines, and in some pictures one small class altogether."""
    label = drawn.label.copy()
    height, width = label.shape
    border = np.zeros(label.shape, bool)
    border[:, 1:] |= label[:, 1:] != label[:, :-1]
    border[1:] |= label[1:] != label[:-1]
    y, x = (np.flatnonzero(border) // width / height, np.flatnonzero(border) % width / height)
    careless = noise(np.asarray(x, np.float32), np.asarray(y, np.float32), 0.25, rng) > 0.62
    skip, which = rng.random() < 0.3, rng.random()
    if skip:
        present, counts = np.unique(label, return_counts=True)
        small = present[counts < 0.01 * label.size]
        if small.size:
            label[label == small[int(which * small.size)]] = 0
    label[border] = np.where(careless, 0, label[border])
    return replace(drawn, label=label)
