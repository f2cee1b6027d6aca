"""The results of a bench as one long DataFrame; every table of the report is a pivot of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from zoo.errors import ZooError
from zoo.metrics import parse_metric
from zoo.metrics.networks import RANDOM_FEATURES
from zoo.metrics.results import Result
from zoo_bench.cell import CellFolder
from zoo_bench.grid import STAND_IN, Grid, RowCells
from zoo_bench.sources import TrainedHere
from zoo_bench.tables import Table

FINISHED, NOT_APPLICABLE, FAILED, NOT_RUN = "finished", "–", "failed", "not run"
"""The values of the column ``status``; NOT_APPLICABLE if the metric does not apply to the method."""
PROTOCOL = {
    "data": "{}",
    "split": "{} split",
    "classes": "{} classes",
    "resolution": "{}",
    "images": "{} images",
    "samples per mask": "{} samples per mask",
    "features": "features {}",
    "perceptual network": "perceptual network {}",
    "iterations": "{} iterations",
    "seed": "seed {}",
    "profile": "profile {}",
}
"""Columns that say how a number was made, and how a sentence puts it. ``features`` names the network behind the metric,
``perceptual network`` the one behind the training loss.
"""
PER_METRIC = {
    "split": "split",
    "classes": "classes",
    "images": "images",
    "samples per mask": "samples",
    "features": "network",
}
"""Those of them that may differ between metrics, and their names in a stored result."""
COLUMNS = {
    "table": "the table's name",
    "row": "the label of the row",
    "method": "the method's name, or data",
    "dataset": "the dataset's name",
    "metric": "the full name of the metric",
    "title": "its short title",
    "better": "higher or lower",
    "digits": "decimals to print",
    "value": "our number; NaN where there is none",
    "published": "the published number; NaN where there is none",
    "status": "finished, failed, not run, or – where the method cannot have such pictures",
    "note": "why a number is missing, and what to know about it",
    "caveats": "synthetic pictures, random features, ...: what makes it incomparable",
    "generator": "whether it is the row of the data's own generator, which is not ranked",
    "length": "how long was trained, in words",
    "device": "where it was evaluated",
    "trained on": "where it was trained",
    "versions": "of the packages",
    "cell": "the key of the cell",
} | dict.fromkeys(PROTOCOL, "see PROTOCOL")


class MetricColumn(NamedTuple):
    """One metric of a table: its full name, its title, what is better, and the decimals to print."""

    name: str
    title: str
    better: str
    digits: int


class Outcome(NamedTuple):
    """A claim, whether the numbers confirm it, and the numbers."""

    claim: str
    outcome: str
    detail: str


class Results(pd.DataFrame):
    """One row per table, row, seed and metric, with the columns :data:`COLUMNS`; a DataFrame in every other respect.

    ``tables`` has the tables as they were run, by name, and ``profile`` is the name of the profile.
    """

    _metadata = ["tables", "profile"]  # noqa: RUF012  (pandas' own convention)
    tables: Mapping[str, Table]
    profile: str

    @property
    def _constructor(self) -> type[Results]:
        return Results

    @classmethod
    def load(cls, out: Path) -> Results:
        """Load the current results of a bench folder. Raises ZooError if there is no bench."""
        grid = Grid.load(out)
        known: dict[str, CellFolder] = {}
        lines = []
        for name, table in grid.tables.items():
            for row in grid.rows[name]:
                cells = [known.setdefault(key, CellFolder(out / "cells" / key)) for key in row.cells]
                lines += list(_lines(name, table, row, cells, grid.profile))
        frame = cls(pd.DataFrame(lines, columns=list(COLUMNS), dtype=object))  # counts stay integers beside None
        frame = frame.astype({"value": float, "published": float, "seed": "Int64", "digits": int, "generator": bool})
        frame.tables, frame.profile = grid.tables, grid.profile
        return frame

    def of(self, table: str | int) -> Results:
        """The rows of one table. Raises ZooError for a table that was not run."""
        found = self[self["table"] == str(table)]
        if found.empty:
            names = ", ".join(dict.fromkeys(self["table"]))
            raise ZooError(f'There is no table "{table}" in these results: they have {names or "none"}.')
        return found

    def table(self, name: str | int) -> pd.DataFrame:
        """A table as in the paper: one line per row.

        For each metric a column with our number (the mean over seeds), one with its sample standard deviation
        (" (std)") where there are several seeds, and one with the published number (" (paper)"); then ``note``.
        """
        part = self.of(name)
        rows = part.groupby("row", sort=False)
        columns: dict[str, pd.Series[Any]] = {}
        for title, of_metric in part.groupby("title", sort=False):
            values = of_metric.groupby("row", sort=False)["value"]
            columns[str(title)] = values.mean()
            if part["seed"].nunique() > 1:
                columns[f"{title} (std)"] = values.std()
            columns[f"{title} (paper)"] = of_metric.groupby("row", sort=False)["published"].first()
        columns["note"] = rows["note"].agg(_joined)
        return pd.DataFrame(columns).rename_axis("method")

    def protocol(self, name: str | int) -> pd.DataFrame:
        """How the numbers of a table were computed: one line per row, with the columns :data:`PROTOCOL`.

        If metrics or seeds differ, all values are joined in one text. Only rows with results have a line.
        """
        part = self.of(name)
        part = part[part["status"].isin([FINISHED, NOT_APPLICABLE])]
        lines = {
            str(label): {key: protocol_value(of_row, key) for key in PROTOCOL}
            for label, of_row in part.groupby("row", sort=False)
        }
        return pd.DataFrame.from_dict(lines, orient="index", columns=list(PROTOCOL), dtype=object).rename_axis("method")

    def metrics(self) -> list[MetricColumn]:
        """The metrics of all rows, in the order of the columns of a table."""
        distinct = self.drop_duplicates("metric")
        columns = (distinct[key] for key in ("metric", "title", "better", "digits"))
        return [MetricColumn(str(m), str(t), str(b), int(d)) for m, t, b, d in zip(*columns, strict=True)]

    def generators(self) -> set[str]:
        """The labels of the rows of the data generator."""
        return {str(row) for row in self.loc[self["generator"], "row"]}

    def outcomes(self, name: str | int) -> list[Outcome]:
        """The claims of a table and whether they are confirmed, see :func:`zoo_bench.report.claims.evaluate`."""
        from zoo_bench.report.claims import evaluate

        part = self.of(name)
        methods = part[~part["generator"]]
        claims = self.tables[str(name)].claims
        return [Outcome(claim.text, *evaluate(claim, methods[methods["metric"] == claim.metric])) for claim in claims]

    def claims(self, name: str | int) -> pd.DataFrame:
        """The outcomes of a table's claims as a DataFrame with the columns claim, outcome and detail."""
        return pd.DataFrame(self.outcomes(name), columns=list(Outcome._fields))


