"""Files of the tiny golden set, expanded: weights and draws are computed by the recipe of ``golden/README.md``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

POWER_ITERATIONS = 3


def read_tiny(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The metadata and all tensors of a file, under the keys that the large set stores.

    Raises AssertionError where a computed tensor has another sum than the one that the file states.
    """
    with np.load(path) as stored:
        tensors = {name: torch.from_numpy(stored[name]) for name in stored.files if name != "meta"}
        meta = json.loads(stored["meta"].tobytes())
    for network, state in meta["state"].items():
        for key, value in drawn_state(state["seed"], state["tensors"]).items():
            tensors[f"{network}.{key}"] = torch.from_numpy(value)
    for key, draw in meta["draws"].items():
        values = np.random.RandomState(draw["seed"]).standard_normal(draw["shape"]).astype(np.float32)
        check_sum(key, values, draw["sum"])
        tensors[key] = torch.from_numpy(values)
    return meta, tensors


def drawn_state(seed: int, listed: list[tuple[str, list[int], float]]) -> dict[str, NDArray[Any]]:
    """The state dict of one network: ``listed`` holds key, shape and sum of its tensors in the order of the draws."""
    stream, state, v = np.random.RandomState(seed), {}, np.zeros(0)
    for key, shape, total in listed:
        layer, _, last = key.rpartition(".")
        if last == "num_batches_tracked":
            value = np.zeros((), np.int64)
        elif last == "weight_v":  # that of the weight_u just before
            value = v.astype(np.float32)
        else:
            normal = stream.standard_normal(shape)
            if last == "weight_u":
                normal, v = power_iterations(state[f"{layer}.weight_orig"], normal)
            value = scaled(normal, layer, last).astype(np.float32)
        check_sum(key, value, total)
        state[key] = value
    return state


def scaled(normal: NDArray[np.float64], layer: str, last: str) -> NDArray[np.float64]:
    """Normal numbers at the scale, and around the mean, that a tensor ``layer.last`` of the networks has."""
    if last == "bias":
        return 0.05 * normal
    if last == "running_mean":
        return 0.1 * normal
    if last == "running_var":
        return 1 + 0.1 * np.abs(normal)
    if last == "weight_u":
        return normal
    assert last in ("weight", "weight_orig"), f"the recipe does not state how to draw {layer}.{last}"
    if layer == "embedding":
        return 0.5 * normal
    per_class = layer in [f"fc_{kind}{level}" for kind in ("mu", "var") for level in range(1, 6)]
    gain = {"fc_mu": 0.4, "fc_var": 0.4}.get(layer, 0.2 if per_class else 1.0)
    return gain * normal / math.sqrt(math.prod(normal.shape[1:]))


def power_iterations(
    weight: NDArray[np.float32], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The singular vectors u and v of spectral norm after POWER_ITERATIONS from u = ``start`` / |``start``|."""
    matrix = weight.astype(np.float64).reshape(weight.shape[0], -1)
    u = start / np.linalg.norm(start)
    for _ in range(POWER_ITERATIONS):
        v = matrix.T @ u
        v /= np.linalg.norm(v)
        u = matrix @ v
        u /= np.linalg.norm(u)
    return u, v


def check_sum(key: str, value: NDArray[Any], expected: float) -> None:
    """Assert the sum of a tensor; another BLAS may move single elements of u and v by one unit in the last place."""
    own = float(value.astype(np.float64).sum())
    assert abs(own - expected) <= 1e-6 * math.sqrt(value.size), f"{key} sums to {own}, not {expected}: wrong recipe"
