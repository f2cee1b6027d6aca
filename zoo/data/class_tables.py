"""Names and colours of a dataset's classes, indexed by label id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.errors import ZooError, nearest
from zoo.registries import DATASETS
from zoo.visual import distinct_colours

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


@dataclass(frozen=True)
class ClassTable:
    """One name and one colour per class."""

    names: tuple[str, ...]
    colours: tuple[Colour, ...]

    def __len__(self) -> int:
        return len(self.names)

    def ids(self, words: str | Sequence[str]) -> tuple[int, ...]:
        """Ids of classes given by name or id, in ascending order: "sky,road" or ["sky", "6"].

        Case, spaces, hyphens and underscores are ignored.

        Raises:
            ZooError: A word is neither; the message suggests similar names.
        """
        words = words.split(",") if isinstance(words, str) else words
        found = {self._id(word.strip()) for word in words if word.strip()}
        if not found:
            raise ZooError("No class is named: give names or ids such as sky,road or 3,7.")
        return tuple(sorted(found))

    def _id(self, word: str) -> int:
        if word.isdecimal():
            if int(word) < len(self):
                return int(word)
            raise ZooError(f"There is no class {word}: ids go from 0 to {len(self) - 1}.")
        plain = {_plain(name): index for index, name in reversed(list(enumerate(self.names)))}
        if _plain(word) in plain:
            return plain[_plain(word)]
        hint = nearest(word.lower(), list(self.names)) or f": the classes are {self.listed(range(len(self)))}."
        raise ZooError(f'There is no class "{word}"{hint}')

    def listed(self, ids: Sequence[int] | range) -> str:
        """Names for use in a message, truncated if there are many."""
        shown = ", ".join(self.names[i] for i in ids[:20])
        return shown + (f" and {len(ids) - 20} more" if len(ids) > 20 else "")


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def class_table(data: Mapping[str, Any]) -> ClassTable:
    """The classes of the ``data`` section of a config.

    If the dataset has class names, and as many classes as the config, these are used; otherwise ``data.class_names`` or
    "class 0", "class 1" ..., with :func:`zoo.visual.distinct_colours`.
    """
    classes, name = data["classes"], data.get("name")
    own = _table_of(DATASETS.get(name)) if isinstance(name, str) and name in DATASETS else None
    if own is not None and len(own) == classes:
        return own
    return _coloured(tuple(data.get("class_names") or ()) or tuple(f"class {i}" for i in range(classes)))


def class_tables() -> dict[str, ClassTable]:
    """The classes of every registered dataset with class names."""
    tables = {name: _table_of(DATASETS.get(name)) for name in DATASETS.names()}
    return {name: table for name, table in tables.items() if table is not None}


def dataset_table(name: str, classes: int) -> ClassTable:
    """The classes of a registered dataset, for a model with ``classes`` classes.

    Raises:
        ZooError: There is no dataset of this name with class names, or it has another number of classes.
    """
    tables = class_tables()
    if name not in tables:
        raise ZooError(
            f'There is no class table "{name}"{nearest(name, list(tables)) or "."} Known: {", ".join(tables)}.'
        )
    if len(tables[name]) != classes:
        raise ZooError(
            f"The class table {name} names {len(tables[name])} classes, but the checkpoint has {classes}: give the "
            "table of its dataset."
        )
    return tables[name]


def _table_of(dataset: type) -> ClassTable | None:
    names = tuple(getattr(dataset, "class_names", ()))
    colours = tuple(getattr(dataset, "colours", ()))
    if not names:
        return None
    return ClassTable(names, colours) if len(colours) == len(names) else _coloured(names)


def _coloured(names: tuple[str, ...]) -> ClassTable:
    return ClassTable(names, tuple((r, g, b) for r, g, b in distinct_colours(len(names)).tolist()))
