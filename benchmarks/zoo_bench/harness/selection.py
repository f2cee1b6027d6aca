"""Selection of table rows by the patterns of ``--only``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from zoo.errors import ZooError, nearest
from zoo_bench.grid import Grid, RowCells
from zoo_bench.sources import DataGenerator
from zoo_bench.tables import Row, Table


def selected(grid: Grid, patterns: Sequence[str] = ()) -> dict[str, list[RowCells]]:
    """The rows that match one of the patterns, by table; all rows without patterns.

    Patterns are those of a shell (``*``, ``?``, ``[...]``), and case does not matter. They match the label of a row
    ("w/o class-wise"), the table and the label ("5/all"), the method ("clvae"), the method and its dataset ("clvae on
    gta5"), or the key of a cell ("clvae-gta5-0a1b*").

    Raises:
        ZooError: For a pattern that matches nothing.
    """
    rows = [(table, one) for table, rows in grid.rows.items() for one in rows]
    names = [_Names.of(table, grid.tables[table], one.row, one.cells) for table, one in rows]
    for pattern in patterns:
        if not any(own.match(pattern) for own in names):
            raise _no_match(pattern, names)
    chosen: dict[str, list[RowCells]] = {}
    for (table, one), own in zip(rows, names, strict=True):
        if not patterns or any(own.match(pattern) for pattern in patterns):
            chosen.setdefault(table, []).append(one)
    return chosen


def require_rows(tables: Mapping[str, Table], patterns: Sequence[str]) -> None:
    """Raises ZooError for a misspelt name in the patterns, before the grid is built, which takes seconds.

    Keys of cells are not known yet, so patterns that might be one (with a hyphen or a wildcard) are not checked here.
    """
    generator = Row(DataGenerator.name, DataGenerator.name)
    names = [_Names.of(name, table, row) for name, table in tables.items() for row in (*table.rows, generator)]
    for pattern in patterns:
        if not set("-*?[") & set(pattern) and not any(own.match(pattern) for own in names):
            raise _no_match(pattern, names)


@dataclass(frozen=True)
class _Names:
    """The names of a row that a pattern can match."""

    label: str
    in_table: str
    method: str
    on_dataset: str
    keys: tuple[str, ...]

    @classmethod
    def of(cls, name: str, table: Table, row: Row, keys: tuple[str, ...] = ()) -> _Names:
        return cls(row.label, f"{name}/{row.label}", row.method, f"{row.method} on {table.dataset}", keys)

    def match(self, pattern: str) -> bool:
        own = (self.label, self.in_table, self.method, self.on_dataset, *self.keys)
        # a label may contain a star itself
        return any(name.lower() == pattern.lower() or fnmatchcase(name.lower(), pattern.lower()) for name in own)


def _no_match(pattern: str, rows: Sequence[_Names]) -> ZooError:
    known = [row.label for row in rows] + [row.method for row in rows]
    if "/" in pattern:
        known += [row.in_table for row in rows]
    if " on " in pattern:
        known += [row.on_dataset for row in rows]
    hint = nearest(pattern.lower(), list(dict.fromkeys(name.lower() for name in known))) or "."
    labels = ", ".join(dict.fromkeys(row.label for row in rows))
    return ZooError(f'--only "{pattern}" fits no row{hint} The rows are {labels}.')
