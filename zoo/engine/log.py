"""Losses: gathered on the device, read every few iterations, written to log.jsonl and TensorBoard."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from torch import Tensor

from zoo.distributed import is_main, mean_over_ranks
from zoo.engine.folder import RunFolder
from zoo.errors import ZooError


class LossLog(Hook):
    """Means of the losses over ``every`` iterations, handed to all hooks that have an ``after_log(runner, record)``.

    A record is {iteration, epoch, seconds, lr: {optimiser: rate}, losses: {name: mean over iterations and ranks}};
    iterations and epochs count from 1, and ``seconds`` are those of the training from its first start on: a resumed run
    goes on from the last line of the log. Only then, and before a checkpoint, do losses travel to the host; a NaN or
    infinite one stops the run with a ZooError.
    """

    priority = "BELOW_NORMAL"

    def __init__(self, folder: RunFolder, every: int) -> None:
        self.folder = folder
        self.every = every
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.started = time.monotonic()

    def before_train(self, runner: Any) -> None:
        self.started = time.monotonic() - self.folder.logged_seconds()

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Mapping[str, Tensor] | None = None
    ) -> None:
        for name, loss in (outputs or {}).items():
            value = loss.detach().float()
            self.sums[name] = self.sums[name] + value if name in self.sums else value
            self.counts[name] = self.counts.get(name, 0) + 1
        if runner.iter % self.every == 0 or runner.iter == runner.max_iters:
            losses = self.means(runner)
            self.sums, self.counts = {}, {}
            rates = {name: w.optimizer.param_groups[0]["lr"] for name, w in runner.optim_wrapper.items()}
            seconds = round(time.monotonic() - self.started, 3)
            record = {
                "iteration": runner.iter,
                "epoch": runner.epoch + 1,
                "seconds": seconds,
                "lr": rates,
                "losses": losses,
            }
            runner.call_hook("after_log", record=record)

    def before_checkpoint(self, runner: Any) -> None:
        """Judge the losses since the last record, so that no checkpoint is written after a bad one."""
        self.means(runner)

    def means(self, runner: Any) -> dict[str, float]:
        """The losses gathered so far. Raises ZooError for a NaN or infinite one, naming the last good checkpoint."""
        if not self.sums:
            return {}
        stacked = torch.stack([total / self.counts[name] for name, total in self.sums.items()])
        values = dict(zip(self.sums, mean_over_ranks(stacked).tolist(), strict=True))
        bad = [f"{name} = {value}" for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise diverged(self.folder, runner.iter, "the losses " + ", ".join(bad))
        return values


def diverged(folder: RunFolder, iteration: int, what: str) -> ZooError:
    """The error that stops a run whose numbers are no longer finite."""
    kept = f"the last good checkpoint is {folder.latest}" if folder.latest.exists() else "no checkpoint was written yet"
    return ZooError(
        f"Training diverged by iteration {iteration} ({what}), and {kept}; try lower learning rates (train.optimizers) "
        "or train.precision=fp32."
    )


class LogFiles(Hook):
    """One JSON line per record in ``log.jsonl``, and the same numbers as TensorBoard scalars."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def after_log(self, runner: Any, record: dict[str, Any]) -> None:
        if is_main():
            with self.folder.log.open("a") as log:
                log.write(json.dumps(record) + "\n")
            scalars = {f"loss/{k}": v for k, v in record["losses"].items()} | {
                f"lr/{k}": v for k, v in record["lr"].items()
            }
            runner.visualizer.add_scalars(scalars, step=record["iteration"])
