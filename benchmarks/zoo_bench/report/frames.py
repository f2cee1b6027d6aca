"""Tables as pandas frames: our numbers beside the published ones, with the protocol of every row."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from zoo.metrics import NamedMetric, parse_metric
from zoo.metrics.results import Result
from zoo_bench.report.claims import Numbers
from zoo_bench.report.protocol import PROTOCOL, facts
from zoo_bench.stored import StoredRow, StoredTable

FAILED, NOT_RUN, NO_PICTURES = "failed", "not run", "–"


@dataclass(frozen=True)
class Number:
    """What a row has for one metric: the results of its seeds, or in ``state`` why it has none."""

    results: tuple[Result, ...]
    state: str = ""

    @property
    def values(self) -> dict[int, float]:
        """By seed."""
        return {result.seed: result.value for result in self.results if result.value is not None}

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.values.values()) if self.values else None

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation over the seeds; None for fewer than two."""
        return statistics.stdev(self.values.values()) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Line:
    """A row with its numbers, by metric, and what must be said of it."""

    row: StoredRow
    numbers: dict[str, Number]
    notes: tuple[str, ...]

    @property
    def note(self) -> str:
        return "; ".join(self.notes)

    @property
    def results(self) -> list[Result]:
        return [result for number in self.numbers.values() for result in number.results]


@dataclass(frozen=True)
class Frame:
    """A table filled with what is stored. metrics: by full name, in the order of the columns."""

    stored: StoredTable
    metrics: dict[str, NamedMetric]
    lines: tuple[Line, ...]

    @classmethod
    def fill(cls, stored: StoredTable) -> Frame:
        metrics = {name: parse_metric(name) for name in stored.table.metrics}
        return cls(stored, metrics, tuple(_line(row, list(metrics)) for row in stored.rows))

    @property
    def complete(self) -> bool:
        """Whether every row has run, or cannot."""
        return not any(number.state == NOT_RUN for line in self.lines for number in line.numbers.values())

    @property
    def several_seeds(self) -> bool:
        return any(len(line.row.cells) > 1 for line in self.lines)

    def digits(self, metric: str) -> int:
        """Digits after the point, as in the paper."""
        return self.metrics[metric].cls.digits

    def title(self, metric: str) -> str:
        return self.metrics[metric].cls.title

    def published(self, line: Line, metric: str) -> float | None:
        return line.row.row.paper[list(self.metrics).index(metric)] if line.row.row.paper else None

    def data(self) -> pd.DataFrame:
        """One line per row: the method, for each metric ours (a mean over seeds, with its deviation where there is more
        than one seed) and the paper's, the protocol, and a note that says why a number is missing.
        """
        rows = []
        for line in self.lines:
            content: dict[str, Any] = {"method": line.row.label}
            for metric, number in line.numbers.items():
                title = self.title(metric)
                content |= {title: number.mean, f"{title} (paper)": self.published(line, metric)}
                if self.several_seeds:
                    content[f"{title} (std)"] = number.deviation
            rows.append(content | facts(line.results, self.metrics) | {"note": line.note})
        numeric = [column for metric in self.metrics for column in self._columns(metric)]
        frame = pd.DataFrame(rows, columns=["method", *numeric, *PROTOCOL, "note"], dtype=object)
        frame[numeric] = frame[numeric].astype(float)  # the other columns keep counts as counts
        frame.attrs["better"] = {self.title(metric): named.cls.better for metric, named in self.metrics.items()}
        return frame

    def _columns(self, metric: str) -> list[str]:
        title = self.title(metric)
        return [title, *([f"{title} (std)"] if self.several_seeds else []), f"{title} (paper)"]

    @property
    def common_notes(self) -> tuple[str, ...]:
        """What is to be said of every row that has numbers, if these are several."""
        told = [line.notes for line in self.lines if any(number.values for number in line.numbers.values())]
        return tuple(note for note in told[0] if all(note in notes for notes in told)) if len(told) > 1 else ()

    def competing(self, metric: str) -> Numbers:
        """The numbers of the methods' rows, for claims; the row of the data's own drawing takes no part."""
        lines = [line for line in self.lines if not line.row.is_data]
        return Numbers(
            self.metrics[metric].cls.better,
            {line.row.label: line.numbers[metric].values for line in lines},
            {line.row.label: _why(line.numbers[metric].state) for line in lines if line.numbers[metric].state},
            frozenset(line.row.label for line in lines if line.numbers[metric].state == NO_PICTURES),
            self.digits(metric),
        )


def _line(row: StoredRow, metrics: Sequence[str]) -> Line:
    numbers = {metric: _number(row, metric) for metric in metrics}
    notes = [*_failures(row, metrics), *_warnings(number.results for number in numbers.values())]
    return Line(row, numbers, tuple(dict.fromkeys(notes)))


def _number(row: StoredRow, metric: str) -> Number:
    results = tuple(cell.results[metric] for cell in row.cells if metric in cell.results)
    if any(result.value is not None for result in results):
        return Number(results)
    if results:
        return Number(results, NO_PICTURES)
    failed = row.failure or any(cell.failure or cell.failures for cell in row.cells)
    return Number((), FAILED if failed else NOT_RUN)


def _failures(row: StoredRow, metrics: Sequence[str]) -> list[str]:
    """Why numbers are missing, seed by seed where there are several."""
    if row.failure:
        return [f"failed: {row.failure}"]
    notes = []
    for cell in row.cells:
        missing = any(metric not in cell.results for metric in metrics)
        told = [*cell.failures, *([cell.failure] if cell.failure and missing else [])]
        sentences = [f"failed: {sentence}" for sentence in told]
        if missing and not told:
            sentences = [f"not run yet ({cell.progress})" if cell.progress else "not run yet"]
        seed = f"seed {cell.seed} " if len(row.cells) > 1 else ""
        notes += [f"{seed}{sentence}" for sentence in sentences]
    return notes


def _warnings(found: Iterable[Iterable[Result]]) -> list[str]:
    results = [result for some in found for result in some]
    warnings = [warning for result in results for warning in result.warnings]
    return warnings + [f"given checkpoint {r.training['given']}" for r in results if "given" in r.training]


def _why(state: str) -> str:
    return "has no such pictures" if state == NO_PICTURES else state
