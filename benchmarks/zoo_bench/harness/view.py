"""What a person sees of a bench: a live view on a terminal, plain lines elsewhere, and the answer to ``--status``."""

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
from zoo_bench.grid import Grid, Place
from zoo_bench.harness.selection import selected
from zoo_bench.harness.standing import RUNNING, Standing, clock
from zoo_bench.stored import StoredCell

SELDOM = 15.0
"""Seconds between two lines about the same cell, where there is no terminal."""


@dataclass
class Course:
    """How a run of the harness goes: the cells at work (by key, since when), those that wait, and those that ended.

    seconds: how long each took that this run has finished. jobs: how many run at a time.
    """

    titles: Mapping[str, str]
    jobs: int
    running: dict[str, float] = field(default_factory=dict)
    waiting: int = 0
    finished: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)

    def left(self, standings: Mapping[str, Standing]) -> float | None:
        """Seconds to the end of everything, from what is left of the cells at work and the mean of those that this run
        has finished; None where nothing tells yet. Cells differ, so it is no more than an estimate.
        """
        now = time.monotonic()
        known = {key: standing.left for key, standing in standings.items() if standing.left is not None}
        lengths = self.seconds or [now - self.running[key] + left for key, left in known.items()]
        if not lengths:
            return None
        mean = sum(lengths) / len(lengths)
        ahead = [known.get(key, max(0.0, mean - (now - begun))) for key, begun in self.running.items()]
        return max([*ahead, (sum(ahead) + mean * self.waiting) / max(1, self.jobs)])

    def summary(self, standings: Mapping[str, Standing]) -> str:
        left = self.left(standings)
        failed = f", {self.failed} failed" if self.failed else ""
        rest = "" if left is None else f", about {clock(left)} left in all"
        return f"{self.finished} of {len(self.titles)} cells finished{failed}{rest}"


class View:
    """Nobody is told anything: what the harness calls."""

    def __init__(self, out: Path, course: Course) -> None:
        self.out, self.course = out, course

    def open(self) -> None:
        """Before the first cell."""

    def say(self, text: str) -> None:
        """Something about all cells."""

    def tell(self, key: str, text: str) -> None:
        """Something happened to a cell."""

    def refresh(self) -> None:
        """Called a few times a second."""

    def close(self) -> None:
        """After the last cell, or when something went wrong."""

    def _standings(self) -> dict[str, Standing]:
        standings = {key: Standing.of(self.out / "cells" / key) for key in self.course.running}
        # a worker that has just been started has not taken its cell yet
        return {key: s if s.word in RUNNING else Standing("starting") for key, s in standings.items()}


class Lines(View):
    """Lines on standard error: what happens to a cell, and how far it is every :data:`SELDOM` seconds at most."""

    def __init__(self, out: Path, course: Course) -> None:
        super().__init__(out, course)
        self._numbers = {key: number for number, key in enumerate(course.titles, 1)}
        self._told: dict[str, float] = {}

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def tell(self, key: str, text: str) -> None:
        self._told[key] = time.monotonic()
        self.say(f"[{self._numbers[key]}/{len(self._numbers)}] {self.course.titles[key]} ({key}): {text}")

    def refresh(self) -> None:
        now = time.monotonic()
        if all(now - self._told.get(key, -SELDOM) < SELDOM for key in self.course.running):
            return
        standings = self._standings()
        for key, standing in standings.items():
            if now - self._told.get(key, -SELDOM) >= SELDOM:
                self.tell(key, f"{standing.text()}; {self.course.summary(standings)}")


class Terminal(Lines):
    """A line for every cell at work and one for all, kept up to date; what happened scrolls by above them."""

    def __init__(self, out: Path, course: Course, console: Console | None = None) -> None:
        super().__init__(out, course)
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._drawn = 0.0

    def open(self) -> None:
        self._live.start()

    def say(self, text: str) -> None:
        self._console.print(Text(text))

    def refresh(self) -> None:
        if time.monotonic() - self._drawn >= 1.0:  # looking into the folders costs something
            self._drawn = time.monotonic()
            standings = self._standings()
            self._live.update(Group(_grid(self._named(standings)), Text(self.course.summary(standings), "bold")))

    def close(self) -> None:
        self._live.stop()

    def _named(self, standings: Mapping[str, Standing]) -> Iterator[tuple[str, Standing]]:
        return ((self.course.titles[key], standing) for key, standing in standings.items())


def view(out: Path, course: Course, *, progress: bool) -> View:
    """The view that fits: live on a terminal, lines elsewhere, or none."""
    if not progress:
        return View(out, course)
    return Terminal(out, course) if sys.stderr.isatty() else Lines(out, course)


def show_status(out: Path, *, tables: Sequence[str] | None = None, only: Sequence[str] = ()) -> None:
    """Print how far every cell of a bench is, table by table, from its files alone.

    tables: their names, or None for all. only: patterns, see :func:`zoo_bench.harness.selection.selected`. Raises
    ZooError where there is no bench, and for names and patterns that fit nothing in it.
    """
    grid = Grid.load(out)
    for name in tables or ():
        if name not in grid.tables:
            hint = nearest(name, list(grid.tables)) or ";"
            raise ZooError(f'The bench in {out} has no table "{name}"{hint} it has {", ".join(grid.tables)}.')
    shown = {name: rows for name, rows in selected(grid, only).items() if tables is None or name in tables}
    keys = dict.fromkeys(key for rows in shown.values() for place in rows for key in place.cells)
    standings = {key: Standing.of(out / "cells" / key) for key in keys}
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
    for name, rows in shown.items():
        console.print(Text(f"Table {name}: {grid.tables[name].title}", "bold"))
        console.print(_grid((line for place in rows for line in _lines(place, out, standings)), wrap=True), "")
    words = [standing.word for standing in standings.values()]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    console.print(f"{out}, profile {grid.profile}: {len(words)} cells ({counts}).")


def _lines(place: Place, out: Path, standings: Mapping[str, Standing]) -> Iterator[tuple[str, Standing]]:
    if place.failure:
        yield place.row.label, Standing("failed", note=place.failure)
    for key in place.cells:
        seed = f" (seed {StoredCell(out / 'cells' / key).seed})" if len(place.cells) > 1 else ""
        yield place.row.label + seed, standings[key]


def _grid(lines: Iterable[tuple[str, Standing]], *, wrap: bool = False) -> Table:
    """One line per cell: title, phase, bar, count, time left, and losses, results or failure as far as they fit."""
    table = Table.grid(padding=(0, 2))
    for _ in range(5):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=not wrap, overflow="fold" if wrap else "ellipsis", ratio=1)
    for title, standing in lines:
        losses = "  ".join(f"{name} {value:.3g}" for name, value in standing.losses.items())
        table.add_row(
            Text(title),
            Text(standing.word),
            ProgressBar(standing.total, standing.done, width=16) if standing.total else "",
            f"{standing.done}/{standing.total}" if standing.total else "",
            f"about {clock(standing.left)}" if standing.left is not None else "",
            Text(standing.note or losses),
        )
    return table
