"""Profiles: named presets, such as a quick test or the protocol of a paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.config import read
from zoo.config.read import Layer, display, read_layers
from zoo.errors import ZooError, nearest
from zoo.plugins import homes

KEYS = ("toy", "for")
"""Keys of a profile file in addition to the sections of a config."""


@dataclass(frozen=True)
class Profile:
    """A profile.

    Attributes:
        name: Its name, which ``when: {profile=NAME: ...}`` refers to: the file name without suffix.
        toy: Whether its results are meaningless. Only toy profiles may use random feature networks.
        description: Its purpose, in one sentence.
    """

    name: str
    toy: bool
    description: str


def profiles() -> list[str]:
    """Names of the profiles of the zoo and of all plugins, sorted."""
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.yaml")})


def profile(name: str) -> Profile:
    """A profile by its name, or by the path of its YAML file.

    Raises:
        ZooError: There is no such profile, or its file has an invalid value.
    """
    return load_profile(name)[0]


def known_profile(name: str | None) -> str | None:
    """The name of a checkpoint's profile, or None if it does not exist on this machine."""
    try:
        if name is not None:
            profile(name)
    except ZooError:
        return None
    return name


def is_toy(name: str | None) -> bool:
    """Whether a profile is a toy profile; False for None and if it does not exist on this machine."""
    known = known_profile(name)
    return known is not None and profile(known).toy


def load_profile(name: str) -> tuple[Profile, list[Layer]]:
    """A profile and its layers, see :func:`profile` and :func:`read_layers`."""
    path = _file(name)
    layers = read_layers(path, extra=KEYS)
    toys = [layer.extra["toy"] for layer in layers if "toy" in layer.extra]
    toy, description = toys[-1] if toys else False, layers[-1].extra.get("for", "")
    if not isinstance(toy, bool):
        raise ZooError(f"toy in {display(path)} must be true or false, but is {toy!r}.")
    if not isinstance(description, str):
        raise ZooError(f"for in {display(path)} must be a text, but is {description!r}.")
    return Profile(path.stem, toy, description), layers


def _file(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    for folder in _folders():
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    hint = nearest(name, profiles()) or "."
    raise ZooError(f'There is no profile "{name}"{hint} Known: {", ".join(profiles())}, or the path of a YAML file.')


def _folders() -> Iterator[Path]:
    """The folders with profiles; plugins cannot override profiles of the zoo."""
    yield read.CONFIGS / "profiles"
    for home in homes():
        yield home / "configs" / "profiles"
