"""The training loop: epochs as the sampler plans them, entered anywhere."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.registry import LOOPS
from mmengine.runner.base_loop import BaseLoop
from torch import nn

from zoo.distributed import bare, rank
from zoo.engine.feed import Feed
from zoo.engine.seeding import Stream, reseed
from zoo.interfaces import Batch


@LOOPS.register_module(name="ZooTrainLoop")
class TrainLoop(BaseLoop):
    """Counts iterations (one batch and one :meth:`Method.train_step` each) and derives all else from the count.

    iterations: where to end. epochs: the planned number. precision: ``fp32``, or ``bf16`` for autocast.

    A run that continues within an epoch takes the batches from there on and does not call :meth:`Method.begin_epoch`
    again: what a method prepares there for its epoch must be part of its state. Within an epoch it is called again only
    after :meth:`Method.restart`, which makes what was prepared before useless.
    """

    def __init__(
        self, runner: Any, dataloader: Feed, *, seed: int, iterations: int, epochs: int, precision: str = "fp32"
    ) -> None:
        super().__init__(runner, dataloader)
        self.feed = dataloader
        self.seed = seed
        self.max_iters = iterations
        self.max_epochs = epochs
        self.precision = precision
        self.iter = 0
        self.epoch = 0
        self.stop_training = False

    def run(self) -> nn.Module:
        """Train from iteration ``self.iter`` to the end, or until a hook sets ``stop_training``."""
        self.runner.call_hook("before_train")
        while not self.finished:
            self.run_epoch()
        self.runner.call_hook("after_train")
        return self.runner.model

    @property
    def finished(self) -> bool:
        return self.stop_training or self.iter >= self.max_iters

    def run_epoch(self) -> None:
        self.epoch, start = self.feed.position(self.iter)
        restarted = self.restart_if_due()
        if start == 0:
            self.runner.call_hook("before_train_epoch")
        if start == 0 or restarted:
            self.begin_epoch()
        self.runner.model.train()
        for number, batch in enumerate(self.feed.batches(self.epoch, start), start):
            if number > start and self.restart_if_due():
                self.begin_epoch()
                self.runner.model.train()
            self.run_iter(number, batch)
            if self.finished:
                break
        if self.feed.position(self.iter)[1] == 0:
            self.runner.call_hook("after_train_epoch")

    def begin_epoch(self) -> None:
        reseed(self.seed, Stream.EPOCH, rank=rank(), position=self.epoch)
        with self._precision():
            bare(self.runner.model).begin_epoch(self.epoch, self.feed.pictures(self.epoch), self.runner.optim_wrapper)

    def restart_if_due(self) -> bool:
        """Ask the method before every iteration; hooks learn which modules started anew (``after_restart``)."""
        method = bare(self.runner.model)
        if not method.restart_due(self.iter / self.max_iters):
            return False
        reseed(self.seed, Stream.RESTART, rank=rank(), position=self.iter)
        modules = method.restart(self.runner.optim_wrapper)
        self.runner.call_hook("after_restart", modules=modules)
        return True

    def run_iter(self, number: int, batch: Batch) -> None:
        self.runner.call_hook("before_train_iter", batch_idx=number, data_batch=batch)
        reseed(self.seed, Stream.ITERATION, rank=rank(), position=self.iter)
        with self._precision():
            losses = self.runner.model.train_step(batch, self.runner.optim_wrapper)
        self.iter += 1
        self.runner.call_hook("after_train_iter", batch_idx=number, data_batch=batch, outputs=losses)

    def _precision(self) -> torch.autocast:
        # One context holds the steps of all networks; weights cast for the first would be stale in the next: no cache
        return torch.autocast(
            self.feed.device.type, torch.bfloat16, enabled=self.precision == "bf16", cache_enabled=False
        )
