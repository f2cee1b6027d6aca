"""Tables for readers: pandas frames, as CSV, as Markdown and on the terminal, with the protocol in every row."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmarks.grid import STAND_IN, Cell, Grid
from benchmarks.results import Result, package_versions
from benchmarks.tables import Table
from zoo.engine.folder import write_text
from zoo.registry import METRICS

if TYPE_CHECKING:
    from benchmarks.harness import Outcome

PAPER = "Endo & Kanamori, Computer Graphics Forum 2020"
PROTOCOL = (
    "data",
    "split",
    "classes",
    "resolution",
    "images",
    "samples per mask",
    "features",
    "perceptual trunk",
    "iterations",
    "seed",
    "profile",
)
"""Columns that say what a row's numbers are numbers of; ``features`` and ``perceptual trunk`` name the networks behind
the metrics and behind the training loss."""


@dataclass(frozen=True)
class Report:
    """opening: the first line. titles, frames: by table name."""

    opening: str
    titles: dict[str, str]
    frames: dict[str, pd.DataFrame]

    def save(self, out: Path) -> None:
        """Write ``report.md`` and a ``table<name>.csv`` for each table."""
        out.mkdir(parents=True, exist_ok=True)
        for name, frame in self.frames.items():
            write_text(out / f"table{name}.csv", frame.to_csv(index=False))
        write_text(out / "report.md", self.markdown())

    def markdown(self) -> str:
        versions = ", ".join(f"{package} {version}" for package, version in package_versions().items())
        parts = [self.opening, "# Bench", f"Published numbers: {PAPER}. {versions}."]
        for name, frame in self.frames.items():
            parts += [f"## Table {name}: {self.titles[name]}", _directions(frame), _markdown(shown(frame))]
        return "\n\n".join(parts) + "\n"

    def show(self) -> None:
        """Print the tables on standard output."""
        from rich.console import Console
        from rich.table import Table as RichTable

        # without a terminal, rich would take 80 columns
        console = Console(width=None if sys.stdout.isatty() else 180, highlight=False, markup=False)
        console.print(self.opening, style="bold")
        for name, frame in self.frames.items():
            table = RichTable(title=f"Table {name}: {self.titles[name]}", title_justify="left", show_lines=True)
            text = shown(frame)
            for column in text.columns:
                table.add_column(str(column), overflow="fold", ratio=1 if column == "protocol" else None)
            for row in text.itertuples(index=False):
                table.add_row(*row)
            console.print("", table)


def build(tables: Mapping[str, Table], grid: Grid, outcomes: Mapping[str, Outcome], profile: str) -> Report:
    """Frames of the tables from what became of their cells; ``outcomes`` by the keys of the grid."""
    frames = {}
    for name, table in tables.items():
        lines = []
        for number, row in enumerate(table.rows):
            key = grid.places.get((name, number))
            outcome = outcomes[key] if key is not None else None
            found = [outcome.results.get(metric) if outcome else None for metric in table.metrics]
            failure = outcome.failure if outcome else grid.failures[name, number]
            line: dict[str, Any] = {"method": row.label}
            paper = row.paper or (None,) * len(table.metrics)
            for metric, result, published in zip(table.metrics, found, paper, strict=True):
                title = METRICS.get(metric).title
                line |= {title: result.value if result else None, f"{title} (paper)": published}
            line |= _protocol([result for result in found if result])
            if None in found:
                line |= {"profile": profile, "note": f"failed: {failure}"}
            lines.append(line)
        metrics = [METRICS.get(metric).title for metric in table.metrics]
        columns = ["method", *(c for title in metrics for c in (title, f"{title} (paper)")), *PROTOCOL, "note"]
        frame = pd.DataFrame(lines, columns=columns, dtype=object)  # a column of counts stays one
        for title in metrics:
            frame[title] = frame[title].astype(float)
            frame[f"{title} (paper)"] = frame[f"{title} (paper)"].astype(float)
        frame.attrs["better"] = {METRICS.get(metric).title: METRICS.get(metric).better for metric in table.metrics}
        frames[name] = frame
    titles = {name: table.title for name, table in tables.items()}
    return Report(opening(list(grid.cells.values()), profile), titles, frames)


def opening(cells: list[Cell], profile: str) -> str:
    """The first line: whether the numbers mean anything."""
    sizes = " and ".join(sorted({"{}x{}".format(*cell.config.data["size"]) for cell in cells}))
    drawn = [cell.data.startswith(STAND_IN) for cell in cells]
    pictures = (
        "procedural pictures" if all(drawn) else "procedural and real pictures" if any(drawn) else "real pictures"
    )
    if profile == "smoke":
        lengths = sorted({cell.config.train.iterations for cell in cells if cell.config.train.iterations is not None})
        length = f"{' or '.join(map(str, lengths))} iterations" if lengths else "few iterations"
        what = f"{sizes} {pictures}, {length}"
        return f"TOY RUN: profile {profile}, {what}: these numbers say nothing about the methods."
    if any(drawn):
        return f"Profile {profile}, {sizes} {pictures}: the published numbers come from other, real pictures."
    return f"Profile {profile}, {sizes} {pictures}: compare numbers only where the protocols in the rows agree."


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as text: numbers with the digits of the published ones, the protocol's columns in one."""
    text = pd.DataFrame({"method": frame["method"]})
    for title in frame.attrs["better"]:
        published = frame[f"{title} (paper)"]
        digits = max((len(repr(float(v)).partition(".")[2]) for v in published.dropna()), default=3)
        for column in (title, f"{title} (paper)"):
            text[column] = [f"{value:.{digits}f}" if pd.notna(value) else "-" for value in frame[column]]
        text.loc[frame[title].isna(), title] = "failed"
    text["protocol"] = [_sentence(row) for row in frame.to_dict("records")]
    return text


