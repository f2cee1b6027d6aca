"""The harness: runs all missing cells and writes the report. A failing cell does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.config import is_toy
from zoo.engine import RunInterruptedError
from zoo.engine.interrupt import StopRequest
from zoo.errors import ZooError
from zoo.metrics import Networks
from zoo.plugins import load_plugins
from zoo_bench.cell import Cell, CellStatus, Failure, clock
from zoo_bench.grid import BenchOptions, RowCells, build_grid, used_checkpoints
from zoo_bench.harness.evaluation import missing_metrics
from zoo_bench.harness.local import Ended, Executor, Processes
from zoo_bench.harness.progress import Progress, View, view
from zoo_bench.harness.selection import selected
from zoo_bench.report import write as write_report
from zoo_bench.sources import ExternalCheckpoint, checkpoint_files
from zoo_bench.tables import Table, available, choose, read, require_metrics

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
"""Initial and maximum delay in seconds before retrying a cell that another bench is running."""
SAVED = ": trainings are saved, and the same bench command continues."


def run(
    tables: Sequence[str],
    *,
    profile: str,
    out: Path,
    data_root: Path | None = None,
    seed: int | None = None,
    seeds: int = 1,
    sets: Sequence[str] = (),
    checkpoints: Sequence[Path] = (),
    plugins: Sequence[Path] = (),
    only: Sequence[str] = (),
    retry_failed: bool = False,
    executor: Executor | None = None,
    tables_files: Sequence[Path] = (),
    source: Path | None = None,
    progress: bool = True,
) -> int:
    """Run the missing cells of some tables, write the report of ``out`` and print its tables.

    Finished cells below ``out/cells`` are reused and unfinished ones resumed.

    Args:
        tables: Their names; ``["all"]`` for all that are not extra.
        profile: Name of a profile.
        out: The folder of the bench.
        data_root: The folder of the datasets, or of the only one that is needed. Without it a profile with
            ``data.standin`` draws stand-ins below ``out/data``, and another one reads ``data/<name>``.
        seed: The first seed (None: the config's).
        seeds: Runs of each row.
        sets: Further settings of all runs (``"train.iterations=5"``).
        checkpoints: Files or folders; they replace training in the rows that they fit.
        plugins: Plugins to load, here and where cells run.
        only: Patterns of rows, see :func:`zoo_bench.harness.selection.selected`.
        retry_failed: Also run cells that failed before.
        executor: Where cells run; by default in one process after another.
        tables_files: YAML files with further tables.
        source: A folder of tables that replaces all registered ones.
        progress: Show progress on standard error.

    Returns:
        The number of failed cells.

    Raises:
        ZooError: For options that cannot work, before anything runs.
        RunInterruptedError: After Ctrl-C or SIGTERM, when trainings are saved and the report is written.
    """
    load_plugins(plugins)
    known = available(tables_files) if source is None else read(source, check=False)
    chosen = choose(known, tables, toy=is_toy(profile))
    require_metrics(chosen)
    options = BenchOptions(profile, out, data_root, seed, seeds, sets)
    grid = build_grid(chosen, options, [one for path in checkpoints for one in _used(path, chosen, options)])
    rows = [one for rows in selected(grid, only).values() for one in rows]
    grid.save(out)
    cells = [grid.cells[key] for key in dict.fromkeys(key for one in rows for key in one.cells)]
    executor = executor or Processes(1, plugins)
    titles = {cell.key: _title(cell, next(one for one in rows if cell.key in one.cells)) for cell in cells}
    state = Progress(titles, jobs=executor.jobs or len(cells))
    watched = view(out, state, progress=progress)
    session = Session(state, executor, watched, retry_failed=retry_failed)
    try:
        session.run(cells, others=[cell for cell in grid.cells.values() if cell.key not in titles])
    except RunInterruptedError:
        watched.say(f"Writing the report of what is finished to {out}.")
        try:
            write_report(out)
        except Exception as error:  # trainings are saved all the same
            watched.say(f"The report could not be written ({error}); `zoo report {out}` tries again.")
        raise
    write_report(out).show()
    return state.failed + len({one.failure for one in rows if one.failure})


def _used(path: Path, tables: Mapping[str, Table], options: BenchOptions) -> list[ExternalCheckpoint]:
    """The checkpoints at a path that fit a row. Raises ZooError if there are none, since all rows would be trained."""
    found = [ExternalCheckpoint.read(file) for file in checkpoint_files(path)]
    used = used_checkpoints(found, tables, options)
    if not used:
        content = dict.fromkeys(f"{one.name} on {one.config.data['name']}" for one in found)
        raise ZooError(
            f"No row of the tables {', '.join(tables)} fits what --checkpoints {path} holds ({', '.join(content)}): "
            "give checkpoints with the method, the dataset and the settings of a row, or choose other tables."
        )
    return used


def _title(cell: Cell, row: RowCells) -> str:
    """Title of a cell, from its first row, since a method may have several cells on one dataset."""
    seed = f", seed {cell.seed}" if len(row.cells) > 1 else ""
    return f"{row.row.label} on {cell.config.data['name']}{seed}"


class Session:
    """One run of the harness over some cells."""

    def __init__(self, progress: Progress, executor: Executor, view: View, *, retry_failed: bool = False) -> None:
        self.progress, self.executor, self.view, self.retry_failed = progress, executor, view, retry_failed
        self.begun = time.time()
        self.networks = Networks(allow_random=True)
        self.waiting: dict[str, Cell] = {}
        self.running: dict[str, Cell] = {}
        self.elsewhere: dict[str, tuple[float, float]] = {}
        """By key: when to try a cell again that another bench runs, and how long to wait after that."""

    def run(self, cells: Sequence[Cell], others: Sequence[Cell] = ()) -> None:
        """Run the cells; ``others`` only get their ``cell.json``, for the report and ``--status``.

        Raises:
            RunInterruptedError: When asked to stop, after every training has saved itself.
        """
        request = StopRequest()
        with request.listening():
            try:
                self.view.open()
                self._sort(cells, others)
                while (self.waiting or self.running) and request.signal is None:
                    self._start()
                    for ended in self.executor.wait(0.2):
                        self._end(ended)
                    self.view.refresh()
                if request.signal is not None:
                    self.view.say("Stopping: trainings are saved first.")
                    self.executor.stop()
                    raise RunInterruptedError(request.signal, SAVED)
            except RunInterruptedError as error:
                # the error of a cell in this process names the command to resume that training only
                raise RunInterruptedError(error.cause, SAVED) from error
            finally:
                self.view.close()
                self.executor.close()

    def _sort(self, cells: Sequence[Cell], others: Sequence[Cell]) -> None:
        """Determine which cells to run."""
        for cell in others:
            if not self._is_finished(cell):
                cell.save()
        for cell in cells:
            if self._is_finished(cell):
                self.progress.finished += 1
                continue
            cell.save()
            failure = cell.files.failure
            if failure is None or failure.again or self.retry_failed:
                self.waiting[cell.key] = cell
            else:
                self._failed(cell, f"failed before, --retry-failed tries it again: {failure.reason}")
        self.progress.waiting = len(self.waiting)
        if self.progress.finished:
            self.view.say(f"{self.progress.finished} of {len(cells)} cells are finished already.")

    def _start(self) -> None:
        """Start as many cells as possible."""
        for key, cell in list(self.waiting.items()):
            now = time.monotonic()
            if self.executor.free <= 0:
                break
            if key in self.elsewhere and (now < self.elsewhere[key][0] or self._ended_elsewhere(cell)):
                continue
            del self.waiting[key]
            self.running[key], self.progress.running[key] = cell, now
            self.executor.start(cell.folder)
        self.progress.waiting = len(self.waiting)

    def _ended_elsewhere(self, cell: Cell) -> bool:
        """Whether the other bench that ran this cell has finished it."""
        failure = cell.files.failure
        if failure is not None and failure.time > self.begun:
            self._failed(cell, f"failed in another bench: {failure.reason}")
        elif self._is_finished(cell):
            self._finished(cell, f"finished by another bench: {CellStatus.of(cell.folder).note}")
        else:
            return False
        del self.waiting[cell.key]
        return True

    def _end(self, ended: Ended) -> None:
        cell = self.running.pop(ended.folder.name)
        seconds = time.monotonic() - self.progress.running.pop(cell.key)
        if ended.outcome == "busy":
            self._try_later(cell, ended.why)
            return
        if ended.outcome == "died":
            Failure(f"Its worker {ended.why}; the same command tries it again.", again=True).save(cell.folder)
        failure = cell.files.failure
        if failure is not None:
            self._failed(cell, f"failed: {failure.reason}")
        else:
            self.progress.seconds.append(seconds)
            self._finished(cell, f"finished in {clock(seconds)}: {CellStatus.of(cell.folder).note}")

    def _try_later(self, cell: Cell, why: str) -> None:
        if cell.key not in self.elsewhere:
            self.view.event(cell.key, f"{why}; waiting for it")
        pause = min(LONGEST_PAUSE, self.elsewhere.get(cell.key, (0.0, FIRST_PAUSE))[1])
        self.elsewhere[cell.key] = (time.monotonic() + pause, 2 * pause)
        self.waiting[cell.key] = cell
        self.progress.waiting = len(self.waiting)

    def _finished(self, cell: Cell, text: str) -> None:
        self.progress.finished += 1
        self.view.event(cell.key, text)

    def _failed(self, cell: Cell, text: str) -> None:
        self.progress.failed += 1
        self.view.event(cell.key, text)

    def _is_finished(self, cell: Cell) -> bool:
        try:
            return not missing_metrics(cell, self.networks)
        except ZooError:  # damaged results, which the worker reports
            return False
