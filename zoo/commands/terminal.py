"""Terminal output of commands: progress bars and tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Context with a callback (done, total) that shows a progress bar on a terminal and is silent elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a table; the first column, which users copy, is never wrapped."""
    if not rows:
        print(f"{title}: none")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(rows[0] if rows else ()):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in row.values()))
    Console(width=None if sys.stdout.isatty() else 160).print(table, "")
