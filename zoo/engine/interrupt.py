"""Handling of Ctrl-C and SIGTERM: a run finishes the current iteration and saves a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from zoo.distributed import launcher
from zoo.errors import ZooError


class RunInterruptedError(ZooError):
    """The run was interrupted, after saving a checkpoint.

    Args:
        cause: The cause, such as "Ctrl-C" or "SIGTERM"; begins the message.
        details: The rest of the message: the progress of the run, and how to resume it.
    """

    def __init__(self, cause: str, details: str) -> None:
        super().__init__(f"Stopped by {cause}{details}")
        self.cause = cause


class StopRequest:
    """Stores a signal until the end of the iteration.

    Attributes:
        signal: Name of the signal that was received, or None.
    """

    def __init__(self) -> None:
        self.signal: str | None = None

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Signal handler."""
        # a launcher repeats the terminal's signal at once; a later second Ctrl-C is intentional
        if self.signal is not None and number == signal.SIGINT and launcher() == "none":
            raise KeyboardInterrupt
        self.signal = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Context that catches SIGINT and SIGTERM in the main thread (other threads cannot)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
