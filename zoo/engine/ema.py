"""Exponential moving average of the weights of generator and encoder."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from torch import Tensor, nn

from zoo.distributed import bare
from zoo.interfaces import Method

AVERAGED = ("generator", "encoder")


class Average:
    """Averaged copies of generator and encoder (the discriminator only serves training).

    After update n (from 1) the weight of the past is min(decay, (1 + n) / (10 + n)), so that short runs forget their
    random start. Buffers are copied: running statistics are averages already, and the mean of spectral norm's unit
    vectors would not be one.
    """

    def __init__(self, method: Method, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.networks: dict[str, nn.Module] = {
            name: copy.deepcopy(network).requires_grad_(False).eval()
            for name in AVERAGED
            if (network := getattr(method, name)) is not None
        }

    @torch.no_grad()
    def update(self, method: Method) -> None:
        """Take in the present weights of ``method``."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, network in self.networks.items():
            source = bare(getattr(method, name))
            torch._foreach_lerp_(list(network.parameters()), list(source.parameters()), 1 - decay)
            for mine, theirs in zip(network.buffers(), source.buffers(), strict=True):
                mine.copy_(theirs)

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged entries of the method's state dict, under its keys."""
        return {
            f"{name}.{key}": v for name, network in self.networks.items() for key, v in network.state_dict().items()
        }

    def load_state_dict(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Take back what :meth:`state_dict` gave after ``updates`` updates."""
        self.updates = updates
        for name, network in self.networks.items():
            mine = {key.removeprefix(f"{name}."): v for key, v in state.items() if key.startswith(f"{name}.")}
            network.load_state_dict(mine)


class EMAHook(Hook):
    """Updates the average after each iteration in which an optimiser stepped (not within accumulated gradients)."""

    def __init__(self, average: Average) -> None:
        self.average = average
        self.steps = 0

    def before_train(self, runner: Any) -> None:
        self.steps = self._steps(runner)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        if self._steps(runner) != self.steps:
            self.steps = self._steps(runner)
            self.average.update(bare(runner.model))

    @staticmethod
    def _steps(runner: Any) -> int:
        return sum(wrapper.updates for wrapper in runner.optim_wrapper.values())
