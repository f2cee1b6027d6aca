"""The resolved config, which is stored in run folders and checkpoints."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from zoo.config.read import check_sections
from zoo.config.schema import TrainConfig, data_settings, method_settings
from zoo.config.values import Setting, Where, check_mapping, check_struct
from zoo.errors import ZooError
from zoo.plugins import unreported
from zoo.registries import DATASETS, METHODS

SHAPE_KEYS = ("name", "root", "size", "classes", "standin")
"""Keys of ``data`` common to all datasets; all others are keywords of the dataset's class."""


@dataclass(frozen=True)
class Config:
    """A validated config with all defaults filled in.

    Attributes:
        method: ``name`` and the keywords of the method's constructor.
        data: ``name``, ``root`` (Path), ``size`` (H, W), ``classes``, ``standin``, and the keywords of the dataset's
            constructor.
        train: See :class:`TrainConfig`.
        profile: Its name or path, or None.
        origins: The file or option that set each dotted key.
    """

    method: dict[str, Any]
    data: dict[str, Any]
    train: TrainConfig
    profile: str | None
    origins: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def settings(self) -> dict[str, Any]:
        """The keywords of the method's constructor, ``classes`` and ``size`` included."""
        own = {key: value for key, value in self.method.items() if key != "name"}
        return own | {"classes": self.data["classes"], "size": self.data["size"]}

    @property
    def dataset_settings(self) -> dict[str, Any]:
        """The keywords of the dataset's constructor other than root, split, size and classes."""
        return {key: value for key, value in self.data.items() if key not in SHAPE_KEYS}

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values, as in YAML, JSON and checkpoints."""
        plain: dict[str, Any] = _plain(
            {"method": self.method, "data": self.data, "train": self.train, "profile": self.profile}
        )
        return plain

    def to_yaml(self) -> str:
        """The config as YAML, as in ``config.yaml`` of a run."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None, allow_unicode=True)

    def annotated(self) -> str:
        """The config as YAML, with the origin of every value as a comment."""
        content = self.to_dict()
        profile = content.pop("profile")
        return "".join([f"# profile: {profile or 'none'}\n", *_annotated(content, self.origins, "", "")])

    def hash(self) -> str:
        """Hash of all values, as twelve hexadecimal digits."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], origin: str) -> Config:
        """Validate a config written by :meth:`to_dict` or :meth:`to_yaml`; ``origin`` is its file, for errors.

        The dataset may be unknown, since the plugin of a checkpoint's dataset may be missing; its settings are then not
        checked. Raises ZooError for a method whose plugin is missing, and as :func:`zoo.config.resolve`.
        """
        _require_plugin(content, origin)
        return checked(content, lambda key: origin)


def _require_plugin(content: Mapping[str, Any], origin: str) -> None:
    """Check that the method of a saved config is installed; the name cannot be misspelt here."""
    method = content.get("method")
    name = method.get("name") if isinstance(method, Mapping) else None
    if isinstance(name, str) and name not in METHODS:
        sentence = (
            f'{origin} uses the method "{name}", which no installed plugin provides: install its package, or add '
            "--plugin FILE (in Python: zoo.plugins.load_plugins([FILE]))"
        )
        raise ZooError("; ".join([sentence, *unreported()]) + ".")


def checked(content: Mapping[str, Any], where: Where, origins: Mapping[str, str] | None = None) -> Config:
    """Validate the sections of a merged config and fill in defaults. Raises ZooError for invalid values."""
    content = dict(content)
    profile = content.pop("profile", None)
    if not isinstance(profile, str | None):
        raise ZooError(f"profile must be the name of a profile or null, but {where('profile')} sets it to {profile!r}.")
    check_sections(content, where)
    method = dict(content.get("method", {}))
    data = dict(content.get("data", {}))
    if not isinstance(method.get("name"), str):
        raise ZooError(f"method.name must name a method, but {where('method.name')} sets it to {method.get('name')!r}.")
    allowed = {"name": Setting(str), **method_settings(METHODS.get(method["name"]))}
    return Config(
        method=check_mapping(method, allowed, "method", where),
        data=_checked_data(data, where),
        train=check_struct(content.get("train", {}), TrainConfig, "train", where),
        profile=profile,
        origins=dict(origins or {}),
    )


def _checked_data(data: dict[str, Any], where: Where) -> dict[str, Any]:
    name = data.get("name")
    if isinstance(name, str) and name in DATASETS:
        return check_mapping(data, data_settings(DATASETS.get(name)), "data", where)
    common = {key: value for key, value in data.items() if key in SHAPE_KEYS}
    return data | check_mapping(common, data_settings(None), "data", where)


def _annotated(content: Mapping[str, Any], origins: Mapping[str, str], prefix: str, indent: str) -> Iterator[str]:
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield f"{indent}{name}:\n"
            yield from _annotated(value, origins, f"{key}.", indent + "  ")
        else:
            text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=math.inf)
            line = f"{indent}{name}: {text.removesuffix('...' + chr(10)).strip()}"
            yield f"{line:<40}  # {origins.get(key, 'default')}\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
