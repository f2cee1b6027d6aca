"""Tables as text: Markdown, LaTeX, and on the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from zoo_bench.report.entries import BEST, SECOND, Entry, ShownTable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def markdown(table: ShownTable, level: int = 2) -> str:
    """A section with the table, what its marks mean, its protocol and its claims."""
    parts = [f"{'#' * level} {escape_markdown(table.heading)}", escape_markdown(table.directions)]
    head = [escape_markdown(column) for column in table.columns]
    rule = [":---", *["---:"] * (len(head) - 1)]
    rows = [[_markdown_entry(entry) for entry in row] for row in table.rows]
    if any(table.notes):
        head, rule = [*head, "note"], [*rule, ":---"]
        rows = [[*row, escape_markdown(note)] for row, note in zip(rows, table.notes, strict=True)]
    parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)))
    parts += [escape_markdown(text) for text in (table.remark, _legend(table)) if text]
    if table.protocol:
        listed = "\n".join(f"- {escape_markdown(who)}: {escape_markdown(words)}" for who, words in table.protocol)
        parts.append(f"Protocol:\n\n{listed}")
    if table.verdicts:
        lines = "\n".join(
            f"- **{v.headline}**: {escape_markdown(v.claim.text)} ({escape_markdown(v.detail)})" for v in table.verdicts
        )
        parts.append(f"Claims of the paper in this run:\n\n{lines}")
    return "\n\n".join(parts)


def _markdown_entry(entry: Entry) -> str:
    text = escape_markdown(entry.text)
    text = f"**{text}**" if entry.rank == BEST else f"<u>{text}</u>" if entry.rank == SECOND else text
    return f"{text}<sup>{entry.marks}</sup>" if entry.marks else text


def escape_markdown(text: str) -> str:
    """Characters with a meaning in Markdown; labels, file names and reasons may have any."""
    return re.sub(r"([\\|*_`\[\]#])", r"\\\1", text).replace("<", "&lt;").replace("\n", " ")


def latex(table: ShownTable) -> str:
    """A ``table`` for LaTeX with the package booktabs."""
    head = " & ".join(map(escape_latex, table.columns))
    rows = [" & ".join(map(_latex_entry, row)) + r" \\" for row in table.rows]
    notes = [f"{row[0].text}: {note}." for row, note in zip(table.rows, table.notes, strict=True) if note]
    below = [table.directions, table.remark, _legend(table), *_sentences(table.protocol), *notes]
    below += [f"{verdict.line}." for verdict in table.verdicts]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{escape_latex(table.heading.partition(': ')[2])}}}",
            rf"  \label{{tab:{re.sub(r'[^A-Za-z0-9]', '-', table.name)}}}",
            rf"  \begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
            r"    \toprule",
            rf"    {head} \\",
            r"    \midrule",
            *(f"    {row}" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            *(rf"  \par\footnotesize {escape_latex(text)}" for text in below if text),
            r"\end{table}",
            "",
        ]
    )


def _latex_entry(entry: Entry) -> str:
    text = escape_latex(entry.text)
    text = rf"\textbf{{{text}}}" if entry.rank == BEST else rf"\underline{{{text}}}" if entry.rank == SECOND else text
    return rf"{text}\textsuperscript{{{entry.marks}}}" if entry.marks else text


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
    return "".join(_LATEX.get(character, character) for character in text)


def terminal(console: Console, table: ShownTable) -> None:
    """Print the table, its protocol and its claims."""
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(title=table.heading, title_justify="left", title_style="bold", show_lines=True)
    for number, column in enumerate(table.columns):
        grid.add_column(column, overflow="fold", justify="right" if number else "left")
    if any(table.notes):
        grid.add_column("note", overflow="fold", ratio=1)
    for row, note in zip(table.rows, table.notes, strict=True):
        grid.add_row(*map(_terminal_entry, row), *([note] if any(table.notes) else []))
    console.print("", grid)
    for text in (table.directions, table.remark, _legend(table), *_sentences(table.protocol)):
        if text:
            console.print(text, style="dim")
    for verdict in table.verdicts:
        style = "dim" if verdict.toy else _STYLES[verdict.outcome]
        console.print(Text.assemble((verdict.headline, style), f": {verdict.claim.text} ({verdict.detail})"))


_STYLES = {"held": "bold green", "did not hold": "bold red", "cannot be told": "bold yellow"}


def _terminal_entry(entry: Entry) -> Text:
    from rich.text import Text

    style = {BEST: "bold", SECOND: "underline"}.get(entry.rank, "")
    return Text.assemble((entry.text, style), (f" {entry.marks}" if entry.marks else "", "dim"))


def _legend(table: ShownTable) -> str:
    return "; ".join(f"{letter}: {meaning}" for letter, meaning in sorted(table.legend.items())) + "." * bool(
        table.legend
    )


def _sentences(protocol: Iterable[tuple[str, str]]) -> Sequence[str]:
    return [f"{who}: {words}." for who, words in protocol]
