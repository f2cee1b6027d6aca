"""The stand-ins: ``figures`` (DeepFashion), ``streets`` (GTA-5), ``scenes`` (ADE20K: rooms and landscapes)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.data import StandIn
from zoo.errors import ZooError
from zoo.registries import STANDINS
from zoo_standins.canvas import Layout
from zoo_standins.figure import figure
from zoo_standins.landscapes import landscape
from zoo_standins.painting import paint
from zoo_standins.rooms import room
from zoo_standins.street import street
from zoo_standins.textures import noise

SMALLEST = 16
"""Pixels a side below which nothing can be recognised."""


class _Drawn(StandIn):
    """One seed gives the same scene at every size."""

    def layout(self, seed: int | Sequence[int], size: tuple[int, int]) -> Layout:
        if min(size) < SMALLEST:
            raise ZooError(
                f"Procedural pictures of {size[0]}x{size[1]} are too small: ask for {SMALLEST} pixels or more a side."
            )
        return self._layout(np.random.default_rng(seed), size)

    def paint(self, layout: Layout, style: int | Sequence[int]) -> NDArray[np.uint8]:
        return paint(layout, style)

    @abstractmethod
    def _layout(self, rng: np.random.Generator, size: tuple[int, int]) -> Layout: ...


@STANDINS.register("figures")
class Figures(_Drawn):
    """A standing person on white, with the classes of DeepFashion."""

    def _layout(self, rng: np.random.Generator, size: tuple[int, int]) -> Layout:
        return figure(size, rng).layout(self.name, "figure")


@STANDINS.register("streets")
class Streets(_Drawn):
    """A street from a car, with the classes of GTA-5."""

    def _layout(self, rng: np.random.Generator, size: tuple[int, int]) -> Layout:
        return street(size, rng).layout(self.name, "street")


@STANDINS.register("scenes")
class Scenes(_Drawn):
    """Rooms and landscapes, with the classes of ADE20K and pixels that nobody has labelled."""

    def _layout(self, rng: np.random.Generator, size: tuple[int, int]) -> Layout:
        scene, drawer = ("room", room) if rng.random() < 0.55 else ("landscape", landscape)
        return _unlabelled(drawer(size, rng).layout(self.name, scene), rng)


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
