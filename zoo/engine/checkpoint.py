"""The state of a run: everything needed to resume it, as a dictionary of plain values and tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor

from zoo import checkpoints
from zoo.callbacks import CallbackList
from zoo.config import Config
from zoo.distributed import any_rank, is_main, unwrapped
from zoo.engine.average import Average
from zoo.engine.folder import RunFolder, require_same_config
from zoo.environment import versions
from zoo.errors import ZooError
from zoo.interfaces import Method


@dataclass(frozen=True)
class TrainingState:
    """The parts of a run that change during training.

    A checkpoint contains ``config``, ``method`` (state dict with the keys of a single-process run), ``ema`` (its
    averaged entries, or None), ``optimizers`` (with learning rates and accumulated gradients), ``progress`` (iteration,
    updates and restarts of the average, number of training pictures), ``callbacks`` (their states by name), ``rng`` and
    ``versions``. The random state is just the seed and the iteration, from which every iteration seeds all generators
    (see :mod:`zoo.engine.batches`).
    """

    config: Config
    method: Method
    optimizers: OptimWrapperDict
    average: Average | None
    callbacks: CallbackList
    pictures: int

    def capture(self, iteration: int) -> dict[str, Any]:
        """The checkpoint after ``iteration`` iterations. Tensors are not copied: save it before training continues."""
        with unwrapped(self.method) as method:
            state = method.state_dict()
        return {
            "config": self.config.to_dict(),
            "method": state,
            "ema": None if self.average is None else self.average.state_dict(),
            "optimizers": self.optimizers.state_dict(),
            "progress": {
                "iteration": iteration,
                "averaged": 0 if self.average is None else self.average.updates,
                "averages_restarted": {} if self.average is None else dict(self.average.restarts),
                "pictures": self.pictures,
            },
            "callbacks": self.callbacks.state_dict(),
            "rng": {"seed": self.config.train.seed, "iteration": iteration},
            "versions": versions(),
        }

    def save(self, folder: RunFolder, iteration: int) -> None:
        """Write the checkpoint of an iteration and make it the latest one; all ranks must call.

        Raises:
            ZooError: If a weight is NaN or infinite. Nothing is written then, so ``latest.pth`` stays valid.
        """
        checkpoint = self.capture(iteration)
        if any_rank(not _finite([checkpoint["method"], checkpoint["ema"]])):
            raise folder.diverged(iteration, "the weights are NaN or infinite")
        if is_main():
            path = folder.checkpoint(iteration)
            checkpoints.save(path, checkpoint)
            folder.publish(path, self.config.train.keep)

    def restore(self, checkpoint: Mapping[str, Any], folder: RunFolder) -> int:
        """Load the latest checkpoint of a folder and return its iteration.

        Raises:
            ZooError: If the number of training pictures has changed.
        """
        before = checkpoint["progress"]["pictures"]
        if before != self.pictures:
            raise ZooError(
                f"{folder.latest} was trained on {before} pictures, but there are {self.pictures} now; use the "
                "same data to resume, or start a new run in another folder with --work-dir."
            )
        with unwrapped(self.method) as method:
            method.load_state_dict(checkpoint["method"])
        if self.average is not None:
            progress = checkpoint["progress"]
            restarts = progress.get("averages_restarted")  # absent in checkpoints of version 0.1
            self.average.load_state_dict(checkpoint["ema"], progress["averaged"], restarts)
        self.optimizers.load_state_dict(checkpoint["optimizers"])
        self.callbacks.load_state_dict(checkpoint.get("callbacks", {}))  # absent in checkpoints of version 0.1
        return int(checkpoint["progress"]["iteration"])


def load_resumable(folder: RunFolder, config: Config) -> dict[str, Any]:
    """Load the latest checkpoint of a folder.

    Raises:
        ZooError: If ``config`` does not match the checkpoint, or the checkpoint has no training state.
    """
    checkpoint = checkpoints.load(folder.latest)
    if any(part not in checkpoint for part in ("progress", "optimizers")):
        raise ZooError(
            f"{folder.latest} holds weights but no training state, like finished runs of `zoo bench`, so it cannot be "
            "resumed; start a new run."
        )
    require_same_config(checkpoint["config"], config.to_dict(), folder.latest)
    return checkpoint


def _finite(value: Any) -> bool:
    """Whether all floating-point tensors in a nested state are finite."""
    if isinstance(value, Tensor):
        return not value.is_floating_point() or bool(torch.isfinite(value).all())
    if isinstance(value, Mapping):
        return all(_finite(item) for item in value.values())
    return all(_finite(item) for item in value) if isinstance(value, list | tuple) else True
