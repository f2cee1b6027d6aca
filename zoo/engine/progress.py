"""Where the run is, for a person: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

from mmengine.hooks import Hook
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ProgressHook(Hook):
    """Shows iterations, the remaining time and the last losses on standard error; for the main rank only."""

    def __init__(self) -> None:
        self.bar: Progress | None = None
        self.task = TaskID(0)
        self.first = 0
        self.started = time.monotonic()

    def before_train(self, runner: Any) -> None:
        self.first = runner.iter
        self.started = time.monotonic()
        if sys.stderr.isatty():
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            text = TextColumn("[progress.description]{task.description}")
            self.bar = Progress(*columns, text, console=Console(stderr=True))
            self.task = self.bar.add_task("", total=runner.max_iters, completed=runner.iter)
            self.bar.start()

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        if self.bar is not None:
            self.bar.update(self.task, completed=runner.iter)

    def after_log(self, runner: Any, record: dict[str, Any]) -> None:
        losses = "  ".join(f"{name} {value:.3f}" for name, value in record["losses"].items())
        if self.bar is not None:
            self.bar.update(self.task, description=f"epoch {record['epoch']}  {losses}")
            return
        each = (time.monotonic() - self.started) / max(1, runner.iter - self.first)
        left = timedelta(seconds=round(each * (runner.max_iters - runner.iter)))
        place = f"iteration {runner.iter}/{runner.max_iters}  epoch {record['epoch']}"
        print(f"{place}  {each:.2f} s each  {left} left  {losses}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal in order, however the run ended."""
        if self.bar is not None:
            self.bar.stop()
