"""Everything that a run needs to continue, as one dictionary of plain values and tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor

from zoo.config import Config
from zoo.distributed import unwrapped
from zoo.engine.ema import Average
from zoo.engine.feed import Feed
from zoo.engine.folder import require_same_config
from zoo.engine.record import versions
from zoo.errors import ZooError
from zoo.interfaces import Method


@dataclass(frozen=True)
class RunState:
    """The parts of a run that move.

    A checkpoint holds ``config``, ``method`` (state with the keys of a run of one process), ``ema`` (its averaged
    entries, or None), ``optimizers`` (with their learning rates, and gradients that wait for accumulation),
    ``progress`` (iteration, updates of the average and where parts of it started anew, number of training pictures),
    ``rng`` and ``versions``. The random state is the seed and the iteration: every iteration seeds all generators anew
    from them (see :mod:`zoo.engine.seeding`).
    """

    config: Config
    method: Method
    optimizers: OptimWrapperDict
    average: Average | None
    feed: Feed

    def capture(self, iteration: int) -> dict[str, Any]:
        """The checkpoint after ``iteration`` iterations; its tensors are the live ones, so save it before going on."""
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
                "pictures": len(self.feed.dataset),
            },
            "rng": {"seed": self.config.train.seed, "iteration": iteration},
            "versions": versions(),
        }

    def restore(self, checkpoint: Mapping[str, Any], where: Path) -> int:
        """Load a checkpoint into the parts and return its iteration. Raises ZooError for another number of pictures."""
        before, now = checkpoint["progress"]["pictures"], len(self.feed.dataset)
        if before != now:
            raise ZooError(
                f"{where} was trained on {before} pictures, but there are {now} now; bring back the same data to "
                "resume, or start a new run in another folder with --work-dir."
            )
        with unwrapped(self.method) as method:
            method.load_state_dict(checkpoint["method"])
        if self.average is not None:
            progress = checkpoint["progress"]
            restarts = progress.get("averages_restarted")  # absent in checkpoints of version 0.1
            self.average.load_state_dict(checkpoint["ema"], progress["averaged"], restarts)
        self.optimizers.load_state_dict(checkpoint["optimizers"])
        return int(checkpoint["progress"]["iteration"])


def require_resumable(checkpoint: Mapping[str, Any], config: Config, where: Path) -> None:
    """Raises ZooError when ``config`` would not continue what the checkpoint holds, or it holds weights only."""
    if any(part not in checkpoint for part in ("progress", "optimizers")):
        raise ZooError(
            f"{where} holds weights but no training state, as finished runs of `zoo bench` do, so it cannot be "
            "resumed; start a new run."
        )
    require_same_config(checkpoint["config"], config.to_dict(), where)


def finite(value: Any) -> bool:
    """Whether every number of all floating-point tensors in a nested state is finite."""
    if isinstance(value, Tensor):
        return not value.is_floating_point() or bool(torch.isfinite(value).all())
    if isinstance(value, Mapping):
        return all(finite(item) for item in value.values())
    return all(finite(item) for item in value) if isinstance(value, list | tuple) else True
