"""Validation of plain YAML values against type annotations, with errors that name the key and its file.

Supported types: int, float, bool, str, Path, Any, None, Literal, unions, list, tuple, dict with text keys, dataclasses
and TypedDicts, and ``Annotated[..., Range(...)]``.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from zoo.errors import ZooError, nearest

Where = Callable[[str], str]
"""Returns the origin of a dotted key: a file, or ``--set``."""

REQUIRED: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Range:
    """Bounds of a number, as in ``Annotated[int, Range(at_least=1)]``; ``above`` and ``below`` are exclusive."""

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, number: float) -> bool:
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.at_most is None or number <= self.at_most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def __str__(self) -> str:
        bounds = {f.name.replace("_", " "): getattr(self, f.name) for f in dataclasses.fields(self)}
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)


@dataclass(frozen=True)
class Setting:
    """Type and default of a key; the default :data:`REQUIRED` means that there is none."""

    annotation: Any
    default: Any = REQUIRED


class _MismatchError(Exception):
    """The value has the wrong type; the caller adds the key to the message."""


def keywords(cls: type) -> dict[str, Setting]:
    """The keywords of a class's constructor; ``**settings`` is replaced by those of its base class.

    Raises:
        ZooError: An annotation names something that does not exist at run time.
    """
    found: dict[str, Setting] = {}
    for base in cls.__mro__:
        init = base.__dict__.get("__init__")
        if init is None:
            continue
        found = found | {name: setting for name, setting in parameters(init).items() if name not in found}
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(init).parameters.values()):
            break
    found.pop("self", None)
    return found


def parameters(function: Callable[..., Any]) -> dict[str, Setting]:
    """The named parameters of a function, with their types and defaults.

    Raises:
        ZooError: An annotation names something that does not exist at run time.
    """
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        owner = f"{function.__module__}.{function.__qualname__.removesuffix('.__init__')}"
        raise ZooError(
            f"The types of {owner} cannot be read ({error}): import them outside of TYPE_CHECKING."
        ) from error
    return {
        p.name: Setting(hints.get(p.name, Any), p.default)
        for p in inspect.signature(function).parameters.values()
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
    }


def fields(struct: type) -> dict[str, Setting]:
    """The keys of a dataclass or TypedDict."""
    hints = get_type_hints(struct, include_extras=True)
    if typing.is_typeddict(struct):
        required = struct.__required_keys__  # type: ignore[attr-defined]
        return {name: Setting(hint, REQUIRED if name in required else None) for name, hint in hints.items()}
    found = {}
    for field in dataclasses.fields(struct):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        found[field.name] = Setting(hints[field.name], REQUIRED if default is dataclasses.MISSING else default)
    return found


def check_struct(value: Mapping[str, Any], struct: type, key: str, where: Where) -> Any:
    """Convert a mapping to a dataclass or TypedDict. Raises ZooError as :func:`check_mapping`."""
    given = check_mapping(value, fields(struct), key, where)
    return {k: given[k] for k in value} if typing.is_typeddict(struct) else struct(**given)


def check_mapping(value: Mapping[str, Any], settings: Mapping[str, Setting], key: str, where: Where) -> dict[str, Any]:
    """Validate all settings and fill in defaults. ``key`` is the dotted name of the mapping.

    Raises ZooError for an unknown key (with the nearest valid one), a missing one, and a value of the wrong type.
    """
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in settings:
            raise ZooError(unknown(f"{prefix}{name}", [f"{prefix}{valid}" for valid in settings], where))
    checked = {}
    for name, setting in settings.items():
        if name in value:
            checked[name] = check(value[name], setting.annotation, prefix + name, where)
        elif setting.default is REQUIRED:
            raise ZooError(
                f"{prefix}{name} is not set and has no default: give {describe(setting.annotation)} in a config, "
                f"or with --set {prefix}{name}=VALUE."
            )
        else:
            checked[name] = setting.default
    return checked


def unknown(key: str, valid: Sequence[str], where: Where) -> str:
    """The error message for an unknown key, with the nearest valid keys, or else all of them."""
    prefix, _, leaf = key.rpartition(".")
    dot = f"{prefix}." if prefix else ""
    # compare without the section, which all keys share
    hint = nearest(leaf, [v.removeprefix(dot) for v in valid], prefix=dot)
    return f'Unknown key "{key}" in {where(key)}{hint or "; valid keys: " + ", ".join(valid) + "."}'


def check(value: Any, annotation: Any, key: str, where: Where) -> Any:
    """Validate a value and convert it to its annotation (a list to a tuple, an int to a float)."""
    try:
        return _convert(value, annotation, key, where)
    except _MismatchError:
        options = [str(option) for option in _options(annotation)]
        hint = nearest(value, options) if isinstance(value, str) else ""
        raise ZooError(
            f"{key} must be {describe(annotation)}, but {where(key)} sets it to {_show(value)}{hint or '.'}"
        ) from None


def _convert(value: Any, annotation: Any, key: str, where: Where) -> Any:
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation in (Any, object):
        return value
    if annotation is None or annotation is types.NoneType:
        return _require(value is None, value)
    if origin is Annotated:
        converted = _convert(value, args[0], key, where)
        ranges = [r for r in args[1:] if isinstance(r, Range)]
        return _require(converted is None or all(converted in r for r in ranges), converted)
    if origin is Literal:
        return _require(any(value == option and type(value) is type(option) for option in args), value)
    if origin in (Union, types.UnionType):
        for option in args:
            try:
                return _convert(value, option, key, where)
            except _MismatchError:
                continue
        raise _MismatchError
    if annotation is float:
        return _number(value)
    if annotation is Path:
        return Path(_require(isinstance(value, str | Path), value))
    if annotation in (bool, str):
        return _require(isinstance(value, annotation), value)
    if annotation is int:
        return _require(isinstance(value, int) and not isinstance(value, bool), value)
    if dataclasses.is_dataclass(annotation) and type(value) is annotation:
        return value
    if typing.is_typeddict(annotation) or dataclasses.is_dataclass(annotation):
        return check_struct(_require(isinstance(value, Mapping), value), annotation, key, where)
    return _container(value, origin or annotation, args, key, where)


def _container(value: Any, kind: Any, args: tuple[Any, ...], key: str, where: Where) -> Any:
    if kind in (dict, Mapping):
        inner = args[1] if args else Any
        return {
            str(k): check(v, inner, f"{key}.{k}", where) for k, v in _require(isinstance(value, Mapping), value).items()
        }
    if kind not in (list, tuple, Sequence):
        raise ZooError(f"{key} cannot be set from a config: its type is {kind!r}.")
    items = _require(isinstance(value, list | tuple), value)
    fixed = kind is tuple and bool(args) and Ellipsis not in args
    _require(not fixed or len(items) == len(args), value)
    inners = args if fixed else (args[0] if args else Any,) * len(items)
    converted = [_convert(item, inner, key, where) for item, inner in zip(items, inners, strict=True)]
    return converted if kind is list else tuple(converted)


def _require(fits: bool, value: Any) -> Any:
    if not fits:
        raise _MismatchError
    return value


def _number(value: Any) -> float:
    # YAML 1.1 reads 1e-4 (no dot) as text
    if isinstance(value, str) and "e" in value.lower():
        try:
            value = float(value)
        except ValueError:
            raise _MismatchError from None
    _require(isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value), value)
    return float(value)


def _options(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return [option for arg in get_args(annotation) for option in _options(arg)]
    return []


_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    types.NoneType: "null",
    None: "null",
}


def describe(annotation: Any) -> str:
    """Description of a type: ``int | None`` is "a whole number or null"."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        ranges = [f" ({r})" for r in args[1:] if isinstance(r, Range)]
        return describe(args[0]) + "".join(ranges)
    if origin is Literal:
        return ("one of " if len(args) > 1 else "") + ", ".join(map(_show, args))
    if origin in (Union, types.UnionType):
        return " or ".join(describe(option) for option in args)
    kind = origin or annotation
    if kind is tuple and args and Ellipsis not in args:
        return f"a list of {len(args)} values ({', '.join(describe(a) for a in args)})"
    if kind in (list, tuple, Sequence):
        return "a list" + (f" (each {describe(args[0])})" if args else "")
    if kind in (dict, Mapping) or typing.is_typeddict(kind) or dataclasses.is_dataclass(kind):
        return "a mapping" + ("" if kind in (dict, Mapping) else f" with the keys {', '.join(fields(kind))}")
    return _WORDS.get(kind, "a value")


def _show(value: Any) -> str:
    if isinstance(value, str | Path):
        return f'"{value}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(list(value) if isinstance(value, tuple) else value)
