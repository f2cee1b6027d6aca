"""Layered YAML configs, validated before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zoo.config.config import Config, checked
from zoo.config.merging import DEFAULTS, merge, parse_set, settable
from zoo.config.profile_files import Profile, is_toy, known_profile, profile, profiles
from zoo.config.schema import EvaluateConfig, NonNegative, OptimizerConfig, Positive, TrainConfig
from zoo.config.values import Range
from zoo.errors import ZooError
from zoo.registries import DATASETS

__all__ = [
    "Config",
    "EvaluateConfig",
    "NonNegative",
    "OptimizerConfig",
    "Positive",
    "Profile",
    "Range",
    "TrainConfig",
    "compose",
    "is_toy",
    "known_profile",
    "profile",
    "profiles",
    "resolve",
]


def resolve(
    method: str,
    data: str,
    profile: str | None = None,
    sets: Sequence[str] = (),
    *,
    data_root: Path | str | None = None,
    seed: int | None = None,
) -> Config:
    """Resolve the config of a run.

    Sources, in order of increasing precedence: the defaults (of :class:`TrainConfig` and of the constructors of dataset
    and method), the YAML of the dataset, the method's, its ``when: {data=...}``, the profile's, the method's
    ``when: {profile=...}``, the profile's own ``when``, ``data_root`` and ``seed``, and ``sets``. In general, a
    ``when`` block is applied after the last file named in its condition. Files inherit from others with ``_base_``.

    Args:
        method: A name, or the path of a YAML file that names a method and overrides its YAML.
        data: The name of a dataset.
        profile: A name, or the path of a YAML file.
        sets: Values for single keys, as ``"train.epochs=3"``.
        data_root: The folder of the dataset, by default ``data/NAME``.
        seed: ``train.seed``.

    Raises:
        ZooError: For an unknown name or key (with the nearest valid one), a wrong type, a value out of range, and
            inconsistent values.
    """
    options: list[tuple[Mapping[str, Any], str]] = [
        ({"data": {"root": str(data_root)}} if data_root is not None else {}, "--data-root"),
        ({"train": {"seed": seed}} if seed is not None else {}, "--seed"),
        *((parse_set(text, partial(settable, method, data)), "--set") for text in sets),
    ]
    config = compose(method, data, profile, options)
    _consistent(config)
    return config


def compose(
    method: str, data: str | None, profile: str | None, overrides: Sequence[tuple[Mapping[str, Any], str]] = ()
) -> Config:
    """As :func:`resolve`, with nested mappings that override the files, each with the name of its origin.

    Without a dataset (None) the overrides must give ``data.classes`` and ``data.size``.
    """
    name, merged = merge(method, data, profile)
    for content, origin in overrides:
        merged.add(content, origin)
    merged.add({"method": {"name": name}}, "the command")
    if data is not None:
        merged.add({"data": {"name": data}}, "the command")
        if not merged.content["data"].get("root"):
            merged.add({"data": {"root": f"data/{data}"}}, DEFAULTS)
    return checked({**merged.content, "profile": profile}, merged.where, merged.origins)


def _consistent(config: Config) -> None:
    """Check that values are consistent with each other."""
    train, data = config.train, config.data
    where = config.origins.get
    if train.allow_random_vgg and not is_toy(config.profile):
        toys = [name for name in profiles() if is_toy(name)]
        raise ZooError(
            f"train.allow_random_vgg is true ({where('train.allow_random_vgg')}), but random features are for toy "
            f"profiles only: leave it false, or use --profile {' or '.join(toys)}."
        )
    if train.iterations is None and train.epochs + train.decay_epochs == 0:
        raise ZooError("train.epochs and train.decay_epochs are both 0: set one of them, or train.iterations.")
    own = getattr(DATASETS.get(data["name"]), "classes", None)
    if isinstance(own, int) and own != data["classes"]:
        raise ZooError(
            f"data.classes is {data['classes']} ({where('data.classes')}), but the dataset {data['name']} has {own} "
            "classes: leave data.classes out."
        )
