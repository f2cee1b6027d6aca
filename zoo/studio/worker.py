"""One thread that runs the networks, with a bounded queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import torch

from zoo.errors import ZooError

Result = TypeVar("Result")


class BusyError(ZooError):
    """The queue is full."""


class Worker:
    """Runs jobs one after another in inference mode.

    At most ``waiting`` jobs wait while one runs; a job that is cancelled while it waits frees its place.
    """

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._changed = threading.Condition()
        self._running = False
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="zoo-studio", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        """Queue a job. Raises BusyError if the queue is full."""
        future: Future[Result] = Future()
        with self._changed:
            self._jobs = deque(waiting for waiting in self._jobs if not waiting[0].cancelled())
            # while the thread is free, the first job of the queue counts as running
            if len(self._jobs) + self._running > self.waiting:
                raise BusyError(
                    f"The studio is busy with {len(self._jobs) + self._running} other requests: try again in a moment."
                )
            self._jobs.append((future, job))
            self._changed.notify()
        return future

    def close(self, timeout: float = 5.0) -> None:
        """Cancel the jobs that wait, and wait up to ``timeout`` seconds for the running one."""
        with self._changed:
            self._closed = True
            for future, _ in self._jobs:
                future.cancel()
            self._changed.notify()
        self._thread.join(timeout)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if self._closed:
                    return
                future, job = self._jobs.popleft()
                self._running = True
            if future.set_running_or_notify_cancel():
                self._run(future, job)
            # free the memory of a finished job before waiting for the next
            del future, job
            with self._changed:
                self._running = False

    @staticmethod
    def _run(future: Future[Any], job: Callable[[], Any]) -> None:
        try:
            with torch.inference_mode():
                future.set_result(job())
        except BaseException as error:  # raised again where the result is awaited
            future.set_exception(error)
