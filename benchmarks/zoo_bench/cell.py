"""A cell is one run of the bench. Its folder contains its description, progress and results.

torch and pandas are only imported when results or pictures are read, so `zoo bench --status` is fast.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import filelock

from zoo.config import Config
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo_bench import sources
from zoo_bench.sources import Source

if TYPE_CHECKING:
    import pandas as pd

    from zoo.metrics.results import Result
    from zoo_bench.showcase import Showcase

log = logging.getLogger(__name__)
T = TypeVar("T")
LOG_TAIL = 16384
"""Bytes read from the end of a training log, enough for the last losses and the speed."""


class CellBusyError(ZooError):
    """Another process is running the cell."""


@dataclass
class Cell:
    """Description of a run: ``source`` is trained if necessary, and evaluated with ``metrics``.

    ``data`` describes the pictures. ``folder`` contains the run and its results.
    """

    source: Source
    config: Config
    data: str
    folder: Path
    metrics: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The name of its folder, which contains a hash of everything that affects its numbers."""
        return self.folder.name

    @property
    def seed(self) -> int:
        """Seed of the training and of the random codes."""
        return self.config.train.seed

    @property
    def files(self) -> CellFolder:
        """The files in its folder."""
        return CellFolder(self.folder)

    def save(self) -> None:
        """Write ``cell.json``, which is read by workers in other processes or on other machines."""
        content = {"config": self.config.to_dict(), "data": self.data, "metrics": self.metrics}
        _write_json(self.folder / "cell.json", sources.description(self.source) | content, indent=2)

    @classmethod
    def load(cls, folder: Path) -> Cell:
        """Read the output of :meth:`save`. Raises ZooError if it is missing or invalid."""
        path = folder / "cell.json"
        try:
            content = json.loads(path.read_text())
            config = Config.from_dict(content["config"], str(path))
            return cls(sources.from_description(content), config, content["data"], folder, content["metrics"])
        except (OSError, ValueError, KeyError) as error:
            raise ZooError(f"{path} does not describe a cell ({error}): run `zoo bench` again to write it.") from error


@dataclass(frozen=True)
class State:
    """``state.json``: the current activity of a worker.

    ``done`` and ``total`` count iterations in training and pictures in evaluation; ``since`` is the start of the phase
    and ``time`` the moment of writing, in unix seconds.
    """

    phase: Literal["training", "evaluating", "done", "failed"]
    done: int = 0
    total: int = 0
    since: float = field(default_factory=time.time)
    time: float = field(default_factory=time.time)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)

    def save(self, folder: Path) -> None:
        """Write the file."""
        _write_json(folder / "state.json", asdict(self))


@dataclass(frozen=True)
class Failure:
    """``failed.json``: why a cell failed, and the file with the traceback.

    ``again``: the cause is external (killed, disk full), so the next command retries the cell automatically.
    """

    reason: str
    trace: str | None = None
    again: bool = False
    time: float = field(default_factory=time.time)

    def save(self, folder: Path) -> None:
        """Write the file."""
        _write_json(folder / "failed.json", asdict(self))


