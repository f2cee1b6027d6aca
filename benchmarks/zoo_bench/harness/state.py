"""What the folder of a cell says about the work on it: ``state.json``, ``failed.json``, and who holds its ``lock``."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from zoo.errors import ZooError
from zoo.files import atomic_file

log = logging.getLogger(__name__)

OUTPUT = "output.txt"
"""What the libraries printed while a worker was at the cell, and where it was when it crashed."""

Phase = Literal["training", "evaluating", "done", "failed"]


class CellBusyError(ZooError):
    """Another process runs the cell at this moment."""


@dataclass(frozen=True)
class State:
    """done, total: iterations in training, pictures in evaluation. since: when the phase began, and time: when this was
    written, both in unix seconds.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    since: float = field(default_factory=time.time)
    time: float = field(default_factory=time.time)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)

    def save(self, folder: Path) -> None:
        """Write ``state.json``."""
        _write(folder / "state.json", asdict(self))

    @classmethod
    def load(cls, folder: Path) -> State | None:
        """What was written last; None where nothing was, or where an older version of the zoo did."""
        try:
            return cls(**json.loads((folder / "state.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None


@dataclass(frozen=True)
class Failure:
    """Why a cell failed: a sentence, and the file beside it that holds the traceback.

    ``again``: its worker was ended from outside, so the next command tries it again without being told to.
    """

    reason: str
    trace: str | None = None
    again: bool = False
    time: float = field(default_factory=time.time)

    def save(self, folder: Path) -> None:
        """Write ``failed.json``."""
        _write(folder / "failed.json", asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Failure | None:
        """The failure of a cell; None where it did not fail."""
        try:
            return cls(**json.loads((folder / "failed.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    @staticmethod
    def clear(folder: Path) -> None:
        """Forget a failure, because the cell is tried again."""
        (folder / "failed.json").unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, patience: float = 1.0) -> Iterator[None]:
    """Hold the lock of a cell for the time of the block; it ends with the process, however that ends.

    ``patience``: seconds to wait for it, enough for whoever only looks whether it is held. Raises CellBusyError naming
    the process that holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise CellBusyError(f"is being run by {_holder(folder)}") from error
                time.sleep(0.05)
            except OSError as error:
                log.warning("%s cannot be locked (%s), so take care to start one bench at a time.", folder, error)
                break
        try:
            yield
        finally:
            # not left to the closing of the file: processes that read data may have inherited it
            fcntl.flock(file, fcntl.LOCK_UN)


def held(folder: Path) -> bool:
    """Whether some process runs the cell at this moment."""
    try:
        with (folder / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no such file, or no locks on this file system
        return False
    return False


def _write(path: Path, content: Mapping[str, object]) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(content) + "\n")


def _holder(folder: Path) -> str:
    state = State.load(folder)
    return "another process" if state is None else f"process {state.pid} on {state.host}"
