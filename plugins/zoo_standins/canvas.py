"""A canvas that records classes, surfaces and distances of a scene, without colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zoo_standins.camera import Array, Camera, Facing, Level, Side
from zoo_standins.shapes import Box, Outline

Ids = NDArray[np.uint8]

# Parts of an object, all of the object's class: the style decides what they look like.
BODY, SECOND, DARK, LIGHT, PANE, BLANK = range(6)
SKY_DISTANCE = 2000.0


@dataclass(frozen=True)
class Layout:
    """What stands where in one picture; together with a style seed it makes a picture.

    All arrays are [H,W]. ``standin`` fixes the materials of the classes. ``label`` is what the dataset stores;
    ``surface`` is the same before pixels were lost to "unknown"; ``part`` distinguishes details of an object; ``u`` and
    ``v`` are metres along the surface; ``footprint`` is metres per pixel there; ``shade`` is the surface's own lighting
    (1 = full); ``distance`` is metres from the camera.
    """

    standin: str
    scene: str
    label: Ids
    surface: Ids
    part: Ids
    u: Array
    v: Array
    footprint: Array
    shade: Array
    distance: Array


class Canvas:
    """Fills outlines (in picture heights; x from 0 to ``aspect``) from back to front, then becomes a Layout."""

    def __init__(self, size: tuple[int, int], camera: Camera, background: int = 0) -> None:
        self.height, self.width = size
        self.aspect = self.width / self.height
        self.camera = camera
        self.plane: Facing = Facing(5.0, 5.0)
        self.surface = np.full(size, background, np.uint8)
        self.part = np.zeros(size, np.uint8)
        self.u, self.v, self.footprint, self.distance = (np.zeros(size, np.float32) for _ in range(4))
        self.shade = np.ones(size, np.float32)

    @contextmanager
    def at(self, ahead: float, seen_at: float | None = None) -> Iterator[None]:
        """What is filled inside the block stands ``ahead`` metres away, facing the camera."""
        before, self.plane = self.plane, Facing(ahead, ahead if seen_at is None else seen_at)
        yield
        self.plane = before

    def standing(self, across: float, ahead: float, width: float, height: float, up: float = 0.0) -> Box:
        """The box of a thing of that many metres that stands ``up`` metres above the ground."""
        x0, y1 = self.camera.project(across - width / 2, up, ahead)
        x1, y0 = self.camera.project(across + width / 2, up + height, ahead)
        return Box(x0, y0, x1, y1)

    def fill(
        self,
        outline: Outline,
        cls: int,
        *,
        tone: float = 1.0,
        part: int | Callable[[Array, Array], Ids] = BODY,
        plane: Facing | Level | Side | None = None,
        round: float = 0.0,
        fall: float = 0.0,
    ) -> None:
        """Cover an outline with class ``cls`` at brightness ``tone``.

        ``round`` shades it like a cylinder, ``fall`` darkens it downwards; a callable ``part`` reads it off (u, v).
        """
        region, mask, x, y = self._raster(outline)
        if not mask.size:
            return
        u, v, footprint, distance = (plane or self.plane).coordinates(self.camera, x, y, 1 / self.height)
        points = np.asarray(outline)
        (left, top), (right, bottom) = points.min(0), points.max(0)
        nx = np.clip((x - left) / max(right - left, 1e-6), 0, 1) * 2 - 1
        ny = np.clip((y - top) / max(bottom - top, 1e-6), 0, 1)
        shade = tone * (1 - round * (0.45 * nx**2 + 0.2 * nx)) * (1 - fall * ny)
        for layer, value in (
            (self.surface, np.uint8(cls)),
            (self.part, part(u, v) if callable(part) else np.uint8(part)),
            (self.u, u),
            (self.v, v),
            (self.footprint, footprint),
            (self.distance, distance),
            (self.shade, shade),
        ):
            np.copyto(layer[region], value, where=mask, casting="same_kind")

    def darken(self, outline: Outline, strength: float) -> None:
        """A soft shadow inside an oval's bounding box, on whatever lies there."""
        points = np.asarray(outline)
        (left, top), (right, bottom) = points.min(0), points.max(0)
        region, mask, x, y = self._raster(Box(left, top, right, bottom).rect())
        if mask.size:
            radius = ((2 * x - left - right) / (right - left)) ** 2 + ((2 * y - top - bottom) / (bottom - top)) ** 2
            self.shade[region] *= 1 - strength * np.clip(1 - radius, 0, 1)

    def _raster(self, outline: Outline) -> tuple[tuple[slice, slice], NDArray[np.bool_], Array, Array]:
        """Region, mask in it, and the positions of its columns [1,w] and rows [h,1]."""
        pixels = np.asarray(outline, np.float64) * self.height - 0.5
        low = np.maximum(np.floor(pixels.min(0)), 0).astype(int)
        high = np.minimum(np.ceil(pixels.max(0)) + 1, (self.width, self.height)).astype(int)
        width, height = np.maximum(high - low, 0).tolist()
        mask = Image.new("1", (width, height))
        if width and height:
            ImageDraw.Draw(mask).polygon([tuple(p) for p in (pixels - low).tolist()], fill=1)
        region = slice(low[1], low[1] + height), slice(low[0], low[0] + width)
        x = ((low[0] + np.arange(width, dtype=np.float32) + 0.5) / self.height)[None, :]
        y = ((low[1] + np.arange(height, dtype=np.float32) + 0.5) / self.height)[:, None]
        return region, np.asarray(mask, bool), x, y

    def layout(self, standin: str, scene: str) -> Layout:
        """See the base class."""
        layers = (self.part, self.u, self.v, self.footprint, self.shade, self.distance)
        return Layout(standin, scene, self.surface.copy(), self.surface, *layers)
