"""Optimisers and learning rates: one Adam per group of networks, using only the gradients of its own losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from zoo.config import OptimizerConfig
from zoo.errors import ZooError, nearest
from zoo.interfaces import Method


class GroupOptimWrapper(OptimWrapper):
    """mmengine's wrapper for one group of networks, with two additions.

    A backward pass only changes gradients of this group: generator losses also have gradients with respect to the
    discriminator, which must not affect its next step, whether or not the method freezes it.

    The state also contains the number of backward passes and the accumulated gradients, so that a run can be resumed
    during gradient accumulation.

    Args:
        optimizer: The optimiser of the group.
        accumulate: Backward passes whose gradients are averaged before a step.
        others: Parameters of all other groups.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, accumulate: int = 1, others: Sequence[nn.Parameter] = ()
    ) -> None:
        super().__init__(optimizer, accumulate)
        own = {id(parameter) for parameter in self.parameters}
        self.others = [parameter for parameter in others if id(parameter) not in own]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters of the optimiser."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    @property
    def updates(self) -> int:
        """Number of optimiser steps so far."""
        return int(self._inner_count // self._accumulative_counts)

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Accumulate the gradients of ``loss`` for this group; gradients of other groups are unchanged.

        Runs outside autocast, so that float32 operations are differentiated in float32.
        """
        kept = [parameter.grad for parameter in self.others]
        for parameter in self.others:
            parameter.grad = None
        try:
            with torch.autocast(loss.device.type, enabled=False):
                super().backward(loss, **kwargs)
        finally:
            for parameter, gradient in zip(self.others, kept, strict=True):
                parameter.grad = gradient

    def state_dict(self) -> dict[str, Any]:
        """The state of the optimiser, ``backward_passes``, and ``gradients`` (empty right after a step)."""
        waiting = self._inner_count % self._accumulative_counts != 0
        gradients: list[Tensor | None] = [p.grad for p in self.parameters] if waiting else []
        return {**super().state_dict(), "backward_passes": self._inner_count, "gradients": gradients}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the output of :meth:`state_dict`."""
        state = dict(state_dict)
        self._inner_count = state.pop("backward_passes")
        gradients = state.pop("gradients")
        super().load_state_dict(state)
        for parameter, gradient in zip(self.parameters, gradients, strict=False):
            parameter.grad = None if gradient is None else gradient.to(parameter.device, parameter.dtype)


def build_optimizers(method: Method, settings: Mapping[str, OptimizerConfig], accumulate: int = 1) -> OptimWrapperDict:
    """Build one Adam optimiser per group of :meth:`Method.optimized`.

    Args:
        method: The method whose networks are trained.
        settings: Learning rate and betas by the name of the group (``train.optimizers``).
        accumulate: Backward passes whose gradients are averaged before a step.

    Raises:
        ZooError: If a group of the method has no settings.
    """
    groups: dict[str, list[nn.Parameter]] = {}
    for name, networks in method.optimized().items():
        if name not in settings:
            raise ZooError(
                f'The method trains a group "{name}", but train.optimizers has no such entry'
                f"{nearest(name, list(settings))}; add train.optimizers.{name} with lr and betas."
            )
        groups[name] = [p for network in networks for p in network.parameters() if p.requires_grad]
    wrappers = {}
    for name, parameters in groups.items():
        adam = torch.optim.Adam(parameters, lr=settings[name].lr, betas=settings[name].betas)
        others = [p for other, theirs in groups.items() if other != name for p in theirs]
        wrappers[name] = GroupOptimWrapper(adam, accumulate, others)
    return OptimWrapperDict(**wrappers)


def lr_factor(epoch: int, epochs: int, decay_epochs: int) -> float:
    """Factor of the learning rate in an epoch: constant, then linearly decaying to zero.

    As in the official code of GauGAN, the first decay epoch still uses the full rate and the last one 1 / decay_epochs;
    zero would be reached only after the end. Further epochs keep the last rate.

    Args:
        epoch: Number of the epoch, from 0.
        epochs: Epochs with a constant rate.
        decay_epochs: Epochs with a decaying rate, after the constant ones.
    """
    if decay_epochs == 0 or epoch < epochs:
        return 1.0
    fallen = min(epoch - epochs, decay_epochs - 1)
    return 1.0 - fallen / decay_epochs


@dataclass(frozen=True)
class LearningRates:
    """The learning rate schedule: the config's rates times a factor that changes once per planned epoch.

    Attributes:
        rates: Learning rate of each group at the start.
        epochs: Planned epochs with a constant rate.
        decay_epochs: Planned epochs with a falling rate.
        iterations: Length of the run where ``train.iterations`` sets it, else None. The planned epochs are then
            scaled to these iterations, so that the constant and the decaying part keep their proportion.
    """

    rates: Mapping[str, float]
    epochs: int
    decay_epochs: int
    iterations: int | None = None

    def factor(self, epoch: int, iteration: int) -> float:
        """Factor of the rates at an iteration (from 0) of an epoch (from 0)."""
        if self.iterations is not None:
            epoch = iteration * (self.epochs + self.decay_epochs) // self.iterations
        return lr_factor(epoch, self.epochs, self.decay_epochs)

    def changes_at(self, epoch: int, iteration: int) -> bool:
        """Whether the factor differs from that of the previous iteration in the same epoch."""
        return self.factor(epoch, iteration) != self.factor(epoch, iteration - 1)

    def apply(self, optimizers: OptimWrapperDict, factor: float) -> None:
        """Set the learning rate of every optimiser to ``factor`` times its rate at the start."""
        for name, rate in self.rates.items():
            for group in optimizers[name].param_groups:
                group["lr"] = rate * factor
