"""Ctrl-C and SIGTERM end a run after the current iteration, so that it can save itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from zoo.distributed import launcher
from zoo.errors import ZooError


class RunInterruptedError(ZooError):
    """The run was asked to stop and has saved itself.

    Args:
        cause: What asked, such as "Ctrl-C" or "SIGTERM"; begins the message.
        details: The rest of the message: how far the run came, and how to continue it.
    """

    def __init__(self, cause: str, details: str) -> None:
        super().__init__(f"Stopped by {cause}{details}")
        self.cause = cause


class StopRequest:
    """Remembers a signal until the end of the iteration.

    Attributes:
        signal: Name of the signal that was received, or None.
    """

    def __init__(self) -> None:
        self.signal: str | None = None

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Signal handler."""
        # A launcher repeats the signal of the terminal; a person who presses Ctrl-C twice means it.
        if self.signal is not None and number == signal.SIGINT and launcher() == "none":
            raise KeyboardInterrupt
        self.signal = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catch SIGINT and SIGTERM for the time of the block, in the main thread (no other can catch them)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