class CellFolder:
    """The files of a cell. Each file is read once; missing or damaged files count as empty.

    ``output`` is the captured output of libraries and the stack of a crash; ``results_file`` has one JSON line per
    metric, ``pictures_file`` the numbers of every picture, ``showcase_file`` pictures for the figures. ``problems``
    collects a message for each damaged file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.output = path / "output.txt"
        self.results_file = path / "results.jsonl"
        self.pictures_file = path / "pictures.parquet"
        self.showcase_file = path / "showcase.npz"
        self.problems: list[str] = []

    @cached_property
    def description(self) -> dict[str, Any]:
        """The content of ``cell.json``: config, metrics, source."""
        return self._read("cell.json", _json_object) or {}

    @cached_property
    def record(self) -> dict[str, Any]:
        """The content of ``record.json``, written by a finished training."""
        return self._read("record.json", _json_object) or {}

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config as plain values."""
        return dict(self.description.get("config", {}))

    @property
    def seed(self) -> int:
        """Seed of the training and of the random codes."""
        return int(self.config.get("train", {}).get("seed", 0))

    @property
    def saved_iteration(self) -> int | None:
        """The iteration of the newest checkpoint, from its name; None if there is none."""
        numbers = [int(path.stem.removeprefix("iter_")) for path in self.path.glob("iter_*.pth")]
        return max(numbers, default=0) if (self.path / "latest.pth").is_file() else None

    @property
    def state(self) -> State | None:
        """The state written by the last worker; None if missing or unreadable."""
        return _load(State, self.path / "state.json")

    @property
    def failure(self) -> Failure | None:
        """Why the last attempt failed; None if it did not."""
        return _load(Failure, self.path / "failed.json")

    def forget_failure(self) -> None:
        """Remove ``failed.json`` before the cell is retried."""
        (self.path / "failed.json").unlink(missing_ok=True)

    @cached_property
    def values(self) -> dict[str, float | None]:
        """The values by metric."""

        def read(path: Path) -> dict[str, float | None]:
            entries = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
            return {entry["metric"]: entry["value"] for entry in entries}

        return self._read(self.results_file.name, read) or {}

    @cached_property
    def results(self) -> dict[str, Result]:
        """The numbers with their protocol, by metric."""
        from zoo.metrics import results

        return {result.metric: result for result in self._read(self.results_file.name, results.read) or []}

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """The numbers of every picture, with the columns index, name, metric, value."""
        import pandas as pd

        found = self._read(self.pictures_file.name, pd.read_parquet)
        return pd.DataFrame({"index": [], "name": [], "metric": [], "value": []}) if found is None else found

    @cached_property
    def showcase(self) -> Showcase | None:
        """Pictures for the figures."""
        from zoo_bench.showcase import Showcase

        return self._read(self.showcase_file.name, Showcase.load)

    def _read(self, name: str, read: Callable[[Path], T]) -> T | None:
        path = self.path / name
        try:
            return read(path) if path.is_file() else None
        except ZooError as error:
            self.problems.append(str(error))
        except (OSError, ValueError, TypeError, KeyError) as error:
            self.problems.append(
                f"{name} of the cell {self.path.name} cannot be read ({error}): run `zoo bench` again."
            )
        return None

    @contextmanager
    def locked(self, patience: float = 1.0) -> Iterator[None]:
        """Context that holds the lock of the cell; the lock is released whenever the process ends.

        Args:
            patience: Seconds to wait for the lock.

        Raises:
            CellBusyError: Names the process that holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=patience)
        except filelock.Timeout as error:
            state = self.state
            holder = "another process" if state is None else f"process {state.pid} on {state.host}"
            raise CellBusyError(f"is being run by {holder}") from error
        except (OSError, NotImplementedError) as error:
            log.warning("%s cannot be locked (%s), so run only one bench at a time.", self.path, error)
        try:
            yield
        finally:
            lock.release()

    @property
    def running(self) -> bool:
        """Whether any process is running the cell."""
        path = self.path / "lock"
        if not path.exists():
            return False
        lock = filelock.FileLock(path)
        try:
            lock.acquire(timeout=0.02, poll_interval=0.01)  # a second look: another reader may be looking, too
        except filelock.Timeout:
            return True
        except (OSError, NotImplementedError):  # no locks on this file system
            return False
        lock.release()
        return False


Phase = Literal["waiting", "starting", "training", "evaluating", "stopped", "finished", "failed"]
RUNNING = ("starting", "training", "evaluating")


@dataclass(frozen=True)
class CellStatus:
    """The progress of a cell.

    ``stopped``: no process runs it, and it can continue from a checkpoint. ``done`` and ``total`` count iterations or
    pictures; ``losses`` are the last ones; ``left`` is the estimate of seconds to the end of the phase; ``note`` has
    the results, or the reason of the failure.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    left: float | None = None
    note: str = ""

    @classmethod
    def of(cls, folder: Path) -> CellStatus:
        """The status of the cell in a folder, which may not exist."""
        files = CellFolder(folder)
        state, failure = files.state, files.failure
        if files.running:
            if state is None or state.phase not in ("training", "evaluating"):
                return cls("starting")
            return _training(folder, state) if state.phase == "training" else _evaluating(state)
        if failure is not None:
            return cls("failed", note=failure.reason)
        metrics = files.description.get("metrics", [])
        if metrics and all(metric in files.values for metric in metrics):
            numbers = [(m, v) for m in metrics if (v := files.values[m]) is not None]
            return cls("finished", note=", ".join(f"{m} {v:.{2 if abs(v) >= 10 else 4}f}" for m, v in numbers))
        if files.saved_iteration is None:
            return cls("waiting")
        if state is not None and state.phase in ("evaluating", "done"):
            return cls("stopped", note=f"trained, but not evaluated{' by all metrics' if files.values else ''}")
        total = state.total if state is not None and state.phase == "training" else 0
        return cls("stopped", files.saved_iteration, total)

    def text(self) -> str:
        """The status in one line."""
        unit = " pictures" if self.phase == "evaluating" else ""
        parts = [f"{self.phase} {self.done}/{self.total}{unit}" if self.total else str(self.phase)]
        parts += [f"{name} {value:.3g}" for name, value in self.losses.items()]
        parts += [f"about {clock(self.left)} left"] if self.left is not None else []
        return ", ".join(parts) + (f": {self.note}" if self.note else "")


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))


def _training(folder: Path, state: State) -> CellStatus:
    lines = _log_tail(folder / "log.jsonl")
    if not lines:
        return CellStatus("training", state.done, state.total)
    done, each = max(state.done, lines[-1]["iteration"]), _seconds_per_iteration(lines, state.done)
    left = None if each is None or not state.total else each * (state.total - done)
    return CellStatus("training", done, state.total, lines[-1]["losses"], left)


def _seconds_per_iteration(lines: list[dict[str, Any]], begun: int) -> float | None:
    """Computed from the iterations since ``begun``, the start of this process; the log has seconds of the whole run."""
    own = [line for line in lines if line["iteration"] > begun]
    if not own:
        return None
    before = lines[: len(lines) - len(own)]
    start = {"iteration": begun, "seconds": before[-1]["seconds"] if before else 0.0}
    first, last = own[0] if len(own) > 1 else start, own[-1]
    return float(last["seconds"] - first["seconds"]) / (last["iteration"] - first["iteration"])


def _evaluating(state: State) -> CellStatus:
    left = None
    if state.done:
        passed = max(0.0, state.time - state.since)
        left = max(0.0, passed / state.done * state.total - (time.time() - state.since))
    return CellStatus("evaluating", state.done, state.total, left=left)


def _log_tail(path: Path) -> list[dict[str, Any]]:
    """The last complete lines of a training log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:  # truncated, or being written
            continue
    return [line for line in lines if isinstance(line, dict) and "losses" in line]


def _json_object(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def _load(cls: Callable[..., T], path: Path) -> T | None:
    try:
        return cls(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _write_json(path: Path, content: Mapping[str, object], indent: int | None = None) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=indent) + "\n")