def _lines(name: str, table: Table, row: RowCells, cells: list[CellFolder], profile: str) -> Iterable[dict[str, Any]]:
    """The lines of a row of a table: one per seed and metric; a row without cells has one per metric."""
    of_seeds: list[CellFolder | None] = [*cells] or [None]
    for cell in of_seeds:
        for place, metric in enumerate(table.metrics):
            cls = parse_metric(metric).cls
            yield {
                "table": name,
                "row": row.row.label,
                "method": row.row.method,
                "dataset": table.dataset,
                "metric": metric,
                "title": cls.title,
                "better": cls.better,
                "digits": cls.digits,
                "published": row.row.paper[place] if row.row.paper else None,
                "generator": row.generator,
                "profile": profile,
                **(_missing(row.failure) if cell is None else _number(cell, metric, table.metrics, len(cells) > 1)),
            }


def _missing(reason: str) -> dict[str, Any]:
    return {"status": FAILED, "note": f"failed: {reason}", "length": "", "caveats": ""}


def _number(cell: CellFolder, metric: str, metrics: Iterable[str], several: bool) -> dict[str, Any]:
    """The result of a cell for one metric. With several seeds, notes name their seed."""
    result = cell.results.get(metric)
    config, notes = cell.config, _problems(cell, metrics)
    if several:
        notes = [f"seed {cell.seed} {note}" for note in notes]
    size = config.get("data", {}).get("size")
    found: dict[str, Any] = {
        "cell": cell.path.name,
        "seed": cell.seed,
        "data": cell.description.get("data"),
        "resolution": f"{size[0]}x{size[1]}" if size else None,
        "length": _length(cell),
    }
    if result is None:
        status = FAILED if cell.failure or cell.problems else NOT_RUN
        return found | {"status": status, "note": "; ".join(notes), "caveats": ""}
    notes += result.warnings
    notes += [f"external checkpoint {result.training['given']}"] if "given" in result.training else []
    return found | {
        "value": result.value,
        "status": NOT_APPLICABLE if result.value is None else FINISHED,
        "note": "; ".join(notes),
        "caveats": "; ".join(_caveats(result)),
        "data": result.data,
        "perceptual network": result.training.get("vgg"),
        "iterations": result.training.get("iterations"),
        "profile": result.profile,
        "device": result.device,
        "trained on": result.training.get("device"),
        "versions": ", ".join(f"{package} {version}" for package, version in result.versions.items()),
        **{column: result.protocol.get(key) for column, key in PER_METRIC.items()},
    }


