"""Output of a table as Markdown, LaTeX, HTML and on the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from zoo.config import is_toy
from zoo_bench.report import text
from zoo_bench.report.claims import CONFIRMED, INCONCLUSIVE, NOT_CONFIRMED
from zoo_bench.results import FINISHED, Outcome, Results

if TYPE_CHECKING:
    from rich.console import Console

BEST, SECOND = 1, 2
ARROWS = {"higher": "↑", "lower": "↓"}
OUTCOME_STYLES = {CONFIRMED: "bold green", NOT_CONFIRMED: "bold red", INCONCLUSIVE: "bold yellow"}


@dataclass(frozen=True)
class TableView:
    """A table with its notes and claims.

    ``cells`` are the printed numbers, one line per row, and ``ranks`` has BEST, SECOND or 0 for each. ``facts`` are
    sentences about the whole table, ``notes`` about single rows. In a ``toy`` run, claims mean nothing.
    """

    name: str
    title: str
    run: str
    cells: pd.DataFrame
    ranks: pd.DataFrame
    facts: list[str]
    notes: dict[str, str]
    protocol: list[tuple[str, str]]
    claims: list[Outcome]
    toy: bool

    @classmethod
    def of(cls, results: Results, name: str) -> TableView:
        """The view of one table of a bench."""
        part, table = results.of(name), results.tables[name]
        cells, ranks = _printed(part, results.table(name))
        common, notes = text.notes(part)
        directions = "; ".join(f"{m.title} is {m.name}, {m.better} is better" for m in part.metrics())
        source = [f"Published numbers: {table.source}."] if table.source and part["published"].notna().any() else []
        return cls(
            name,
            f"Table {name}: {table.title}",
            text.run_kind(part),
            cells,
            ranks,
            [f"{directions}.", *source, *text.remarks(part, common)],
            notes,
            text.protocol(part),
            results.outcomes(name),
            is_toy(results.profile),
        )

    @property
    def heading(self) -> str:
        """Title and kind of the run."""
        return f"{self.title} ({self.run})"

    def sentences(self) -> list[str]:
        """Everything below the table, without markup."""
        notes = [f"{row}: {note}." for row, note in self.notes.items()]
        protocol = [f"{rows}: {words}." for rows, words in self.protocol]
        claims = [f"{self.outcome(c.outcome)}: {c.claim} ({c.detail})." for c in self.claims]
        return [*self.facts, *notes, *protocol, *claims]

    def outcome(self, outcome: str) -> str:
        """An outcome, marked as meaningless for toy runs."""
        return f"{outcome} (a toy run: not meaningful)" if self.toy else outcome

    def markdown(self) -> str:
        """A section."""
        cells = self._marked(escape_markdown, "**{}**", "<u>{}</u>")
        alignment = ("left", *["right"] * len(cells.columns))
        parts = [f"## {escape_markdown(self.heading)}"]
        parts.append(cells.to_markdown(disable_numparse=True, colalign=alignment))
        parts += [escape_markdown(fact) for fact in self.facts]
        for title, lines in (("Notes", self.notes.items()), ("Protocol", self.protocol)):
            listed = [f"- {escape_markdown(rows)}: {escape_markdown(words)}" for rows, words in lines]
            parts += [f"{title}:\n\n" + "\n".join(listed)] if listed else []
        claims = [
            f"- **{self.outcome(c.outcome)}**: {escape_markdown(c.claim)} ({escape_markdown(c.detail)})"
            for c in self.claims
        ]
        parts += ["Claims:\n\n" + "\n".join(claims)] if claims else []
        return "\n\n".join(parts)

    def latex(self) -> str:
        """A floating table for LaTeX with the package booktabs."""
        cells = self._marked(escape_latex, r"\textbf{{{}}}", r"\underline{{{}}}")
        label = f"tab:{re.sub(r'[^A-Za-z0-9]', '-', self.name)}"
        caption = escape_latex(self.heading.partition(": ")[2])
        columns = "l" + "r" * len(cells.columns)
        cells.columns.name, cells.index.name = cells.index.name, None  # in one line with the titles
        table = cells.style.to_latex(
            column_format=columns, hrules=True, caption=caption, label=label, position_float="centering"
        )
        below = "".join(rf"\par\footnotesize {escape_latex(line)}" + "\n" for line in self.sentences())
        return table.replace(r"\end{table}", below + r"\end{table}")

    def html(self) -> str:
        """The table alone, for the page."""
        classes = self.ranks.replace({0: "", BEST: "best", SECOND: "second"})
        cells = self.cells.copy()
        cells.columns.name, cells.index.name = cells.index.name, None
        style = cells.style.format(escape="html").format_index(escape="html").format_index(escape="html", axis=1)
        html = style.set_td_classes(classes).set_uuid(self.name).to_html()
        html = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
        html = re.sub(r' id="T_[^"]*"', "", html)
        html = re.sub(r'<th class="index_name[^>]*>', '<th scope="col">', html)
        return re.sub(r'<th [^>]*class="(row|col)_heading[^>]*>', r'<th scope="\1">', html)

    def print(self, console: Console) -> None:
        """Print the table, its notes and its claims."""
        from rich.table import Table as RichTable
        from rich.text import Text

        grid = RichTable()
        grid.add_column("method", overflow="fold")
        for column in self.cells:
            grid.add_column(str(column), overflow="fold", justify="right")
        styles = {BEST: "bold", SECOND: "underline"}
        for row in self.cells.index:
            marked = zip(self.cells.loc[row], self.ranks.loc[row], strict=True)
            grid.add_row(str(row), *(Text(cell, styles.get(rank, "")) for cell, rank in marked))
        console.print("", Text(self.heading, "bold"), grid, sep="\n")
        claims = len(self.claims)
        for sentence in self.sentences()[: -claims or None]:
            console.print(Text(sentence, "dim"))
        for c in self.claims:
            style = "dim" if self.toy else OUTCOME_STYLES[c.outcome]
            console.print(Text.assemble((self.outcome(c.outcome), style), f": {c.claim} ({c.detail})"))

    def _marked(self, escape: Callable[[str], str], best: str, second: str) -> pd.DataFrame:
        """The cells as text of a format, best and second best marked."""
        cells = self.cells.map(escape)
        cells = cells.mask(self.ranks == BEST, cells.map(best.format))
        cells = cells.mask(self.ranks == SECOND, cells.map(second.format))
        return cells.rename(index=escape, columns=escape)


def _printed(part: Results, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The printed cells of a table, and their ranks.

    Ours and the published numbers are ranked each for themselves, without the row of the data's generator; numbers that
    print alike share a rank. A column of published numbers needs one.
    """
    cells, ranks = pd.DataFrame(index=table.index), pd.DataFrame(index=table.index)
    status = part.groupby(["row", "title"], sort=False)["status"].agg(_worst).unstack("title")
    competing = ~part.groupby("row", sort=False)["generator"].first()
    for metric in part.metrics():
        title, ours = metric.title, f"{metric.title} {ARROWS[metric.better]}"
        number = f"{{:.{metric.digits}f}}".format
        cells[ours] = table[title].map(number).where(table[title].notna(), status[title])
        if f"{title} (std)" in table and (deviation := table[f"{title} (std)"]).notna().any():
            cells[ours] += deviation.map(lambda d, number=number: "" if pd.isna(d) else f" ± {number(d)}")
        ranks[ours] = _ranks(table[title].where(competing), metric.digits, metric.better)
        published = table[f"{title} (paper)"]
        if published.notna().any():
            cells[f"{title} (paper)"] = published.map(number).where(published.notna(), "–")
            ranks[f"{title} (paper)"] = _ranks(published, metric.digits, metric.better)
    return cells, ranks


def _worst(status: pd.Series[str]) -> str:
    return next((s for s in status if s != FINISHED), FINISHED)


def _ranks(values: pd.Series[float], digits: int, better: str) -> pd.Series[int]:
    """1, 2, or 0 for all others, and for all where there is nothing to compare."""
    ranks = values.round(digits).rank(method="dense", ascending=better == "lower")
    return ranks.where((ranks <= SECOND) & (ranks.max() > 1), 0).astype(int)


def escape_markdown(text: str) -> str:
    """Characters with a meaning in Markdown; labels, file names and reasons may have any."""
    return re.sub(r"([\\|*_`\[\]#])", r"\\\1", str(text)).replace("<", "&lt;").replace("\n", " ")


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "±": r"$\pm$",
    "–": "--",
    "\n": " ",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def escape_latex(text: str) -> str:
    """Characters with a meaning in LaTeX, and those that the tables use beyond ASCII."""
    return "".join(_LATEX.get(character, character) for character in str(text))