def _protocol(found: list[Result]) -> dict[str, Any]:
    """The protocol columns and the note of a row, from the results that it has."""
    if not found:
        return {}
    first, training = found[0], found[0].training
    networks = {METRICS.get(r.metric).title: r.protocol["network"] for r in found}
    several = len(set(networks.values())) > 1
    features = "; ".join(f"{k}: {v}" for k, v in networks.items()) if several else first.protocol["network"]
    notes = [warning for result in found for warning in result.warnings]
    if "given" in training:
        notes.append(f"given checkpoint {training['given']}")
    return {
        "data": first.data,
        "split": first.protocol["split"],
        "classes": first.protocol["classes"],
        "resolution": first.protocol["resolution"],
        "images": first.protocol["images"],
        "samples per mask": first.protocol["samples"],
        "features": features,
        "perceptual trunk": training["trunk"] or "none",
        "iterations": training["iterations"],
        "seed": first.seed,
        "profile": first.profile,
        "note": "; ".join(notes),
    }


def _sentence(row: Mapping[Any, Any]) -> str:
    note = row["note"] if isinstance(row["note"], str) else ""
    if pd.isna(row["data"]):
        return note
    parts = [
        row["data"],
        f"{row['split']} split",
        f"{row['classes']} classes",
        row["resolution"],
        f"{row['images']} images",
        f"{row['samples per mask']} sample{'s' if row['samples per mask'] > 1 else ''} per mask",
        f"features {row['features']}",
        f"{row['iterations']} iterations",
        f"perceptual trunk {row['perceptual trunk']}",
        f"seed {row['seed']}",
        f"profile {row['profile']}",
    ]
    return ", ".join(parts) + (f". {note}" if note else "")


def _directions(frame: pd.DataFrame) -> str:
    return "; ".join(f"{title}: {better} is better" for title, better in frame.attrs["better"].items()) + "."


def _markdown(text: pd.DataFrame) -> str:
    # characters with a meaning in Markdown; a file of the user's may have any name
    escaped = text.map(lambda cell: cell.replace("|", "\\|").replace("*", "\\*"))
    return str(escaped.to_markdown(index=False, disable_numparse=True))
