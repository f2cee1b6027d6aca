"""Writing checkpoints while training."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook

from zoo import checkpoints
from zoo.distributed import any_rank, is_main
from zoo.engine.folder import RunFolder
from zoo.engine.log import diverged
from zoo.engine.state import RunState, finite


class CheckpointHook(Hook):
    """Saves every ``every`` iterations and at the end (also the early end of an interrupted run), keeping ``keep``.

    Raises ZooError instead when losses or weights are no longer finite, so ``latest.pth`` is always a good one.
    """

    priority = "VERY_LOW"

    def __init__(self, state: RunState, folder: RunFolder, *, every: int, keep: int) -> None:
        self.state = state
        self.folder = folder
        self.every = every
        self.keep = keep
        self.saved = -1

    def before_train(self, runner: Any) -> None:
        self.saved = runner.iter if self.folder.latest.exists() else -1

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        if runner.iter % self.every == 0:
            self.save(runner)

    def after_train(self, runner: Any) -> None:
        if self.saved != runner.iter:
            self.save(runner)

    def save(self, runner: Any) -> None:
        runner.call_hook("before_checkpoint")
        checkpoint = self.state.capture(runner.iter)
        if any_rank(not finite([checkpoint["method"], checkpoint["ema"]])):
            raise diverged(self.folder, runner.iter, "the weights are NaN or infinite")
        if is_main():
            path = self.folder.checkpoint(runner.iter)
            checkpoints.save(path, checkpoint)
            self.folder.publish(path, self.keep)
        self.saved = runner.iter
