"""How far a cell is, read from the files of its folder alone, while it runs or long after."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from zoo_bench.harness.state import Failure, State, held
from zoo_bench.stored import StoredCell

TAIL = 16384
"""Bytes at the end of a log that are read: its last losses, and enough lines to see how fast it goes."""

Word = Literal["waiting", "starting", "training", "evaluating", "stopped", "finished", "failed"]
RUNNING = ("starting", "training", "evaluating")


@dataclass(frozen=True)
class Standing:
    """word: "stopped" is a cell that nobody runs and that has a beginning. done, total: iterations or pictures.
    losses: the last ones. left: seconds to the end of the phase, None where nothing tells. note: results, or why it
    failed.
    """

    word: Word
    done: int = 0
    total: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    left: float | None = None
    note: str = ""

    @classmethod
    def of(cls, folder: Path) -> Standing:
        """The standing of the cell in a folder, which need not exist."""
        cell, state = StoredCell(folder), State.load(folder)
        if held(folder):
            if state is None or state.phase not in ("training", "evaluating"):
                return cls("starting")
            return _training(cell, state) if state.phase == "training" else _evaluating(state)
        failure = Failure.load(folder)
        if failure is not None:
            return cls("failed", note=failure.reason)
        metrics = cell.content.get("metrics", [])
        if metrics and all(metric in cell.values for metric in metrics):
            return cls("finished", note=_numbers(cell))
        if cell.saved is None:
            return cls("waiting")
        if state is not None and state.phase in ("evaluating", "done"):
            return cls("stopped", note=f"trained, but not evaluated{' by all metrics' if cell.values else ''}")
        return cls("stopped", cell.saved, state.total if state is not None and state.phase == "training" else 0)

    def text(self) -> str:
        """The standing in one line."""
        unit = " pictures" if self.word == "evaluating" else ""
        parts = [f"{self.word} {self.done}/{self.total}{unit}" if self.total else str(self.word)]
        parts += [f"{name} {value:.3g}" for name, value in self.losses.items()]
        parts += [f"about {clock(self.left)} left"] if self.left is not None else []
        return ", ".join(parts) + (f": {self.note}" if self.note else "")


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))


def _training(cell: StoredCell, state: State) -> Standing:
    lines = [line for line in _tail(cell.log) if "losses" in line]
    if not lines:
        return Standing("training", state.done, state.total)
    last, each = lines[-1], _seconds_each(lines, state.done)
    done = max(state.done, last["iteration"])
    left = None if each is None or not state.total else each * (state.total - done)
    return Standing("training", done, state.total, last["losses"], left)


def _seconds_each(lines: list[dict[str, Any]], begun: int) -> float | None:
    """Seconds per iteration of the present process, which began after iteration ``begun``; the clock is the run's."""
    own = [line for line in lines if line["iteration"] > begun]
    if not own:
        return None
    before = lines[: len(lines) - len(own)]
    start = {"iteration": begun, "seconds": before[-1]["seconds"] if before else 0.0}
    first, last = own[0] if len(own) > 1 else start, own[-1]
    return float(last["seconds"] - first["seconds"]) / (last["iteration"] - first["iteration"])


def _evaluating(state: State) -> Standing:
    left = None
    if state.done:
        passed = max(0.0, state.time - state.since)
        left = max(0.0, passed / state.done * state.total - (time.time() - state.since))
    return Standing("evaluating", state.done, state.total, left=left)


def _tail(path: Path) -> list[dict[str, Any]]:
    """The last lines of a log that are whole; none where there is no log yet."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:  # cut off by the tail, or being written
            continue
    return [line for line in lines if isinstance(line, dict) and "iteration" in line]


def _numbers(cell: StoredCell) -> str:
    values = {metric: cell.values[metric] for metric in cell.content["metrics"]}
    return ", ".join(
        f"{metric} {value:.{2 if math.fabs(value) >= 10 else 4}f}"
        for metric, value in values.items()
        if value is not None
    )
