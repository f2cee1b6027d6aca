"""Logging: averaging of losses, ``log.jsonl``, trackers, and progress on the terminal."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Any

import torch
from mmengine.visualization import BaseVisBackend, MLflowVisBackend, TensorboardVisBackend, WandbVisBackend
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
from torch import Tensor

from zoo.distributed import is_main, mean_over_ranks
from zoo.engine.folder import RunFolder
from zoo.errors import ZooError


class LossMeter:
    """Means of the losses since the last log line, accumulated on the device."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of one iteration."""
        for name, loss in losses.items():
            value = loss.detach().float()
            self.sums[name] = self.sums[name] + value if name in self.sums else value
            self.counts[name] = self.counts.get(name, 0) + 1

    def means(self, folder: RunFolder, iteration: int) -> dict[str, float]:
        """The means over iterations and ranks; all ranks must call.

        Raises:
            ZooError: If one is NaN or infinite; ``folder`` and ``iteration`` are used in this message.
        """
        if not self.sums:
            return {}
        stacked = torch.stack([total / self.counts[name] for name, total in self.sums.items()])
        values = dict(zip(self.sums, mean_over_ranks(stacked).tolist(), strict=True))
        bad = [f"{name} = {value}" for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise folder.diverged(iteration, "the losses " + ", ".join(bad))
        return values

    def reset(self) -> None:
        """Reset the means."""
        self.sums, self.counts = {}, {}


class RunLog:
    """Writes ``log.jsonl`` and the trackers, on the main process only.

    The log has two kinds of lines, which both contain ``iteration``, ``epoch`` (both from 1) and ``seconds`` (training
    time since the first start of the run; a resumed run continues from the last line):

    - every ``train.log_every`` iterations, ``losses`` {name: mean over iterations and ranks} and ``lr`` {group: rate};
    - every ``train.evaluate.every`` iterations, ``metrics`` {full name: value}.

    Trackers receive the same numbers as ``loss/NAME``, ``lr/GROUP`` and ``metric/NAME``, and pictures as ``samples``.

    Args:
        folder: The run folder.
        trackers: Names from :data:`TRACKERS`.
    """

    def __init__(self, folder: RunFolder, trackers: Sequence[str]) -> None:
        self.folder = folder
        self.started = time.monotonic() - folder.logged_seconds()
        self.backends = open_trackers(trackers, folder) if is_main() else []

    def losses(self, iteration: int, epoch: int, losses: Mapping[str, float], rates: Mapping[str, float]) -> None:
        """Write a line of losses and learning rates."""
        self._line(iteration, epoch, lr=dict(rates), losses=dict(losses))
        self._scalars({f"loss/{k}": v for k, v in losses.items()} | {f"lr/{k}": v for k, v in rates.items()}, iteration)

    def metrics(self, iteration: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write a line of metrics."""
        self._line(iteration, epoch, metrics=dict(metrics))
        self._scalars({f"metric/{name}": value for name, value in metrics.items()}, iteration)

    def pictures(self, iteration: int, pixels: Tensor) -> None:
        """Log a picture, uint8 ``[3, H, W]``, to the trackers."""
        for backend in self.backends:
            backend.add_image("samples", pixels.permute(1, 2, 0).numpy(), step=iteration)

    def close(self) -> None:
        """Flush the trackers."""
        for backend in self.backends:
            backend.close()

    def _line(self, iteration: int, epoch: int, **numbers: Any) -> None:
        if is_main():
            seconds = round(time.monotonic() - self.started, 3)
            record = {"iteration": iteration, "epoch": epoch, "seconds": seconds, **numbers}
            with self.folder.log.open("a") as log:
                log.write(json.dumps(record) + "\n")

    def _scalars(self, scalars: Mapping[str, float], iteration: int) -> None:
        for backend in self.backends:
            backend.add_scalars(dict(scalars), step=iteration)


class _Wandb(WandbVisBackend):
    """mmengine's back end with the iteration as the step; the original counts calls."""

    def add_scalars(self, scalar_dict: dict[str, float], step: int = 0, **_: Any) -> None:
        self.experiment.log(scalar_dict, step=step)

    def add_image(self, name: str, image: Any, step: int = 0, **_: Any) -> None:
        self.experiment.log({name: self.experiment.Image(image)}, step=step)

    def close(self) -> None:
        if getattr(self, "_env_initialized", False):
            self.experiment.finish()


class _MLflow(MLflowVisBackend):
    """mmengine's back end with the iteration of pictures, and without uploading the whole run folder."""

    def add_image(self, name: str, image: Any, step: int = 0, **_: Any) -> None:
        self.experiment.log_image(image, key=name, step=step)

    def close(self) -> None:
        if getattr(self, "_env_initialized", False):
            self.experiment.end_run()


def _wandb(folder: RunFolder) -> BaseVisBackend:
    settings = {"project": os.environ.get("WANDB_PROJECT", "zoo"), "name": folder.path.resolve().name}
    return _Wandb(str(folder.events), init_kwargs=settings)


def _mlflow(folder: RunFolder) -> BaseVisBackend:
    store = os.environ.get("MLFLOW_TRACKING_URI")  # by default, files in the run folder
    if store is None:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow 3 requires a database or this setting
    experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", "zoo")
    name = folder.path.resolve().name
    return _MLflow(str(folder.events / "mlruns"), exp_name=experiment, run_name=name, tracking_uri=store)


def _tensorboard(folder: RunFolder) -> BaseVisBackend:
    return TensorboardVisBackend(str(folder.events / datetime.now().strftime("%Y%m%d_%H%M%S")))


TRACKERS: dict[str, Callable[[RunFolder], BaseVisBackend]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
"""The trackers by name, which is also the name of their package."""


def require_trackers(names: Sequence[str]) -> None:
    """Check that the packages of these trackers are installed.

    Raises:
        ZooError: Naming the first missing one.
    """
    for name in names:
        if find_spec(name) is None:
            raise ZooError(
                f"train.trackers names {name}, but the package {name} is not installed: run pip install {name}, or "
                "leave it out of train.trackers."
            )


def open_trackers(names: Sequence[str], folder: RunFolder) -> list[BaseVisBackend]:
    """Open mmengine's visualisation back ends for these trackers, which write to ``logs/`` in the run folder.

    Raises:
        ZooError: If a package is missing, or a tracker cannot start (for example, without a login or a server).
    """
    require_trackers(names)
    backends = []
    for name in names:
        backends.append(TRACKERS[name](folder))
        try:
            _ = backends[-1].experiment  # starts it now; mmengine would start it at the first number
        except Exception as error:  # trackers raise their own exceptions
            reason = " ".join(str(error).split())
            raise ZooError(f"The tracker {name} cannot start ({reason}): leave it out of train.trackers.") from error
    return backends


class ConsoleProgress:
    """Progress on standard error (iterations, remaining time, last losses): a bar on a terminal, else plain lines.

    Args:
        iteration: Finished iterations.
        iterations: Planned length of the run.
        shown: Whether to show anything.
    """

    def __init__(self, iteration: int, iterations: int, *, shown: bool = True) -> None:
        self.shown = shown
        self.first = iteration
        self.iterations = iterations
        self.started = time.monotonic()
        self.bar: Progress | None = None
        self.task = TaskID(0)
        if shown and sys.stderr.isatty():
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            text = TextColumn("[progress.description]{task.description}")
            self.bar = Progress(*columns, text, console=Console(stderr=True))
            self.task = self.bar.add_task("", total=iterations, completed=iteration)
            self.bar.start()

    def update(self, iteration: int) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bar.update(self.task, completed=iteration)

    def show(self, iteration: int, epoch: int, numbers: Mapping[str, float]) -> None:
        """Show losses or metrics."""
        text = "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
        if self.bar is not None:
            self.bar.update(self.task, description=f"epoch {epoch}  {text}")
            return
        if not self.shown:
            return
        each = (time.monotonic() - self.started) / max(1, iteration - self.first)
        left = timedelta(seconds=round(each * (self.iterations - iteration)))
        place = f"iteration {iteration}/{self.iterations}  epoch {epoch}"
        print(f"{place}  {each:.2f} s each  {left} left  {text}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Restore the terminal."""
        if self.bar is not None:
            self.bar.stop()
