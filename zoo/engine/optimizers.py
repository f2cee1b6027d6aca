"""Optimisers: one Adam per group of networks, each stepped with its own gradients only, and their learning rates."""

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

    A backward pass leaves gradients in this group alone: a loss of the generator also has gradients for the weights of
    the discriminator, which must not reach the discriminator's next step, whether or not the method froze it.

    The state also holds the number of backward passes and the gradients that wait for a step, so that a run can be
    continued in the middle of an accumulated gradient.

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
        """The parameters that the optimiser updates."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    @property
    def updates(self) -> int:
        """Steps that the optimiser has made."""
        return int(self._inner_count // self._accumulative_counts)

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Add the gradients of ``loss`` to those of this group; the gradients of other groups stay as they are.

        Runs outside autocast, so that what ran in float32 is differentiated in float32.
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
        """Continue from what :meth:`state_dict` returned."""
        state = dict(state_dict)
        self._inner_count = state.pop("backward_passes")
        gradients = state.pop("gradients")
        super().load_state_dict(state)
        for parameter, gradient in zip(self.parameters, gradients, strict=False):
            parameter.grad = None if gradient is None else gradient.to(parameter.device, parameter.dtype)


def build_optimizers(method: Method, settings: Mapping[str, OptimizerConfig], accumulate: int = 1) -> OptimWrapperDict:
    """One Adam per name of :meth:`Method.optimized`.

    Args:
        method: The method whose networks are trained.
        settings: Learning rate and betas by the name of the group (``train.optimizers``).
        accumulate: Backward passes whose gradients are averaged before a step.

    Raises:
        ZooError: When a group of the method has no settings.
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
    """Factor of the learning rate in an epoch: constant, then linear to zero.

    As in the official code of GauGAN the first falling epoch still runs at the full rate and the last one at
    1 / decay_epochs: the rate would be zero only after the end. Epochs beyond the plan keep the last rate.

    Args:
        epoch: Number of the epoch, from 0.
        epochs: Epochs with a constant rate.
        decay_epochs: Epochs with a falling rate, after the constant ones.
    """
    if decay_epochs == 0 or epoch < epochs:
        return 1.0
    fallen = min(epoch - epochs, decay_epochs - 1)
    return 1.0 - fallen / decay_epochs


@dataclass(frozen=True)
class LearningRates:
    """The learning rates of a run: those of the config times a factor that changes once per planned epoch.

    Attributes:
        rates: Learning rate of each group at the start.
        epochs: Planned epochs with a constant rate.
        decay_epochs: Planned epochs with a falling rate.
        iterations: Length of the run where ``train.iterations`` sets it, else None. The planned epochs are then
            stretched over these iterations, so that the constant and the falling part keep their proportion.
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
        """Whether the factor differs from that of the iteration before, in the same epoch."""
        return self.factor(epoch, iteration) != self.factor(epoch, iteration - 1)

    def apply(self, optimizers: OptimWrapperDict, factor: float) -> None:
        """Set the learning rate of every optimiser to ``factor`` times its rate at the start."""
        for name, rate in self.rates.items():
            for group in optimizers[name].param_groups:
                group["lr"] = rate * factor
