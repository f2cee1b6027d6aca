"""The harness: has every cell trained and judged that is missing, and the report written.

No cell's failure stops another one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.engine import RunInterruptedError
from zoo.engine.interrupt import StopRequest
from zoo.errors import ZooError
from zoo.metrics import Networks
from zoo.plugins import load_plugins
from zoo_bench.given import Given, find
from zoo_bench.grid import Cell, Choices, Place, fitting, lay_out
from zoo_bench.harness.executors import Ended, Executor, Workers
from zoo_bench.harness.judge import missing
from zoo_bench.harness.selection import selected
from zoo_bench.harness.standing import Standing, clock
from zoo_bench.harness.state import Failure
from zoo_bench.harness.view import Course, View, view
from zoo_bench.report import write as write_report
from zoo_bench.tables import TABLES, Table, read

SOON, LATE = 5.0, 60.0
"""Seconds until a cell that another bench runs is asked for again: at first, and at most."""


def run(
    tables: Sequence[str],
    *,
    profile: str,
    out: Path,
    data_root: Path | None = None,
    seed: int | None = None,
    seeds: int = 1,
    sets: Sequence[str] = (),
    given: Sequence[Path] = (),
    plugins: Sequence[Path] = (),
    only: Sequence[str] = (),
    retry_failed: bool = False,
    executor: Executor | None = None,
    source: Path = TABLES,
    progress: bool = True,
) -> int:
    """Fill the tables of these names (``["all"]`` for every one) and return how many of their cells have failed.

    Finished cells below ``out/cells`` are reused, unfinished ones resumed, failed ones tried again with
    ``retry_failed``. Writes the report of ``out`` and prints its tables; ``progress`` tells on standard error what goes
    on. data_root: the folder of the datasets, or of the one dataset that is asked for; without it a profile with
    ``data.standin`` draws stand-ins below ``out/data``, another one reads ``data/<name>``. seeds: runs of each row.
    sets: further settings (``"train.iterations=5"``) of all runs. given: checkpoints, or folders of them, that take the
    place of training in the rows that they fit. only: patterns, see :func:`zoo_bench.harness.selection.selected`.
    executor: where the cells run, by default one after another in a worker process. source: the tables file.

    Raises ZooError for choices that make no sense at all, and RunInterruptedError after Ctrl-C or SIGTERM, when all is
    saved and the report of what is finished is written.
    """
    load_plugins(plugins)
    chosen = read(source).choose(tables, profile)
    choices = Choices(profile, out, data_root, seed, seeds, sets)
    grid = lay_out(chosen, choices, [one for path in given for one in _fitting(path, chosen, choices)])
    rows = [place for places in selected(grid, only).values() for place in places]
    grid.save(out)
    cells = [grid.cells[key] for key in dict.fromkeys(key for place in rows for key in place.cells)]
    executor = executor or Workers(1, plugins)
    titles = {cell.key: _title(cell, next(p for p in rows if cell.key in p.cells)) for cell in cells}
    course = Course(titles, jobs=executor.jobs or len(cells))
    watched = view(out, course, progress=progress)
    session = Session(course, executor, watched, retry_failed=retry_failed)
    try:
        session.run(cells, others=[cell for cell in grid.cells.values() if cell.key not in titles])
    except RunInterruptedError:
        watched.say(f"Writing the report of what is finished to {out}.")
        try:
            write_report(out)
        except Exception as error:  # what was being trained is saved all the same
            watched.say(f"The report could not be written ({error}); `zoo report {out}` tries again.")
        raise
    write_report(out).show()
    return course.failed + len({place.failure for place in rows if place.failure})


def _fitting(path: Path, tables: Mapping[str, Table], choices: Choices) -> list[Given]:
    """The checkpoints at a path that fit a row. Raises ZooError where none does: all would be trained, unnoticed."""
    found = find(path)
    fit = fitting(found, tables, choices)
    if not fit:
        held = dict.fromkeys(f"{one.config.method['name']} on {one.config.data['name']}" for one in found)
        raise ZooError(
            f"No row of the tables {', '.join(tables)} fits what --checkpoints {path} holds ({', '.join(held)}): give "
            "checkpoints with the method, the dataset and the settings of a row, or choose other tables."
        )
    return fit


def _title(cell: Cell, place: Place) -> str:
    """A cell in words, by the first row that shows it: methods may have several cells on one dataset."""
    seed = f", seed {cell.seed}" if len(place.cells) > 1 else ""
    return f"{place.row.label} on {cell.config.data['name']}{seed}"


class Session:
    """One run of the harness over some cells."""

    def __init__(self, course: Course, executor: Executor, view: View, *, retry_failed: bool = False) -> None:
        self.course, self.executor, self.view, self.retry_failed = course, executor, view, retry_failed
        self.begun = time.time()
        self.networks = Networks(allow_random=True)
        self.waiting: dict[str, Cell] = {}
        self.at_work: dict[str, Cell] = {}
        self.elsewhere: dict[str, tuple[float, float]] = {}
        """By key: when to ask again for a cell that another bench runs, and how long to wait after that."""

    def run(self, cells: Sequence[Cell], others: Sequence[Cell] = ()) -> None:
        """See the cells through; ``others`` are only described in their folders, for the report and ``--status``.

        Raises RunInterruptedError when asked to stop, after everything at work has saved itself.
        """
        request = StopRequest()
        with request.listening():
            try:
                self.view.open()
                self._sort(cells, others)
                while (self.waiting or self.at_work) and request.signal is None:
                    self._start()
                    for ended in self.executor.wait(0.2):
                        self._end(ended)
                    self.view.refresh()
                if request.signal is not None:
                    self.view.say("Stopping: what is being trained is saved first.")
                    self.executor.stop()
                    raise RunInterruptedError(
                        f"Stopped by {request.signal}; what was being trained is saved, and the same bench command "
                        "continues."
                    )
            except RunInterruptedError as error:
                # a cell of this very process speaks of its own command
                text = str(error).split(", continue with")[0].removesuffix(".")
                raise RunInterruptedError(
                    f"{text}." if "the same bench command" in text else f"{text}; the same bench command continues."
                ) from error
            finally:
                self.view.close()
                self.executor.close()

    def _sort(self, cells: Sequence[Cell], others: Sequence[Cell]) -> None:
        """Find out which cells are to be run."""
        for cell in others:
            if not self._is_finished(cell):
                cell.save()
        for cell in cells:
            if self._is_finished(cell):
                self.course.finished += 1
                continue
            cell.save()
            failure = Failure.load(cell.folder)
            if failure is None or failure.again or self.retry_failed:
                self.waiting[cell.key] = cell
            else:
                self._failed(cell, f"failed before, --retry-failed tries it again: {failure.reason}")
        self.course.waiting = len(self.waiting)
        if self.course.finished:
            self.view.say(f"{self.course.finished} of {len(cells)} cells are finished already.")

    def _start(self) -> None:
        """Start as many cells as there is room for."""
        for key, cell in list(self.waiting.items()):
            now = time.monotonic()
            if self.executor.free <= 0:
                break
            if key in self.elsewhere and (now < self.elsewhere[key][0] or self._settled(cell)):
                continue
            del self.waiting[key]
            self.at_work[key], self.course.running[key] = cell, now
            self.executor.start(cell.folder)
        self.course.waiting = len(self.waiting)

    def _settled(self, cell: Cell) -> bool:
        """Whether the other bench, which had this cell, has brought it to an end."""
        failure = Failure.load(cell.folder)
        if failure is not None and failure.time > self.begun:
            self._failed(cell, f"failed in another bench: {failure.reason}")
        elif self._is_finished(cell):
            self._finished(cell, f"finished by another bench: {Standing.of(cell.folder).note}")
        else:
            return False
        del self.waiting[cell.key]
        return True

    def _end(self, ended: Ended) -> None:
        cell = self.at_work.pop(ended.folder.name)
        seconds = time.monotonic() - self.course.running.pop(cell.key)
        if ended.what == "busy":
            self._ask_later(cell, ended.why)
            return
        if ended.what == "died":
            Failure(f"Its worker {ended.why}; the same command tries it again.", again=True).save(cell.folder)
        failure = Failure.load(cell.folder)
        if failure is not None:
            self._failed(cell, f"failed: {failure.reason}")
        else:
            self.course.seconds.append(seconds)
            self._finished(cell, f"finished in {clock(seconds)}: {Standing.of(cell.folder).note}")

    def _ask_later(self, cell: Cell, why: str) -> None:
        if cell.key not in self.elsewhere:
            self.view.tell(cell.key, f"{why}; waiting for it")
        pause = min(LATE, self.elsewhere.get(cell.key, (0.0, SOON))[1])
        self.elsewhere[cell.key] = (time.monotonic() + pause, 2 * pause)
        self.waiting[cell.key] = cell
        self.course.waiting = len(self.waiting)

    def _finished(self, cell: Cell, text: str) -> None:
        self.course.finished += 1
        self.view.tell(cell.key, text)

    def _failed(self, cell: Cell, text: str) -> None:
        self.course.failed += 1
        self.view.tell(cell.key, text)

    def _is_finished(self, cell: Cell) -> bool:
        try:
            return not missing(cell, self.networks)
        except ZooError:  # damaged results, which the worker will name
            return False
