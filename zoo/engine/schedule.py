"""Learning rate: constant, then linear to zero, stepping once per planned epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook

from zoo.distributed import bare


def lr_factor(epoch: int, epochs: int, decay_epochs: int) -> float:
    """Factor of the learning rate in ``epoch`` (from 0), for ``epochs`` constant and ``decay_epochs`` falling ones.

    As in the official code of GauGAN the first falling epoch still runs at the full rate and the last one at
    1 / decay_epochs: the rate would be zero only after the end. Epochs beyond the plan keep the last rate.
    """
    if decay_epochs == 0 or epoch < epochs:
        return 1.0
    fallen = min(epoch - epochs, decay_epochs - 1)
    return 1.0 - fallen / decay_epochs


class ScheduleHook(Hook):
    """Sets the rates at the start of each epoch, before :meth:`Method.begin_epoch`, which may overrule them.

    ``iterations`` is the length of a run for which ``train.iterations`` is set, else None. The planned epochs are then
    stretched over these iterations, so that the constant and the falling part keep their proportion, and the rates are
    also set where a planned epoch begins within a real one.

    The rates are multiplied by :meth:`Method.rate_factor`. A run resumed within an epoch finds its rates in the state
    of the optimisers.
    """

    priority = "VERY_HIGH"

    def __init__(
        self, rates: Mapping[str, float], *, epochs: int, decay_epochs: int, iterations: int | None = None
    ) -> None:
        self.rates = dict(rates)
        self.epochs = epochs
        self.decay_epochs = decay_epochs
        self.iterations = iterations

    def factor(self, epoch: int, iteration: int) -> float:
        """Factor of the rates at an iteration (from 0) of an epoch (from 0)."""
        if self.iterations is not None:
            epoch = iteration * (self.epochs + self.decay_epochs) // self.iterations
        return lr_factor(epoch, self.epochs, self.decay_epochs)

    def before_train_epoch(self, runner: Any) -> None:
        self._set(runner)

    def after_restart(self, runner: Any, modules: Any = None) -> None:
        self._set(runner)

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        # only where the factor changes: what the method has set for the epoch stays otherwise
        if batch_idx > 0 and self.factor(runner.epoch, runner.iter) != self.factor(runner.epoch, runner.iter - 1):
            self._set(runner)

    def _set(self, runner: Any) -> None:
        factor = self.factor(runner.epoch, runner.iter)
        of_method = bare(runner.model).rate_factor()
        for name, rate in self.rates.items():
            for group in runner.optim_wrapper[name].param_groups:
                group["lr"] = rate * factor * of_method
