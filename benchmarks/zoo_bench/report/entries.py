"""The entries of a table as readers see them: text, rank, and marks for what stands in for the real thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from zoo.config import is_toy
from zoo_bench.grid import DATA
from zoo_bench.report.claims import Verdict, judge
from zoo_bench.report.frames import Frame, Line
from zoo_bench.report.protocol import run_of, sentences, stand_ins

BEST, SECOND = 1, 2
ARROWS = {"higher": "↑", "lower": "↓"}


@dataclass(frozen=True)
class Entry:
    """rank: :data:`BEST`, :data:`SECOND`, or 0. marks: letters of the legend."""

    text: str
    rank: int = 0
    marks: str = ""


@dataclass(frozen=True)
class ShownTable:
    """A table ready to be written in any format.

    run: the kind of the run. columns: headers. rows: entries, as many as columns. notes: one for each row, empty where
    nothing is to be said. legend: what the marks mean. protocol: (who, protocol). directions: what each metric is.
    remark: what a reader must know of the table as a whole, or empty.
    """

    name: str
    title: str
    run: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    notes: tuple[str, ...]
    legend: dict[str, str]
    protocol: list[tuple[str, str]]
    directions: str
    remark: str
    verdicts: tuple[Verdict, ...]

    @property
    def heading(self) -> str:
        return f"{self.title} ({self.run})"


def show(frame: Frame) -> ShownTable:
    """Best and second best are those of the methods, ours and the paper's each for itself; numbers that print alike
    share a rank.
    """
    stored = frame.stored
    legend: dict[str, str] = {}
    columns, body = ["method"], [[Entry(line.row.label)] for line in frame.lines]
    for metric, named in frame.metrics.items():
        published = [frame.published(line, metric) for line in frame.lines]
        columns.append(f"{frame.title(metric)} {ARROWS[named.cls.better]}")
        for row, entry in zip(body, _ours(frame, metric, legend), strict=True):
            row.append(entry)
        if any(value is not None for value in published):
            columns.append(f"{frame.title(metric)} (paper)")
            for row, entry in zip(body, _ranked(frame, metric, published), strict=True):
                row.append(entry)
    toy = is_toy(stored.profile)
    verdicts = [judge(claim, frame.competing(claim.metric), toy=toy) for claim in stored.table.claims]
    return ShownTable(
        stored.name,
        f"Table {stored.name}: {stored.table.title}",
        run_of(stored.cells, stored.profile),
        tuple(columns),
        tuple(map(tuple, body)),
        tuple("; ".join(note for note in line.notes if note not in frame.common_notes) for line in frame.lines),
        {letter: meaning for meaning, letter in legend.items()},
        sentences([(line.row.label, line.results) for line in frame.lines], frame.metrics),
        "; ".join(f"{frame.title(m)} is {m}, {n.cls.better} is better" for m, n in frame.metrics.items()) + ".",
        _remark(frame),
        tuple(verdicts),
    )


def _ours(frame: Frame, metric: str, legend: dict[str, str]) -> list[Entry]:
    """Our numbers, whose marks are put into ``legend`` (meaning -> letter)."""
    entries = _ranked(frame, metric, [line.numbers[metric].mean for line in frame.lines])
    return [
        Entry(_text(frame, line, metric, entry.text), entry.rank, _marks(line, metric, legend))
        for line, entry in zip(frame.lines, entries, strict=True)
    ]


def _ranked(frame: Frame, metric: str, values: Sequence[float | None]) -> list[Entry]:
    texts = ["–" if value is None else f"{value:.{frame.digits(metric)}f}" for value in values]
    ranks = [0] * len(texts)
    competing = [n for n, line in enumerate(frame.lines) if values[n] is not None and not line.row.is_data]
    order = sorted({float(texts[n]) for n in competing}, reverse=frame.metrics[metric].cls.better == "higher")
    for n in competing if len(order) > 1 else ():
        ranks[n] = {0: BEST, 1: SECOND}.get(order.index(float(texts[n])), 0)
    return [Entry(text, rank) for text, rank in zip(texts, ranks, strict=True)]


def _text(frame: Frame, line: Line, metric: str, text: str) -> str:
    number = line.numbers[metric]
    if number.mean is None:
        return number.state
    return text if number.deviation is None else f"{text} ± {number.deviation:.{frame.digits(metric)}f}"


def _marks(line: Line, metric: str, legend: dict[str, str]) -> str:
    number = line.numbers[metric]
    meanings = {meaning for result in number.results if result.value is not None for meaning in stand_ins(result)}
    for meaning in sorted(meanings):
        legend.setdefault(meaning, ascii_lowercase[len(legend)])
    return "".join(sorted(legend[meaning] for meaning in meanings))


def _remark(frame: Frame) -> str:
    parts = [f"All rows: {note}." for note in frame.common_notes]
    if frame.several_seeds:
        parts.append("Means over seeds ± sample standard deviation.")
    if not frame.complete:
        parts.append("Not every row has run: ranks and claims are those of the numbers at hand.")
    if any(line.row.is_data for line in frame.lines):
        parts.append(
            f"The row {DATA} is no method: the generator of the pictures draws each mask anew in other styles, which "
            "shows what a sampler that knows the data would reach. It takes no part in ranks and claims."
        )
    return " ".join(parts)
