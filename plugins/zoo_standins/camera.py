"""A pinhole camera and the planes it sees, with metres along each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """A pinhole: vanishing point (x, y) and focal length in picture heights, height of the eye in metres."""

    x: float
    y: float
    focal: float
    eye: float

    def project(self, across: float, up: float, ahead: float) -> tuple[float, float]:
        """Picture position of a point ``across`` metres to the right, ``up`` from the ground and ``ahead``."""
        scale = self.focal / ahead
        return self.x + across * scale, self.y + (self.eye - up) * scale

    def ground(self, y: float) -> float:
        """Distance in metres of the ground seen at height ``y`` of the picture (below the horizon)."""
        return self.focal * self.eye / max(y - self.y, 1e-3)


@dataclass(frozen=True)
class Facing:
    """A plane that faces the camera at distance ``ahead``; haze may take it for ``seen_at`` metres away."""

    ahead: float
    seen_at: float

    def coordinates(self, camera: Camera, x: Array, y: Array, pixel: float) -> tuple[Array, ...]:
        """Metres along the surface (u, v), metres per pixel, and distance, at picture positions."""
        metres = np.float32(self.ahead / camera.focal)
        full = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
        return (
            (x - camera.x) * metres + full,
            (y - camera.y) * metres + full,
            full + metres * pixel,
            full + self.seen_at,
        )


@dataclass(frozen=True)
class Level:
    """A horizontal plane ``up`` metres above the ground: floor, road, ceiling."""

    up: float = 0.0

    def coordinates(self, camera: Camera, x: Array, y: Array, pixel: float) -> tuple[Array, ...]:
        """Metres along the surface (u, v), metres per pixel, and distance, at picture positions."""
        drop = camera.eye - self.up
        ahead = camera.focal * abs(drop) / np.maximum((y - camera.y) * np.sign(drop), 1e-3)
        full = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
        footprint = ahead**2 / (camera.focal * abs(drop)) * pixel
        return (x - camera.x) * ahead / camera.focal, ahead + full, footprint + full, ahead + full


@dataclass(frozen=True)
class Side:
    """A vertical plane along the line of sight, ``across`` metres to the right: side walls, rows of houses."""

    across: float

    def coordinates(self, camera: Camera, x: Array, y: Array, pixel: float) -> tuple[Array, ...]:
        """Metres along the surface (u, v), metres per pixel, and distance, at picture positions."""
        ahead = camera.focal * abs(self.across) / np.maximum((x - camera.x) * np.sign(self.across), 1e-3)
        full = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
        footprint = ahead**2 / (camera.focal * abs(self.across)) * pixel
        return ahead + full, (y - camera.y) * ahead / camera.focal, footprint + full, ahead + full
