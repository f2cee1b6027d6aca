"""The tables of the bench: their rows, metrics and published numbers, read from ``tables.yaml`` and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from zoo import registries
from zoo.config.read import read_yaml
from zoo.config.values import Range, check_struct
from zoo.errors import ZooError, nearest

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
class Claim:
    """A sentence of the paper about the rows of a table, in one metric; it has exactly one of three forms.

    ``best``: this row is better than every other row (of a method; the row "data" takes no part). ``order``: these rows
    from better to worse, each at least ``percent`` better than the next. ``alike``: these rows lie within ``percent``
    of each other. Better is what the metric says, higher or lower; percents are of the smaller number.
    """

    text: str
    metric: str
    best: str | None = None
    order: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    percent: Annotated[float, Range(at_least=0)] = 0.0

    @property
    def rows(self) -> tuple[str, ...]:
        """The labels that it names."""
        return (*((self.best,) if self.best is not None else ()), *self.order, *self.alike)


@dataclass(frozen=True)
class Table:
    """``metrics`` are names that fix their protocol (see :func:`zoo.metrics.parse_metric`); in the file they may hold
    ``{samples}``, which :meth:`with_samples` fills in.

    ``root`` is the folder of the dataset below the folder of all (None: the dataset's name), ``data`` its settings. A
    table that is ``extra`` is not one of "all".
    """

    title: str
    dataset: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    root: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    extra: bool = False
    claims: tuple[Claim, ...] = ()

    def with_samples(self, samples: int) -> Table:
        """The table with the number of samples per mask in the names of its metrics."""
        claims = (replace(claim, metric=_filled(claim.metric, samples)) for claim in self.claims)
        return replace(self, metrics=tuple(_filled(m, samples) for m in self.metrics), claims=tuple(claims))


@dataclass(frozen=True)
class Evaluation:
    """What a profile evaluates with; ``samples`` is the number S of pictures per mask with random codes."""

    samples: Annotated[int, Range(at_least=2)]


@dataclass(frozen=True)
class Bench:
    """The content of a tables file: tables by name, and the evaluation of each profile."""

    profiles: dict[str, Evaluation]
    tables: dict[str, Table]

    def choose(self, names: Sequence[str], profile: str) -> dict[str, Table]:
        """The tables of these names, or all that are not extra for ``["all"]``, in the order of the file, with the
        profile's number of samples. Raises ZooError for other names or profiles.
        """
        samples = self.evaluation(profile).samples
        known = list(self.tables)
        names = [name.strip() for name in names]
        for name in names:
            if name not in (*known, "all"):
                hint = nearest(name, known) or ";"
                raise ZooError(f'There is no table "{name}"{hint} give --tables all, or some of {",".join(known)}.')
        if not names:
            raise ZooError(f"No table is chosen: give --tables all, or some of {','.join(known)}.")
        chosen = (name for name, table in self.tables.items() if name in names or ("all" in names and not table.extra))
        return {name: self.tables[name].with_samples(samples) for name in chosen}

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
    bench = outline(path)
    for name, table in bench.tables.items():
        _check(table, f"Table {name} in {path.name}")
    return bench


def outline(path: Path) -> Bench:
    """As :func:`read`, but only keys and types are checked, which is done at once: metrics would bring torch."""
    bench: Bench = check_struct(read_yaml(path), Bench, "", lambda key: str(path.name))
    return bench


def _check(table: Table, where: str) -> None:
    from zoo.metrics.metric import parse_metric

    for metric in table.metrics:
        parse_metric(_filled(metric, 2))
    for row in table.rows:
        if row.paper and len(row.paper) != len(table.metrics):
            raise ZooError(
                f'{where}: the row "{row.label}" has {len(row.paper)} published numbers for {len(table.metrics)} '
                "metrics: give one for each, or none."
            )
    labels = [row.label for row in table.rows]
    for claim in table.claims:
        forms = [form for form in ("best", "order", "alike") if getattr(claim, form)]
        if len(forms) != 1:
            raise ZooError(f'{where}: the claim "{claim.text}" needs one of best, order and alike, but has {forms}.')
        if claim.metric not in table.metrics:
            raise ZooError(f'{where}: the claim "{claim.text}" is about {claim.metric}, which the table does not have.')
        for label in claim.rows:
            if label not in labels:
                hint = nearest(label, labels) or "."
                raise ZooError(f'{where}: the claim "{claim.text}" names a row "{label}", which is not there{hint}')


def _filled(metric: str, samples: int) -> str:
    return metric.replace("{samples}", str(samples))


def describe(name: str, table: Table) -> dict[str, Any]:
    """Name, title, dataset, metrics and rows of a table, as `zoo list` shows them."""
    rows = [row.label for row in table.rows]
    return {
        "table": name,
        "about": table.title,
        "dataset": table.dataset,
        "metrics": list(table.metrics),
        "rows": rows,
    }


def settings_that_tell_rows_apart(tables: Mapping[str, Table], method: str) -> set[str]:
    """The settings of a method that any row sets: two runs of it that agree in them are the same row."""
    return {key for table in tables.values() for row in table.rows if row.method == method for key in row.settings}


for _name, _table in outline(TABLES).tables.items():
    registries.TABLES.register(_name)(partial(describe, _name, _table))
