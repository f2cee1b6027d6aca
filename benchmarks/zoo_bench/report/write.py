"""The report of a bench: tables, claims and figures, as files, as one page and on the terminal.

All of it is made from what the cells have stored. No model is loaded and nothing is computed again, so a report of a
bench that is half done, or that ran elsewhere, is a matter of seconds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from zoo.files import write_text
from zoo_bench.report import page, writers
from zoo_bench.report.entries import ShownTable, show
from zoo_bench.report.figures import Drawn, draw
from zoo_bench.report.frames import Frame
from zoo_bench.report.protocol import opening
from zoo_bench.stored import StoredTable, load

PAPER = "Endo & Kanamori, Computer Graphics Forum 2020"


@dataclass(frozen=True)
class Report:
    """opening: the first line. about: where the numbers come from. tables: in order. frames: by table name."""

    opening: str
    about: tuple[str, ...]
    tables: tuple[ShownTable, ...]
    frames: dict[str, pd.DataFrame]
    figures: tuple[Drawn, ...]

    def markdown(self) -> str:
        parts = [writers.escape_markdown(self.opening), "# Bench", *map(writers.escape_markdown, self.about)]
        parts += [writers.markdown(table) for table in self.tables]
        for figure in self.figures:
            place = f"{figure.path.parent.name}/{figure.path.name}"
            parts += [
                f"## {writers.escape_markdown(figure.heading)}",
                f"![{writers.escape_markdown(figure.alt)}]({place})",
                writers.escape_markdown(figure.text),
            ]
        return "\n\n".join(parts) + "\n"

    def show(self) -> None:
        """Print tables and claims on standard output."""
        from rich.console import Console

        # without a terminal, rich would take 80 columns
        console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
        console.print(self.opening, style="bold")
        for table in self.tables:
            writers.terminal(console, table)


def write(out: Path) -> Report:
    """Write ``report.md``, ``report.html``, ``figures/`` and a CSV, Markdown and LaTeX file of each table of a bench.

    Raises ZooError where ``out`` holds no bench.
    """
    stored = load(out)
    frames = [Frame.fill(table) for table in stored]
    tables = tuple(show(frame) for frame in frames)
    data = {frame.stored.name: frame.data() for frame in frames}
    figures = tuple(draw(frames, out / "figures"))
    cells = list({cell.key: cell for table in stored for cell in table.cells}.values())
    report = Report(opening(cells, stored[0].profile if stored else ""), _about(stored), tables, data, figures)
    for table in tables:
        write_text(out / f"table{table.name}.csv", data[table.name].to_csv(index=False))
        write_text(out / f"table{table.name}.md", writers.markdown(table) + "\n")
        write_text(out / f"table{table.name}.tex", writers.latex(table))
    write_text(out / "report.md", report.markdown())
    write_text(out / "report.html", page.render(report.opening, report.about, tables, figures))
    return report


def _about(tables: list[StoredTable]) -> tuple[str, ...]:
    results = [r for table in tables for cell in table.cells for r in cell.results.values() if r.value is not None]
    trained = {str(r.training["device"]) for r in results if "device" in r.training}
    judged = {r.device for r in results}
    versions = dict.fromkeys(f"{package} {version}" for r in results for package, version in r.versions.items())
    return (
        f"Published numbers: {PAPER}. What each number means: docs/metrics.md.",
        *((f"Trained on {', '.join(sorted(trained))}.",) if trained else ()),
        *((f"Evaluated on {', '.join(sorted(judged))}.",) if judged else ()),
        *((f"Versions: {', '.join(versions)}.",) if versions else ()),
    )
