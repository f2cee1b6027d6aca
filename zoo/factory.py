"""Creation of methods and datasets from names, configs and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo import checkpoints
from zoo.config import Config, compose
from zoo.config.values import keywords
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.registries import DATASETS, METHODS


def build(
    name: str,
    *,
    data: str | Any = None,
    size: tuple[int, int] | None = None,
    classes: int | None = None,
    profile: str | None = None,
    seed: int | None = None,
    **settings: Any,
) -> Method:
    """Build an untrained method in eval mode; its config is ``method.config``.

    Args:
        name: The method.
        data: The name of a dataset (its files are not needed), or an object with ``classes`` and ``size`` (or
            ``default_size``), such as your own dataset.
        size: (H, W), overrides that of the dataset.
        classes: Number of classes, overrides that of the dataset.
        profile: A profile, such as "smoke" for toy widths.
        seed: Seed of the initial weights; torch's global generator is left unchanged.
        settings: Settings of the method, such as ``width=32``.

    Raises:
        ZooError: A name is unknown, a setting is unknown or invalid, or size or classes are missing.
    """
    known = data if isinstance(data, str) else None
    shape: dict[str, Any] = {}
    if data is not None and known is None:
        shape = {"name": getattr(data, "name", None), "classes": getattr(data, "classes", None)}
        shape["size"] = getattr(data, "size", None) or getattr(data, "default_size", None)
    shape |= {"size": size} if size is not None else {}
    shape |= {"classes": classes} if classes is not None else {}
    overrides: list[tuple[Mapping[str, Any], str]] = [({"data": shape, "method": settings}, "zoo.build")]
    if seed is not None:
        overrides.append(({"train": {"seed": seed}}, "zoo.build"))
    config = compose(name, known, profile, overrides)
    return from_config(config, seed=seed).eval()


def load(path: Path | str, *, device: torch.device | str = "cpu", ema: bool = True) -> Method:
    """Load a trained method in eval mode from a checkpoint; no other file is needed.

    Args:
        path: The checkpoint.
        device: Device of the method.
        ema: Use the averaged weights, if available.

    Raises:
        ZooError: The file is not a checkpoint, or its weights do not fit its config.
    """
    payload = checkpoints.load(path)
    config = Config.from_dict(payload["config"], str(path))
    with torch.random.fork_rng(devices=[]):
        method = from_config(config)
    state = dict(payload["method"])
    averaged = payload.get("ema") if ema else None
    restore(method, state | dict(averaged or {}), str(path))
    return method.to(device).eval()


def from_config(config: Config, *, seed: int | None = None) -> Method:
    """Build the method of a config, untrained and in training mode; ``seed`` as in :func:`build`."""
    cls = METHODS.get(config.method["name"])
    try:
        if seed is None:
            method: Method = cls(**config.settings)
        else:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                method = cls(**config.settings)
    except ValueError as error:
        raise ZooError(f"The method {config.method['name']} cannot be built with these settings: {error}.") from error
    method.config = config
    return method


def dataset(config: Config, split: str, *, root: Path | None = None) -> Any:
    """Open the dataset of a config, from ``data.root`` or another folder; ZooError if files are missing."""
    cls = DATASETS.get(config.data["name"])
    settings = dict(config.dataset_settings)
    if "classes" in keywords(cls):
        settings["classes"] = config.data["classes"]
    return cls(root=root or config.data["root"], split=split, size=config.data["size"], **settings)


def restore(method: Method, state: Mapping[str, Any], origin: str) -> None:
    """Load a state dict strictly; ZooError names the first entry that does not fit."""
    own = method.state_dict()
    name = getattr(method, "name", type(method).__name__)
    for key in [*own, *state]:
        if key in own and key in state and _shape(own[key]) == _shape(state[key]):
            continue
        have, want = (f"has shape {_shape(s[key])}" if key in s else "is missing" for s in (state, own))
        raise ZooError(
            f'{origin} does not fit {name} as its config describes it: "{key}" {have} in the file and {want} in the '
            "method; use the version of zoo and of its plugins that wrote the file."
        )
    method.load_state_dict(dict(state))


def _shape(value: Any) -> list[int] | None:
    """Shape of an entry of a state dict; None for plain values from ``get_extra_state``."""
    return list(value.shape) if isinstance(value, Tensor) else None
