"""Merging of config files in their order of precedence, with the origin of every value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from zoo.config import read
from zoo.config.profile_files import load_profile, profiles
from zoo.config.read import SECTIONS, Layer, parse_yaml, read_layers
from zoo.config.schema import OptimizerConfig, TrainConfig, data_settings, method_settings
from zoo.config.values import fields
from zoo.errors import ZooError, nearest
from zoo.plugins import home
from zoo.registries import DATASETS, METHODS

_RANK = {"data": 1, "method": 2, "profile": 3}
"""Files of later ranks take precedence."""


DEFAULTS = "default"
"""Origin of a value that was not set by any file or option."""


class Merged:
    """Nested mappings merged in order, with the origin of every value."""

    def __init__(self) -> None:
        self.content: dict[str, Any] = {}
        self.origins: dict[str, str] = {}

    def add(self, content: Mapping[str, Any], origin: str) -> None:
        """Merge ``content``: mappings key by key; all other values are replaced."""
        self._add(self.content, content, origin, "")

    def _add(self, target: dict[str, Any], content: Mapping[Any, Any], origin: str, prefix: str) -> None:
        for name, value in content.items():
            key = f"{prefix}{name}"
            if isinstance(value, Mapping):
                if not isinstance(target.get(str(name)), dict):
                    target[str(name)] = {}
                    self.origins[key] = origin
                self._add(target[str(name)], value, origin, f"{key}.")
            else:
                target[str(name)] = value
                self.origins[key] = origin

    def where(self, key: str) -> str:
        """The origin of a key, or of the innermost mapping around it."""
        while key not in self.origins and "." in key:
            key = key.rpartition(".")[0]
        return self.origins.get(key, DEFAULTS)


def merge(method: str, data: str | None, profile: str | None) -> tuple[str, Merged]:
    """The name of the method, and its merged config files on top of the defaults of training.

    See :func:`zoo.config.resolve` for their order.
    """
    name, own = _method(method)
    chosen, presets = (None, []) if profile is None else load_profile(profile)
    layers = [
        *(_ranked(1, _file("data", data, DATASETS.get(data))) if data is not None else ()),
        *own,
        *((_RANK["profile"], layer) for layer in presets),
    ]
    choice = {"method": name, "data": data, "profile": None if chosen is None else chosen.name}
    merged = Merged()
    merged.add({"train": dataclasses.asdict(TrainConfig())}, DEFAULTS)
    for rank in sorted(_RANK.values()):
        for place, layer in layers:
            if place == rank:
                merged.add(layer.content, layer.origin)
        for content, origin in _conditional(layers, rank, choice):
            merged.add(content, origin)
    return name, merged


def _conditional(
    layers: Sequence[tuple[int, Layer]], rank: int, choice: Mapping[str, str | None]
) -> Iterator[tuple[dict[str, Any], str]]:
    """The matching ``when`` blocks of a rank: each is applied after the last file named in its condition.

    Within a rank, later files take precedence; within a file, the block with more conditions.
    """
    for own, layer in layers:
        blocks = sorted(
            ((_conditions(c, layer.origin), b) for c, b in layer.when.items()), key=lambda pair: len(pair[0])
        )
        for conditions, block in blocks:
            holds = all(choice[key] == value for key, value in conditions.items())
            if holds and max(own, *(_RANK[key] for key in conditions)) == rank:
                yield block, f"{layer.origin} (when {', '.join(f'{k}={v}' for k, v in conditions.items())})"


def _conditions(text: str, origin: str) -> dict[str, str]:
    conditions = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in _RANK:
            hint = nearest(key, list(_RANK)) or "."
            raise ZooError(
                f'"when" in {origin} has the condition "{part.strip()}", expected data=, method= or profile={hint}'
            )
        if key == "profile" and value not in profiles():
            hint = nearest(value, profiles()) or f"; there are {', '.join(profiles())}."
            raise ZooError(f'"when" in {origin} names the profile "{value}", which does not exist{hint}')
        conditions[key] = value
    return conditions


def _ranked(rank: int, path: Path | None) -> list[tuple[int, Layer]]:
    return [] if path is None else [(rank, layer) for layer in read_layers(path)]


def _method(method: str) -> tuple[str, list[tuple[int, Layer]]]:
    """Name and layers of a method, or of a YAML file by path, which overrides the method that it names."""
    if not method.endswith((".yaml", ".yml")):
        return method, _ranked(2, _file("methods", method, METHODS.get(method)))
    layers = _ranked(2, Path(method))
    sections = [layer.content.get("method") for _, layer in layers]
    names = [section["name"] for section in sections if section and "name" in section]
    if not names:
        raise ZooError(
            f'{method} names no method: add "method: {{name: ...}}", with one of {", ".join(METHODS.names())}.'
        )
    name = str(names[-1])
    return name, [*_ranked(2, _file("methods", name, METHODS.get(name))), *layers]


def _file(kind: str, name: str, item: Any) -> Path | None:
    """The YAML of a method or dataset, from its plugin's ``configs`` folder or the zoo's; None if there is none."""
    folder = home(item)
    for root in (*([folder / "configs"] if folder is not None else []), read.CONFIGS):
        path = root / kind / f"{name}.yaml"
        if path.is_file():
            return path
    return None


def settable(method: str, data: str) -> list[str]:
    """The dotted keys for ``--set``, for a method (a name, or a YAML file that names one) and a dataset."""
    name, _ = _method(method)
    sections = {
        "method": method_settings(METHODS.get(name)),
        "data": data_settings(DATASETS.get(data)),
        "train": fields(TrainConfig),
        **{f"train.optimizers.{optimizer}": fields(OptimizerConfig) for optimizer in TrainConfig().optimizers},
    }
    return [f"{section}.{key}" for section, keys in sections.items() for key in keys if key != "name"]


def parse_set(text: str, keys: Callable[[], Sequence[str]]) -> dict[str, Any]:
    """Parse ``train.epochs=3`` to nested mappings; the value is YAML.

    Args:
        text: ``KEY=VALUE``.
        keys: Returns the valid keys, for suggestions.

    Raises:
        ZooError: The text is invalid.
    """
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ZooError(f'--set takes KEY=VALUE, as in --set train.epochs=3, but got "{text}".')
    if key.strip() in ("method", "data", "train", "profile", "method.name", "data.name") or parts[0] not in SECTIONS:
        hint = _with_section(parts[-1], keys()) if parts[0] not in (*SECTIONS, "profile") else ""
        raise ZooError(
            f'--set cannot set "{key.strip()}"{hint or "."} It takes settings of method, data and train, as in '
            "--set train.epochs=3; method, dataset and profile are chosen by the command itself."
        )
    nested: Any = parse_yaml(value, f"the value of --set {key.strip()}")
    for part in reversed(parts):
        nested = {part: nested}
    return nested


def _with_section(leaf: str, keys: Sequence[str]) -> str:
    """The hint for a key without its section: the full key, or similar ones."""
    sections: dict[str, str] = {}
    for key in keys:
        section, _, last = key.rpartition(".")
        sections.setdefault(last, section)
    closest = next(iter(get_close_matches(leaf, sections, n=1)), None)
    if closest is None:
        return ""
    section = sections[closest]
    beside = [last for last, own in sections.items() if own == section]
    return nearest(leaf, [leaf] if leaf == closest else beside, prefix=f"{section}.")
