"""Running cells on this machine: each in its own process, or one after another in the current process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

from zoo_bench.cell import CellBusyError, CellFolder

BUSY, INTERRUPTED = 75, 130
"""Exit codes of a cell's process. 0: the cell finished or failed, as recorded in its folder."""


@dataclass(frozen=True)
class Ended:
    """The end of the work on a cell.

    ``done``: it finished, or failed and wrote its ``failed.json``. ``busy``: another process runs it. ``died``: its
    process ended before that. ``why`` explains the last two ("is being run by ...", "was ended by ...").
    """

    folder: Path
    outcome: Literal["done", "busy", "died"]
    why: str = ""


class Executor(ABC):
    """Runs cells, a few at a time: ``jobs`` of them (None: as many as there are)."""

    jobs: int | None

    @property
    @abstractmethod
    def free(self) -> int:
        """How many more cells may be started now."""

    @abstractmethod
    def start(self, folder: Path) -> None:
        """Begin the work on a cell. Raises ZooError where that is refused."""

    @abstractmethod
    def wait(self, seconds: float) -> list[Ended]:
        """The cells that have ended since the last call, after ``seconds`` at most."""

    def stop(self) -> None:  # noqa: B027  (not every executor has something to stop)
        """Ask every training to save a checkpoint, and wait for it."""

    def close(self) -> None:  # noqa: B027  (not every executor has something to kill)
        """Kill all running cells."""


class InProcess(Executor):
    """One cell after another in this process, for a debugger."""

    jobs = free = 1

    def __init__(self) -> None:
        self._ended: list[Ended] = []

    def start(self, folder: Path) -> None:
        """Run the cell."""
        from zoo_bench.harness.worker import run_cell

        try:
            run_cell(folder)
            self._ended.append(Ended(folder, "done"))
        except CellBusyError as error:
            self._ended.append(Ended(folder, "busy", str(error)))

    def wait(self, seconds: float) -> list[Ended]:
        """The cells that were run."""
        ended, self._ended = self._ended, []
        if not ended:
            time.sleep(seconds)
        return ended


class Processes(Executor):
    """One process per cell, ``jobs`` at a time; each uses one of the GPUs in turn, or its share of the cores.

    Importing torch takes seconds. Without GPUs, one server process imports it once, and every cell is forked from it.
    With GPUs, every process imports torch itself, since CUDA does not work in forks of a process that has already
    queried GPUs, as some libraries do on import.
    """

    def __init__(self, jobs: int, plugins: Sequence[Path] = ()) -> None:
        self.jobs: int = jobs
        self._plugins = plugins
        gpus = _gpus()
        self._context: ForkServerContext | SpawnContext = multiprocessing.get_context("spawn")
        if not gpus and "forkserver" in multiprocessing.get_all_start_methods():
            self._context = multiprocessing.get_context("forkserver")
            self._context.set_forkserver_preload(["zoo_bench.harness.worker"])
        self._shares = shares(jobs, gpus)
        self._running: dict[int, tuple[Path, BaseProcess]] = {}

    @property
    def free(self) -> int:
        """How many more cells may be started now."""
        return self.jobs - len(self._running)

    def start(self, folder: Path) -> None:
        """Start the process of a cell."""
        from zoo_bench.harness.worker import process_main

        slot = next(slot for slot in range(self.jobs) if slot not in self._running)
        with _variables(self._shares[slot]):  # libraries read them when they are loaded
            place = Path.cwd(), dict(os.environ)  # of which a fork of the server has older ones
            process = self._context.Process(target=process_main, args=(folder, self._plugins, *place))
            process.start()
        self._running[slot] = folder, process

    def wait(self, seconds: float) -> list[Ended]:
        """The cells whose processes have ended."""
        if not self._running:
            time.sleep(seconds)
        ready = wait([process.sentinel for _, process in self._running.values()], seconds)
        for _, process in self._running.values():
            if process.sentinel in ready:
                process.join(seconds)  # its pipe closes a moment before the process is gone
        over = [slot for slot, (_, process) in self._running.items() if process.exitcode is not None]
        return [_ended(*self._running.pop(slot)) for slot in over]

    def stop(self) -> None:
        """SIGTERM for every process: trainings save themselves."""
        for _, process in self._running.values():
            process.terminate()
        self._join()

    def close(self) -> None:
        """SIGKILL for every process."""
        for _, process in self._running.values():
            process.kill()
        self._join()

    def _join(self) -> None:
        for _, process in self._running.values():
            process.join()
        self._running.clear()


def shares(jobs: int, gpus: Sequence[str]) -> list[dict[str, str]]:
    """Environment variables for each of ``jobs`` processes: its GPU, in turn, or its number of threads.

    One job has all GPUs and all cores; a number of threads in OMP_NUM_THREADS stays.
    """
    if jobs == 1:
        return [{}]
    if gpus:
        return [{"CUDA_VISIBLE_DEVICES": gpus[slot % len(gpus)]} for slot in range(jobs)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [{} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(max(1, cores // jobs))}] * jobs


@contextmanager
def _variables(changed: Mapping[str, str]) -> Iterator[None]:
    """Environment variables of this process for the time of the block."""
    before = dict(os.environ)
    os.environ.update(changed)
    try:
        yield
    finally:
        for name in changed:
            del os.environ[name]
        os.environ.update(before)


def _gpus() -> list[str]:
    """The names of the GPUs that torch sees, as CUDA_VISIBLE_DEVICES has them."""
    import torch

    count = torch.cuda.device_count()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return chosen.split(",")[:count] if chosen else [str(number) for number in range(count)]


def _ended(folder: Path, process: BaseProcess) -> Ended:
    code, files = process.exitcode or 0, CellFolder(folder)
    process.join()
    if code == 0:
        return Ended(folder, "done")
    state = files.state
    if code == BUSY or files.running:
        holder = "another process" if state is None else f"process {state.pid} on {state.host}"
        return Ended(folder, "busy", f"is being run by {holder}")
    if code == INTERRUPTED:
        return Ended(folder, "died", "was stopped; its training is saved")
    if code > 0:
        return Ended(folder, "died", f"ended with exit code {code}: see {files.output}")
    name = signal.Signals(-code).name
    hint = " (by hand, or because memory ran out)" if name == "SIGKILL" else ""
    return Ended(folder, "died", f"was ended by {name}{hint}; see {files.output}")
