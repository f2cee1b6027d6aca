"""The tables of the bench: their rows, metrics and published numbers, read from ``tables.yaml`` and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from zoo.config.read import read_yaml
from zoo.config.values import Range, check_struct
from zoo.errors import ZooError, nearest
from zoo.registry import METRICS

TABLES = Path(__file__).with_name("tables.yaml")


@dataclass(frozen=True)
class Row:
    """One line of a table: a method with its settings, and the published number of each metric of the table.

    ``paper`` is empty where nothing was published.
    """

    label: str
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    paper: tuple[float, ...] = ()


@dataclass(frozen=True)
class Table:
    """``codes`` says which codes its pictures are made of: those of the ground truth, or random ones.

    ``metrics`` are names of :data:`zoo.registry.METRICS`, which fix the rest of the protocol.
    """

    title: str
    dataset: str
    codes: Literal["encoded", "random"]
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Evaluation:
    """What a profile evaluates with; ``samples`` is the number S of pictures per mask with random codes."""

    samples: Annotated[int, Range(at_least=2)]


@dataclass(frozen=True)
class Bench:
    """The content of a tables file: tables by name, and the evaluation of each profile."""

    profiles: dict[str, Evaluation]
    tables: dict[str, Table]

    def choose(self, names: Sequence[str]) -> dict[str, Table]:
        """The tables of these names, or all for ``["all"]``, in the order of the file. Raises ZooError for others."""
        known = list(self.tables)
        names = [name.strip() for name in names]
        for name in names:
            if name not in (*known, "all"):
                hint = nearest(name, known) or ";"
                raise ZooError(f'There is no table "{name}"{hint} give --tables all, or some of {",".join(known)}.')
        if not names:
            raise ZooError(f"No table is chosen: give --tables all, or some of {','.join(known)}.")
        return {name: table for name, table in self.tables.items() if name in names or "all" in names}

    def evaluation(self, profile: str) -> Evaluation:
        """Raises ZooError for a profile that the file does not know."""
        if profile not in self.profiles:
            known = list(self.profiles)
            raise ZooError(
                f'The bench has no profile "{profile}"{nearest(profile, known) or "."} Known: {", ".join(known)}.'
            )
        return self.profiles[profile]


def read(path: Path = TABLES) -> Bench:
    """Read a tables file. Raises ZooError naming the key where it is not what :class:`Bench` describes."""
    bench: Bench = check_struct(read_yaml(path), Bench, "", lambda key: str(path.name))
    for name, table in bench.tables.items():
        for metric in table.metrics:
            codes = METRICS.get(metric).codes
            if codes != table.codes:
                raise ZooError(f"Table {name} in {path.name} is about {table.codes} codes, but {metric} takes {codes}.")
        for row in table.rows:
            if row.paper and len(row.paper) != len(table.metrics):
                raise ZooError(
                    f'The row "{row.label}" of table {name} in {path.name} has {len(row.paper)} published numbers for '
                    f"{len(table.metrics)} metrics: give one for each, or none."
                )
    return bench


def table_rows() -> list[dict[str, Any]]:
    """Name, subject, dataset, metrics and rows of every table that the bench knows."""
    return [
        {
            "table": name,
            "about": table.title,
            "dataset": table.dataset,
            "metrics": list(table.metrics),
            "rows": [row.label for row in table.rows],
        }
        for name, table in read().tables.items()
    ]


def settings_that_tell_rows_apart(tables: Mapping[str, Table], method: str) -> set[str]:
    """The settings of a method that any row sets: two runs of it that agree in them are the same row."""
    return {key for table in tables.values() for row in table.rows if row.method == method for key in row.settings}
