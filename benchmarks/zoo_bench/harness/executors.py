"""Where cells run: in worker processes of this machine, in this process, or as jobs of a cluster."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Protocol

from zoo_bench.harness.state import OUTPUT, CellBusyError, Failure


@dataclass(frozen=True)
class Ended:
    """What became of the work on a cell: it is done (or has failed, and says so itself), another process is busy with
    it, or its worker died. why: who is busy ("is being run by ..."), or of what it died ("was ended by ...").
    """

    folder: Path
    what: Literal["done", "busy", "died"]
    why: str = ""


class Executor(Protocol):
    """Runs the cells of folders, a few at a time."""

    @property
    def jobs(self) -> int | None:
        """How many cells run at a time; None for as many as there are."""

    @property
    def free(self) -> int:
        """How many more cells may be started now."""

    def start(self, folder: Path) -> None:
        """Begin the work on a cell. Raises ZooError where the machinery itself refuses."""

    def wait(self, seconds: float) -> list[Ended]:
        """The cells that have ended since the last call, after ``seconds`` at most."""

    def stop(self) -> None:
        """Have every cell save itself, and wait for that."""

    def close(self) -> None:
        """Let go of what is idle, and kill what is not."""


class InProcess:
    """One cell after another in this process, where a debugger can follow."""

    jobs = 1

    def __init__(self) -> None:
        self._ended: list[Ended] = []

    @property
    def free(self) -> int:
        return 1 - len(self._ended)

    def start(self, folder: Path) -> None:
        from zoo_bench.harness.worker import work

        try:
            work(folder)
            self._ended.append(Ended(folder, "done"))
        except CellBusyError as error:
            self._ended.append(Ended(folder, "busy", str(error)))

    def wait(self, seconds: float) -> list[Ended]:
        ended, self._ended = self._ended, []
        if not ended:
            time.sleep(seconds)
        return ended

    def stop(self) -> None:
        return

    def close(self) -> None:
        return


class Workers:
    """Up to ``jobs`` worker processes at a time. Each serves one cell after another, because starting one takes
    seconds; after a crash, or an error that nobody foresaw, a new one takes its place.

    With several jobs, each has one of the machine's GPUs in turn, or else its share of the processor's cores.
    """

    def __init__(self, jobs: int, plugins: Sequence[Path] = ()) -> None:
        self._plugins = plugins
        self._environments = environments(jobs)
        self._workers: list[_Worker | None] = [None] * jobs
        self._answers: queue.SimpleQueue[tuple[_Worker, str]] = queue.SimpleQueue()

    @property
    def jobs(self) -> int:
        return len(self._workers)

    @property
    def free(self) -> int:
        return len(self._workers) - len(self._at_work())

    def start(self, folder: Path) -> None:
        slot = next(n for n, worker in enumerate(self._workers) if worker is None or worker.folder is None)
        worker = self._workers[slot]
        if worker is None or worker.process.poll() is not None:
            worker = _Worker(folder, self._plugins, self._environments[slot], self._answers)
            self._workers[slot] = worker
        worker.take(folder)

    def wait(self, seconds: float) -> list[Ended]:
        ended = []
        # first see who died, then read: a worker that died after its answer has answered
        dead = [worker for worker in self._at_work() if worker.process.poll() is not None]
        for worker in dead:
            worker.listener.join(1.0)  # a process that it left behind may hold its output open
        with suppress(queue.Empty):
            worker, answer = self._answers.get(timeout=0 if dead else seconds)
            while True:
                folder, worker.folder = worker.folder, None
                assert folder is not None, "an answer without an order"
                busy = json.loads(answer)
                ended.append(Ended(folder, "done") if busy is None else Ended(folder, "busy", busy))
                if (failure := Failure.load(folder)) is not None and failure.trace is not None:
                    self._retire(worker)
                worker, answer = self._answers.get_nowait()
        for worker in dead:
            if worker.folder is not None:
                ended.append(Ended(worker.folder, "died", _cause(worker.process.returncode, worker.folder)))
                worker.folder = None
        return ended

    def stop(self) -> None:
        for worker in self._at_work():
            worker.process.send_signal(signal.SIGTERM)
        self._dismiss()

    def close(self) -> None:
        for worker in self._at_work():
            worker.process.kill()
        self._dismiss()

    def _dismiss(self) -> None:
        workers = [worker for worker in self._workers if worker is not None]
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.process.wait()
            worker.folder = None

    def _at_work(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker is not None and worker.folder is not None]

    def _retire(self, worker: _Worker) -> None:
        """Whatever an unforeseen error left behind in a process, such as a broken GPU context, must not spread."""
        worker.dismiss()
        self._workers[self._workers.index(worker)] = None


class _Worker:
    """A worker process; folder: the cell that it works on. Its answers go to a queue that all workers share."""

    def __init__(
        self,
        folder: Path,
        plugins: Sequence[Path],
        environment: dict[str, str],
        answers: queue.SimpleQueue[tuple[_Worker, str]],
    ) -> None:
        self.folder: Path | None = None
        # -P: modules come from where the harness has them, not from the folder that it works in
        safe = [] if {"", str(Path.cwd())} & set(sys.path) else ["-P"]
        chosen = [word for path in plugins for word in ("--plugin", str(path))]
        with (folder / OUTPUT).open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *safe, "-m", "zoo_bench.harness.worker", *chosen],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=environment,
                text=True,
                # Ctrl-C reaches the harness alone
                start_new_session=True,
            )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._orders: IO[str] = self.process.stdin
        self._lines: IO[str] = self.process.stdout
        self.listener = threading.Thread(target=self._listen, args=(answers,), daemon=True)
        self.listener.start()

    def take(self, folder: Path) -> None:
        """Order the work on a cell; a worker that has just died is noticed when it is waited for."""
        self.folder = folder
        with suppress(BrokenPipeError):
            self._orders.write(json.dumps(str(folder)) + "\n")
            self._orders.flush()

    def dismiss(self) -> None:
        """No more orders: an idle worker ends, one at work saves itself and ends."""
        with suppress(BrokenPipeError):
            self._orders.close()

    def _listen(self, answers: queue.SimpleQueue[tuple[_Worker, str]]) -> None:
        with self._lines:
            for line in self._lines:
                answers.put((self, line))


def environments(jobs: int) -> list[dict[str, str]]:
    """The environment of each of ``jobs`` workers: its GPU, in turn, or its share of the cores; one has them all."""
    environment = dict(os.environ)
    if jobs == 1:
        return [environment]
    gpus = _gpus()
    if gpus:
        return [environment | {"CUDA_VISIBLE_DEVICES": gpus[slot % len(gpus)]} for slot in range(jobs)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = max(1, cores // jobs)
    return [{"OMP_NUM_THREADS": str(threads)} | environment] * jobs


def _gpus() -> list[str]:
    """The names of the GPUs that torch sees, as CUDA_VISIBLE_DEVICES has them."""
    import torch

    count = torch.cuda.device_count()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return chosen.split(",")[:count] if chosen else [str(number) for number in range(count)]


def _cause(code: int, folder: Path) -> str:
    """Why a process ended without an answer, after the words "Its worker"."""
    if code == 130:
        return "was told to stop, and saved itself"
    if code >= 0:
        return f"ended with exit code {code}: {folder / OUTPUT} says more"
    name = signal.Signals(-code).name
    hint = " (by hand, or because memory ran out)" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}; {folder / OUTPUT} may say more"
