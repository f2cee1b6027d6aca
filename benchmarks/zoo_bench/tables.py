"""The tables of the bench, a YAML file each: rows, metrics, published numbers, claims and figures.

Importing this module registers those of the bench; a plugin calls :func:`register` for its own, and
``zoo bench --tables-file`` takes further ones.
"""

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

_PACKAGE = Path(__file__).parent
TABLES = _PACKAGE / "tables" if (_PACKAGE / "tables").is_dir() else _PACKAGE.parent / "tables"
"""The tables that come with the bench: inside the package in a wheel, beside it in a checkout."""
FIGURES = ("reconstructions", "samples", "histograms", "layers", "codes", "worst")
"""The kinds of figures, see :data:`zoo_bench.report.figures.drawing.KINDS` (whose import takes seconds)."""


@dataclass(frozen=True)
class Row:
    """One row of a table: a method with its settings.

    ``paper`` holds the published number of each metric of the table; empty where nothing was published.
    """

    label: str
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    paper: tuple[float, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A sentence about the rows of a table in one metric; it has exactly one of three forms.

    ``best``: this row is better than every other row. ``order``: these rows from better to worse, each at least
    ``percent`` better than the next. ``alike``: these rows lie within ``percent`` of each other. The metric decides
    whether higher or lower is better; percents are of the smaller number.
    """

    text: str
    metric: str
    best: str | None = None
    order: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    percent: Annotated[float, Range(at_least=0)] = 0.0

    @property
    def rows(self) -> tuple[str, ...]:
        """The labels of the rows that it compares."""
        return (*((self.best,) if self.best is not None else ()), *self.order, *self.alike)


@dataclass(frozen=True)
class Table:
    """One table.

    ``metrics`` are full names (see :func:`zoo.metrics.parse_metric`), in which the file may write ``{samples}``:
    :meth:`with_samples` fills in ``samples`` per mask, or ``toy_samples`` in toy profiles. ``root`` is the dataset's
    folder below the folder of all datasets (None: the dataset's name), ``data`` its settings. ``source`` is the
    publication of the numbers, ``subject`` the name of the dataset in titles. ``figures`` maps each figure to draw
    (one of FIGURES) to its number in the publication, or None. An ``extra`` table does not belong to "all".
    """

    title: str
    dataset: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...] = ()
    figures: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(("samples", "histograms", "codes")))
    subject: str = ""
    source: str = ""
    root: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    extra: bool = False
    samples: Annotated[int, Range(at_least=2)] = 40
    toy_samples: Annotated[int, Range(at_least=2)] = 4

    def with_samples(self, *, toy: bool) -> Table:
        """The table with the number of samples per mask in the names of its metrics."""
        fill = partial(_filled, samples=self.toy_samples if toy else self.samples)
        claims = tuple(replace(claim, metric=fill(claim.metric)) for claim in self.claims)
        return replace(self, metrics=tuple(map(fill, self.metrics)), claims=claims)


def read(path: Path = TABLES, *, check: bool = True) -> dict[str, Table]:
    """The tables of a folder of YAML files, or of one file, by name (the stem of the file).

    Args:
        path: A folder or a file.
        check: Look metrics up, too, which loads torch. Without it only keys and types are checked.

    Raises:
        ZooError: For a file that does not describe a :class:`Table`; names the file and the key.
    """
    tables = {}
    for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
        tables[file.stem] = table = check_struct(read_yaml(file), Table, "", partial(_place, file))
        _check(table, f"The table in {file.name}")
    if check:
        require_metrics(tables)
    return tables


def require_metrics(tables: Mapping[str, Table]) -> None:
    """Raises ZooError for a table with a metric that does not exist."""
    from zoo.metrics import parse_metric  # loads torch

    for table in tables.values():
        for metric in table.metrics:
            parse_metric(_filled(metric, table.samples))


@dataclass(frozen=True)
class RegisteredTable:
    """A table under its name in :data:`zoo.registries.TABLES`."""

    name: str
    table: Table

    def __call__(self) -> dict[str, Any]:
        """Name, title, dataset, metrics and rows, as `zoo list` shows them."""
        rows = [row.label for row in self.table.rows]
        about = {"table": self.name, "about": self.table.title, "dataset": self.table.dataset}
        return {**about, "metrics": list(self.table.metrics), "rows": rows}


def register(path: Path) -> None:
    """Register the table of a YAML file, or those of a folder of them, under the names of the files without suffix.

    Raises:
        ZooError: As :func:`read`, and where another table has this name.
    """
    for name, table in read(path, check=False).items():
        registries.TABLES.register(name)(RegisteredTable(name, table))


def available(files: Sequence[Path] = ()) -> dict[str, Table]:
    """All registered tables, and those of some files, by name. Their metrics are not looked up.

    Raises:
        ZooError: As :func:`read`, and for a file that has the name of a registered table.
    """
    tables: dict[str, Table] = {name: registries.TABLES.get(name).table for name in registries.TABLES.names()}
    for path in files:
        found = read(path, check=False)
        for name in found.keys() & tables.keys():
            raise ZooError(
                f'There is a table "{name}" already, so {path} cannot bring one of this name: rename the file.'
            )
        tables |= found
    return tables


def choose(tables: Mapping[str, Table], names: Sequence[str], *, toy: bool) -> dict[str, Table]:
    """The tables of these names, or for ``["all"]`` those that are not extra, with their numbers of samples.

    Raises:
        ZooError: For an unknown name, and where no table is named.
    """
    names = [name.strip() for name in names]
    for name in names:
        if name not in (*tables, "all"):
            hint = nearest(name, list(tables)) or ";"
            raise ZooError(f'There is no table "{name}"{hint} give --tables all, or some of {",".join(tables)}.')
    if not names:
        raise ZooError(f"No table is chosen: give --tables all, or some of {','.join(tables)}.")
    chosen = {name: t for name, t in tables.items() if name in names or ("all" in names and not t.extra)}
    return {name: table.with_samples(toy=toy) for name, table in chosen.items()}


def _check(table: Table, where: str) -> None:
    labels = [row.label for row in table.rows]
    for label in labels:
        if labels.count(label) > 1 or label == "data":
            raise ZooError(f'{where} has two rows "{label}": rename one ("data" is the generator of stand-ins).')
    for row in table.rows:
        if row.paper and len(row.paper) != len(table.metrics):
            raise ZooError(
                f'{where}: the row "{row.label}" has {len(row.paper)} published numbers for {len(table.metrics)} '
                "metrics: give one for each, or none."
            )
    for figure in table.figures:
        if figure not in FIGURES:
            raise ZooError(f'{where} asks for a figure "{figure}"{nearest(figure, list(FIGURES)) or "."}')
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


def _place(file: Path, key: str) -> str:
    return file.name


def _filled(metric: str, samples: int) -> str:
    return metric.replace("{samples}", str(samples))


register(TABLES)
