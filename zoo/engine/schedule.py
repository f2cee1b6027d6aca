"""Learning rate: constant, then linear to zero, stepping once per epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook


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

    A run resumed within an epoch finds its rates in the state of the optimisers.
    """

    priority = "VERY_HIGH"

    def __init__(self, rates: Mapping[str, float], *, epochs: int, decay_epochs: int) -> None:
        self.rates = dict(rates)
        self.epochs = epochs
        self.decay_epochs = decay_epochs

    def before_train_epoch(self, runner: Any) -> None:
        factor = lr_factor(runner.epoch, self.epochs, self.decay_epochs)
        for name, rate in self.rates.items():
            for group in runner.optim_wrapper[name].param_groups:
                group["lr"] = rate * factor
