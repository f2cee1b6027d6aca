"""Which rows of the tables a command speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from benchmarks.grid import Grid, Place
from zoo.errors import ZooError, nearest


def selected(grid: Grid, patterns: Sequence[str] = ()) -> dict[str, list[Place]]:
    """The rows that one of the patterns fits, by table; all of them where there is no pattern.

    Patterns are those of a shell (``*``, ``?``, ``[...]``), and case does not matter. One may speak of the label of a
    row ("w/o class-wise"), the table and the label ("5/all"), the method ("clvae"), the method and its dataset ("clvae
    on gta5"), or the key of a cell ("clvae-gta5-0a1b*"). Raises ZooError for a pattern that fits nothing.
    """
    names = {
        (table, number): _names(table, place, grid)
        for table, places in grid.places.items()
        for number, place in enumerate(places)
    }
    for pattern in patterns:
        if not any(_fits(own, [pattern]) for own in names.values()):
            rows = [place.row for places in grid.places.values() for place in places]
            labels = list(dict.fromkeys(row.label for row in rows))
            hint = nearest(pattern, list(dict.fromkeys([*labels, *(row.method for row in rows)]))) or "."
            raise ZooError(f'--only "{pattern}" fits no row{hint} The rows are {", ".join(labels)}.')
    chosen = {
        table: [place for n, place in enumerate(places) if not patterns or _fits(names[table, n], patterns)]
        for table, places in grid.places.items()
    }
    return {table: places for table, places in chosen.items() if places}


def _names(table: str, place: Place, grid: Grid) -> list[str]:
    row = place.row
    title = f"{row.method} on {grid.tables[table].dataset}"
    return [row.label, f"{table}/{row.label}", row.method, title, *place.cells]


def _fits(names: Sequence[str], patterns: Sequence[str]) -> bool:
    # a label may hold a star itself
    return any(
        name.lower() == pattern.lower() or fnmatchcase(name.lower(), pattern.lower())
        for name in names
        for pattern in patterns
    )
