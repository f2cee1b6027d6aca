"""The report of a bench: tables, claims and figures, as files, as one page and on the terminal.

It is built from stored files of the cells. No model is loaded and nothing is recomputed, so a report of an unfinished
bench, or of one that ran elsewhere, takes seconds.
"""

from __future__ import annotations

import base64
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import jinja2

from zoo.files import write_text
from zoo_bench.cell import CellFolder
from zoo_bench.report import text
from zoo_bench.report.claims import CONFIRMED, INCONCLUSIVE, NOT_CONFIRMED
from zoo_bench.report.figures import Drawn, draw
from zoo_bench.report.table_view import TableView, escape_markdown
from zoo_bench.results import Results

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Report:
    """The content of a report; ``results`` are the numbers behind it."""

    opening: str
    about: list[str]
    results: Results
    tables: list[TableView]
    figures: list[Drawn]

    def markdown(self) -> str:
        """The whole report."""
        parts = [self.opening, "# Bench", *self.about]
        parts = [part if part.startswith("# ") else escape_markdown(part) for part in parts]
        parts += [table.markdown() for table in self.tables]
        for figure in self.figures:
            heading, alt, words = map(escape_markdown, (figure.heading, figure.alt, figure.text))
            parts += [f"## {heading}", f"![{alt}]({figure.path.parent.name}/{figure.path.name})", words]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """The whole report as one page that needs no other file."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["embedded"] = lambda path: (
            "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
        )
        outcomes = Counter(claim.outcome for table in self.tables for claim in table.claims)
        counts = {outcome: outcomes[outcome] for outcome in (CONFIRMED, NOT_CONFIRMED, INCONCLUSIVE)}
        style = (HERE / "style.css").read_text()
        return environment.get_template("report.html").render(report=self, counts=counts, style=style)

    def show(self) -> None:
        """Print tables and claims on standard output."""
        from rich.console import Console

        # without a terminal, rich would take 80 columns
        console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
        console.print(self.opening, style="bold")
        for table in self.tables:
            table.print(console)


def write(out: Path) -> Report:
    """Write ``report.md``, ``report.html``, ``figures/`` and a CSV, Markdown and LaTeX file of each table of a bench.

    Raises:
        ZooError: Where ``out`` holds no bench.
    """
    results = Results.load(out)
    tables = [TableView.of(results, name) for name in results.tables]
    cells = {key: CellFolder(out / "cells" / key) for key in results["cell"].dropna().unique()}
    figures = draw(results, cells, out / "figures")
    about = ["What each number means: docs/metrics.md.", *text.about(results)]
    report = Report(text.opening(results), about, results, tables, figures)
    for table in tables:
        numbers = results.table(table.name)
        numbers = numbers.drop(columns="note").join(results.protocol(table.name)).join(numbers["note"])
        write_text(out / f"table{table.name}.csv", numbers.to_csv())
        write_text(out / f"table{table.name}.md", table.markdown() + "\n")
        write_text(out / f"table{table.name}.tex", table.latex())
    write_text(out / "report.md", report.markdown())
    write_text(out / "report.html", report.html())
    return report
