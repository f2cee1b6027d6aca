"""Ctrl-C and SIGTERM: finish the iteration, save, say how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from mmengine.hooks import Hook

from zoo.distributed import any_rank, launcher
from zoo.errors import ZooError


class RunInterruptedError(ZooError):
    """The run was asked to stop and has saved itself."""


class StopRequest:
    """Remembers a signal until the loop has time for it."""

    def __init__(self) -> None:
        self.signal: str | None = None

    def receive(self, number: int, frame: FrameType | None) -> None:
        # A launcher repeats the signal of the terminal; a person who presses Ctrl-C twice means it.
        if self.signal is not None and number == signal.SIGINT and launcher() == "none":
            raise KeyboardInterrupt
        self.signal = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catch SIGINT and SIGTERM for the time of the block (only the main thread may; elsewhere they act as ever)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class InterruptHook(Hook):
    """Ends the loop on all ranks after the same iteration once one of them was asked to stop."""

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        if any_rank(self.request.signal is not None):
            self.request.signal = self.request.signal or "a signal on another rank"
            runner.train_loop.stop_training = True
