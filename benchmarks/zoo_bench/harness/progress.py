"""Progress of a bench: live on a terminal, as plain lines elsewhere, and for ``--status``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from zoo.errors import ZooError, nearest
from zoo_bench.cell import RUNNING, CellFolder, CellStatus, clock
from zoo_bench.grid import Grid, RowCells
from zoo_bench.harness.selection import selected

INTERVAL = 15.0
"""Seconds between two lines about the same cell where there is no terminal."""


@dataclass
class Progress:
    """Counters of one run of the harness.

    ``titles`` names all cells by key, ``running`` has the start times of those that run, ``seconds`` the durations of
    those that this run has finished, and ``jobs`` is how many run at a time.
    """

    titles: Mapping[str, str]
    jobs: int
    running: dict[str, float] = field(default_factory=dict)
    waiting: int = 0
    finished: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)

    def left(self, statuses: Mapping[str, CellStatus]) -> float | None:
        """Estimated seconds until all cells are finished; None if unknown.

        It adds what is left of the running cells and, for each waiting one, the mean of those that are finished.
        """
        now = time.monotonic()
        known = {key: status.left for key, status in statuses.items() if status.left is not None}
        lengths = self.seconds or [now - self.running[key] + left for key, left in known.items()]
        if not lengths:
            return None
        mean = sum(lengths) / len(lengths)
        ahead = [known.get(key, max(0.0, mean - (now - begun))) for key, begun in self.running.items()]
        return max([*ahead, (sum(ahead) + mean * self.waiting) / max(1, self.jobs)])

    def summary(self, statuses: Mapping[str, CellStatus]) -> str:
        """Counts and the time left, in one line."""
        left = self.left(statuses)
        failed = f", {self.failed} failed" if self.failed else ""
        rest = "" if left is None else f", about {clock(left)} left in all"
        return f"{self.finished} of {len(self.titles)} cells finished{failed}{rest}"


class View:
    """Base class of progress displays; shows nothing."""

    def __init__(self, out: Path, progress: Progress) -> None:
        self.out, self.progress = out, progress

    def open(self) -> None:
        """Before the first cell."""

    def say(self, text: str) -> None:
        """Report something about all cells."""

    def event(self, key: str, text: str) -> None:
        """Report what happened to a cell."""

    def refresh(self) -> None:
        """Called a few times a second."""

    def close(self) -> None:
        """After the last cell, or when something went wrong."""

    def _running(self) -> dict[str, CellStatus]:
        statuses = {key: CellStatus.of(self.out / "cells" / key) for key in self.progress.running}
        # a process that was just started may not hold the lock yet
        return {key: s if s.phase in RUNNING else CellStatus("starting") for key, s in statuses.items()}


class Lines(View):
    """Lines on standard error: events of cells, and their progress, at most every :data:`INTERVAL` seconds."""

    def __init__(self, out: Path, progress: Progress) -> None:
        super().__init__(out, progress)
        self._numbers = {key: number for number, key in enumerate(progress.titles, 1)}
        self._shown: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr, flush=True)

    def event(self, key: str, text: str) -> None:
        """Print a line with the title of the cell."""
        self._shown[key] = time.monotonic()
        self.say(f"[{self._numbers[key]}/{len(self._numbers)}] {self.progress.titles[key]} ({key}): {text}")

    def refresh(self) -> None:
        """Print a line for each cell that had none for a while."""
        now = time.monotonic()
        if all(now - self._shown.get(key, -INTERVAL) < INTERVAL for key in self.progress.running):
            return
        statuses = self._running()
        for key, status in statuses.items():
            if now - self._shown.get(key, -INTERVAL) >= INTERVAL:
                self.event(key, f"{status.text()}; {self.progress.summary(statuses)}")


class Terminal(Lines):
    """A live view with one line per running cell and one for all, below the events."""

    def __init__(self, out: Path, progress: Progress, console: Console | None = None) -> None:
        super().__init__(out, progress)
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._drawn = 0.0

    def open(self) -> None:
        """Start the live view."""
        self._live.start()

    def say(self, text: str) -> None:
        """Print a line above the live view."""
        self._console.print(Text(text))

    def refresh(self) -> None:
        """Update the live view."""
        if time.monotonic() - self._drawn >= 1.0:  # reads a few files per cell
            self._drawn = time.monotonic()
            statuses = self._running()
            self._live.update(Group(_grid(self._named(statuses)), Text(self.progress.summary(statuses), "bold")))

    def close(self) -> None:
        """End the live view."""
        self._live.stop()

    def _named(self, statuses: Mapping[str, CellStatus]) -> Iterator[tuple[str, CellStatus]]:
        return ((self.progress.titles[key], status) for key, status in statuses.items())


def view(out: Path, counts: Progress, *, progress: bool) -> View:
    """The view that fits: live on a terminal, lines elsewhere, or none."""
    if not progress:
        return View(out, counts)
    return Terminal(out, counts) if sys.stderr.isatty() else Lines(out, counts)


def show_status(out: Path, *, tables: Sequence[str] | None = None, only: Sequence[str] = ()) -> None:
    """Print the progress of every cell of a bench, table by table, from its files.

    Args:
        out: The folder of the bench.
        tables: Their names, or None for all.
        only: Patterns of rows, see :func:`zoo_bench.harness.selection.selected`.

    Raises:
        ZooError: Where there is no bench, and for names and patterns that match nothing in it.
    """
    grid = Grid.load(out)
    for name in tables or ():
        if name not in grid.tables:
            hint = nearest(name, list(grid.tables)) or ";"
            raise ZooError(f'The bench in {out} has no table "{name}"{hint} it has {", ".join(grid.tables)}.')
    shown = {name: rows for name, rows in selected(grid, only).items() if tables is None or name in tables}
    keys = dict.fromkeys(key for rows in shown.values() for one in rows for key in one.cells)
    statuses = {key: CellStatus.of(out / "cells" / key) for key in keys}
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
    for name, rows in shown.items():
        console.print(Text(f"Table {name}: {grid.tables[name].title}", "bold"))
        console.print(_grid((line for one in rows for line in _lines(one, out, statuses)), wrap=True), "")
    phases = [status.phase for status in statuses.values()]
    counts = ", ".join(f"{phases.count(phase)} {phase}" for phase in dict.fromkeys(phases))
    console.print(f"{out}, profile {grid.profile}: {len(phases)} cells ({counts}).")


def _lines(one: RowCells, out: Path, statuses: Mapping[str, CellStatus]) -> Iterator[tuple[str, CellStatus]]:
    if one.failure:
        yield one.row.label, CellStatus("failed", note=one.failure)
    for key in one.cells:
        seed = f" (seed {CellFolder(out / 'cells' / key).seed})" if len(one.cells) > 1 else ""
        yield one.row.label + seed, statuses[key]


def _grid(lines: Iterable[tuple[str, CellStatus]], *, wrap: bool = False) -> Table:
    """One line per cell: title, phase, bar, count, time left, and losses, results or failure as far as they fit."""
    table = Table.grid(padding=(0, 2))
    for _ in range(5):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=not wrap, overflow="fold" if wrap else "ellipsis", ratio=1)
    for title, status in lines:
        losses = "  ".join(f"{name} {value:.3g}" for name, value in status.losses.items())
        table.add_row(
            Text(title),
            Text(status.phase),
            ProgressBar(status.total, status.done, width=16) if status.total else "",
            f"{status.done}/{status.total}" if status.total else "",
            f"about {clock(status.left)}" if status.left is not None else "",
            Text(status.note or losses),
        )
    return table
