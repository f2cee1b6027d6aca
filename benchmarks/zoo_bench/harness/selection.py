"""Which rows of the tables a command speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from zoo.errors import ZooError, nearest
from zoo_bench.grid import DATA, KEY_DIGITS, Grid, Place
from zoo_bench.tables import Row, Table


def selected(grid: Grid, patterns: Sequence[str] = ()) -> dict[str, list[Place]]:
    """The rows that one of the patterns fits, by table; all of them where there is no pattern.

    Patterns are those of a shell (``*``, ``?``, ``[...]``), and case does not matter. One may speak of the label of a
    row ("w/o class-wise"), the table and the label ("5/all"), the method ("clvae"), the method and its dataset ("clvae
    on gta5"), or the key of a cell ("clvae-gta5-0a1b*"). Raises ZooError for a pattern that fits nothing.
    """
    rows = [(table, place) for table, places in grid.places.items() for place in places]
    names = [_Names.of(table, grid.tables[table], place.row, place.cells) for table, place in rows]
    for pattern in patterns:
        if not any(own.fit(pattern) for own in names):
            raise _fits_nothing(pattern, names)
    chosen: dict[str, list[Place]] = {}
    for (table, place), own in zip(rows, names, strict=True):
        if not patterns or any(own.fit(pattern) for pattern in patterns):
            chosen.setdefault(table, []).append(place)
    return chosen


def require_rows(tables: Mapping[str, Table], patterns: Sequence[str]) -> None:
    """Raises ZooError for a pattern that will fit nothing in the grid of these tables.

    That takes a moment, where laying out the grid takes datasets and methods. Keys are not known yet, so a pattern that
    could fit one is let through.
    """
    rows = [(name, table, row) for name, table in tables.items() for row in (*table.rows, Row(DATA, DATA))]
    names = [_Names.of(*row) for row in rows]
    keys = {(*f"{row.method}-{table.dataset}-", *["0123456789abcdef"] * KEY_DIGITS) for _, table, row in rows}
    for pattern in patterns:
        tokens = tuple(re.findall(r"\*|\[!?\]?[^]]*\]|.", pattern.lower(), re.DOTALL))
        if not any(own.fit(pattern) for own in names) and not any(_could_fit(tokens, key) for key in keys):
            raise _fits_nothing(pattern, names)


@dataclass(frozen=True)
class _Names:
    """What a pattern may call a row."""

    label: str
    placed: str
    method: str
    title: str
    keys: tuple[str, ...]

    @classmethod
    def of(cls, name: str, table: Table, row: Row, keys: tuple[str, ...] = ()) -> _Names:
        return cls(row.label, f"{name}/{row.label}", row.method, f"{row.method} on {table.dataset}", keys)

    def fit(self, pattern: str) -> bool:
        own = (self.label, self.placed, self.method, self.title, *self.keys)
        # a label may hold a star itself
        return any(name.lower() == pattern.lower() or fnmatchcase(name.lower(), pattern.lower()) for name in own)


@cache
def _could_fit(tokens: tuple[str, ...], text: tuple[str, ...]) -> bool:
    """Whether a pattern, token by token, fits some text of which only the choices for every character are known."""
    if not tokens:
        return not text
    if tokens[0] == "*":
        return _could_fit(tokens[1:], text) or (bool(text) and _could_fit(tokens, text[1:]))
    fits = bool(text) and any(fnmatchcase(character, tokens[0]) for character in text[0])
    return fits and _could_fit(tokens[1:], text[1:])


def _fits_nothing(pattern: str, rows: Sequence[_Names]) -> ZooError:
    known = [row.label for row in rows] + [row.method for row in rows]
    if "/" in pattern:
        known += [row.placed for row in rows]
    if " on " in pattern:
        known += [row.title for row in rows]
    hint = nearest(pattern.lower(), list(dict.fromkeys(name.lower() for name in known))) or "."
    labels = ", ".join(dict.fromkeys(row.label for row in rows))
    return ZooError(f'--only "{pattern}" fits no row{hint} The rows are {labels}.')