def _problems(cell: CellFolder, metrics: Iterable[str]) -> list[str]:
    """Why numbers of a cell are missing."""
    absent, failure = any(metric not in cell.results for metric in metrics), cell.failure
    reasons = [*cell.problems, *([failure.reason] if failure and absent else [])]
    if reasons or not absent:
        return [f"failed: {reason}" for reason in dict.fromkeys(reasons)]
    state = cell.state
    running = state is not None and state.phase in ("training", "evaluating")
    return [
        f"not run yet ({state.phase}, {state.done} of {state.total or '?'})" if running and state else "not run yet"
    ]


def _caveats(result: Result) -> list[str]:
    """The stand-ins that affect a number."""
    if result.value is None:
        return []
    network = str(result.training.get("vgg") or "")
    caveats = {
        f"pictures drawn by a program ({STAND_IN})": result.data.startswith(STAND_IN),
        f"metric on {RANDOM_FEATURES}": result.protocol.get("network") == RANDOM_FEATURES,
        f"trained with the perceptual loss of {network}": "random" in network or "stand-in" in network,
    }
    return [caveat for caveat, holds in caveats.items() if holds]


def _length(cell: CellFolder) -> str:
    """Length of the training as text; empty if there is none."""
    train = cell.config.get("train", {})
    if not train or cell.description.get("source") != TrainedHere.kind:
        return ""
    iterations = cell.record.get("iterations") or train.get("iterations")
    if iterations is not None:
        return f"{iterations} iterations"
    decay = train.get("decay_epochs")
    return f"{train.get('epochs')}{f' + {decay}' if decay else ''} epochs"


def _joined(notes: Iterable[str]) -> str:
    """Distinct notes of a row, over metrics and seeds."""
    return "; ".join(dict.fromkeys(note for text in notes for note in text.split("; ") if note))


def protocol_value(part: pd.DataFrame, key: str) -> Any:
    """The value of a protocol column in some results; different ones as a text, with their metrics or as a list."""
    found = part[["title", key]].dropna()
    if key in PER_METRIC:
        titles = found.groupby(key, sort=False)["title"].unique()
        if len(titles) > 1:
            return ", ".join(f"{value} ({', '.join(of_value)})" for value, of_value in titles.items())
    distinct = list(dict.fromkeys(found[key]))
    return distinct[0] if len(distinct) == 1 else ", ".join(map(str, distinct)) or "none"
