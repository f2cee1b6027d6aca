"""The names and colours of a dataset's classes, indexed by label id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.data import class_names, palettes
from zoo.data.palettes import Colour
from zoo.errors import ZooError, nearest
from zoo.visual import distinct_colours


@dataclass(frozen=True)
class ClassTable:
    """names and colours: one of each per class."""

    names: tuple[str, ...]
    colours: tuple[Colour, ...]

    def __len__(self) -> int:
        return len(self.names)

    def ids(self, words: str | Sequence[str]) -> tuple[int, ...]:
        """Ids of classes named by name or id, in ascending order: "sky,road" or ["sky", "6"].

        Upper case, spaces, hyphens and underscores do not matter. Raises ZooError for a word that is neither, with near
        misses.
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
        """Names for a sentence; of many only the first."""
        shown = ", ".join(self.names[i] for i in ids[:20])
        return shown + (f" and {len(ids) - 20} more" if len(ids) > 20 else "")


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


# Where a dataset has fewer colours than classes, the rest is black (GTA-5's "other").
TABLES: Mapping[str, ClassTable] = {
    "ade20k": ClassTable(class_names.ADE20K_CLASS_NAMES, palettes.ADE20K_COLOURS),
    "deepfashion": ClassTable(class_names.DEEPFASHION_CLASS_NAMES, palettes.DEEPFASHION_COLOURS),
    "gta5": ClassTable(class_names.GTA5_CLASS_NAMES, (*palettes.CITYSCAPES_COLOURS, (0, 0, 0))),
    "celebamask": ClassTable(class_names.CELEBAMASK_CLASS_NAMES, palettes.CELEBAMASK_COLOURS),
}
"""The tables that ship with the zoo."""


def class_table(data: Mapping[str, Any]) -> ClassTable:
    """The classes of the ``data`` section of a config.

    Those of the dataset where it has a table; else its ``class_names``, or "class 0", "class 1" ..., in
    :func:`zoo.visual.distinct_colours`.
    """
    classes, known = data["classes"], TABLES.get(data.get("name") or "")
    if known is not None and len(known) == classes:
        return known
    names = tuple(data.get("class_names") or ()) or tuple(f"class {i}" for i in range(classes))
    return ClassTable(names, tuple((r, g, b) for r, g, b in distinct_colours(classes).tolist()))


def shipped_table(name: str, classes: int) -> ClassTable:
    """A table that ships with the zoo. Raises ZooError for another name, or another number of classes."""
    if name not in TABLES:
        raise ZooError(
            f'There is no class table "{name}"{nearest(name, list(TABLES)) or "."} Known: {", ".join(TABLES)}.'
        )
    if len(TABLES[name]) != classes:
        raise ZooError(
            f"The class table {name} names {len(TABLES[name])} classes, but the checkpoint has {classes}: give the "
            "table of its dataset."
        )
    return TABLES[name]
