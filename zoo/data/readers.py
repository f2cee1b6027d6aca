"""Processes that read pictures, and what happens to them when everything is told to stop.

A terminal and Slurm signal all processes of a run at once. The run wants to finish its iteration and save itself, which
it can only do while its readers live: torch ends a run whose readers die. So readers heed nobody but the process that
started them.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes started in the block do not hear SIGINT and SIGTERM; this one hears them after the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def obey_parent(worker: int) -> None:
    """In a process started under :func:`deaf_children`: end when the parent says so (torch's ``worker_init_fn``)."""
    if hasattr(signal, "sigwaitinfo"):
        threading.Thread(target=_await_parent, args=(os.getppid(),), daemon=True).start()
    else:  # macOS cannot tell who sent a signal
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _await_parent(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
