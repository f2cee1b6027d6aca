"""Safe and strict reading of YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from zoo.config.values import Where, unknown
from zoo.errors import ZooError

_PACKAGE = Path(__file__).resolve().parents[1]
CONFIGS = _PACKAGE / "configs" if (_PACKAGE / "configs").is_dir() else _PACKAGE.parent / "configs"
"""The zoo's own configs: inside the package in a wheel, next to it in a checkout."""

SECTIONS = ("method", "data", "train")


@dataclass(frozen=True)
class Layer:
    """One file's part of a config.

    Attributes:
        origin: The file, for messages.
        content: Its sections.
        when: Its ``when`` blocks by condition (``data=gta5,profile=smoke``).
        extra: Further keys that this kind of file may have.
    """

    origin: str
    content: dict[str, Any]
    when: dict[str, dict[str, Any]]
    extra: dict[str, Any] = field(default_factory=dict)


def read_layers(path: Path, opened: tuple[Path, ...] = (), extra: tuple[str, ...] = ()) -> list[Layer]:
    """Read a file and its ``_base_`` files, in order of increasing precedence.

    Args:
        path: The YAML file. Its ``_base_`` is a path or a list of paths, relative to the file.
        opened: The files that inherit from this one.
        extra: Keys that the file may have beside its sections.

    Raises:
        ZooError: A base is missing or circular, or a section does not exist.
    """
    path = path.resolve()
    content = read_yaml(path)
    bases = content.pop("_base_", [])
    bases = [bases] if isinstance(bases, str) else bases
    if not (isinstance(bases, list) and all(isinstance(base, str) for base in bases)):
        raise ZooError(f"_base_ in {display(path)} must be a path or a list of paths, but is {bases!r}.")
    layers = []
    for base in bases:
        file = (path.parent / base).resolve()
        if file in (*opened, path):
            raise ZooError(
                f"_base_ in {display(path)} names {base}, which is based on this file itself: remove one of the two."
            )
        if not file.is_file():
            raise ZooError(f"_base_ in {display(path)} names {base}, but there is no file {display(file)}.")
        layers += read_layers(file, (*opened, path), extra)
    when = content.pop("when", {})
    if not isinstance(when, dict) or not all(isinstance(block, dict) for block in when.values()):
        raise ZooError(f'"when" in {display(path)} must map conditions like data=gta5 to sections.')
    more = {key: content.pop(key) for key in extra if key in content}
    for block in (content, *when.values()):
        check_sections(block, lambda key: display(path))
    return [*layers, Layer(display(path), content, {str(key): block for key, block in when.items()}, more)]


def check_sections(content: Mapping[str, Any], where: Where) -> None:
    """Raises ZooError for a section that does not exist, or that is not a mapping."""
    for name, section in content.items():
        if name not in SECTIONS:
            raise ZooError(unknown(str(name), SECTIONS, where))
        if not isinstance(section, Mapping):
            raise ZooError(f"The section {name} in {where(name)} must be a mapping, but is {section!r}.")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file with a mapping (or nothing). Raises ZooError for other content, and for duplicate keys."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(f"The config {display(path)} cannot be read: {_line(error)}.") from error
    content = parse_yaml(text, display(path))
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ZooError(f"{display(path)} must contain a mapping, but contains {type(content).__name__}.")
    return content


def parse_yaml(text: str, origin: str) -> Any:
    """Parse YAML; ``origin`` is used in errors. Raises ZooError for duplicate keys and for aliases."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _strict(node, origin, set())
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ZooError(f"{origin} is not valid YAML: {_line(error)}.") from error


def _strict(node: yaml.Node, origin: str, seen: set[int]) -> None:
    if id(node) in seen:
        line = node.start_mark.line + 1
        raise ZooError(f"{origin} repeats the value of line {line} through an alias (*): write it out, or use _base_.")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ZooError(f"{origin} has a key in line {line} that is not a word: use plain words as keys.")
            if key.value in lines:
                raise ZooError(
                    f'{origin} gives the key "{key.value}" twice, in lines {lines[key.value]} and {line}: remove one.'
                )
            lines[key.value] = line
            _strict(value, origin, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _strict(value, origin, seen)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def display(path: Path) -> str:
    """A path for messages: ``configs/...`` for the zoo's own, relative if inside the current directory."""
    for root, shown in ((CONFIGS, CONFIGS.name), (Path.cwd(), "")):
        if path.is_relative_to(root):
            return (Path(shown) / path.relative_to(root)).as_posix()
    return str(path)
