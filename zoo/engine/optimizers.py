"""Optimisers that can be stopped anywhere, in the middle of an accumulated gradient too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor

from zoo.config import OptimizerConfig
from zoo.errors import ZooError, nearest
from zoo.interfaces import Method


class ResumableOptimWrapper(OptimWrapper):
    """mmengine's wrapper; its state also holds the count of backward passes and the gradients that wait for a step."""

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Outside autocast, so that what ran in float32 is differentiated in float32."""
        with torch.autocast(loss.device.type, enabled=False):
            super().backward(loss, **kwargs)

    @property
    def updates(self) -> int:
        """Steps that the optimiser has made."""
        return int(self._inner_count // self._accumulative_counts)

    def state_dict(self) -> dict[str, Any]:
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        waiting = self._inner_count % self._accumulative_counts != 0
        gradients: list[Tensor | None] = [p.grad for p in parameters] if waiting else []
        return {**super().state_dict(), "backward_passes": self._inner_count, "gradients": gradients}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = dict(state_dict)
        self._inner_count = state.pop("backward_passes")
        gradients = state.pop("gradients")
        super().load_state_dict(state)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        for parameter, gradient in zip(parameters, gradients, strict=False):
            parameter.grad = None if gradient is None else gradient.to(parameter.device, parameter.dtype)


def build_optimizers(method: Method, settings: Mapping[str, OptimizerConfig], accumulate: int) -> OptimWrapperDict:
    """One Adam per name of :meth:`Method.optimized`; ``settings[name]`` says how.

    Raises ZooError when a name of the method has no settings.
    """
    wrappers = {}
    for name, networks in method.optimized().items():
        if name not in settings:
            raise ZooError(
                f'The method trains a group "{name}", but train.optimizers has no such entry'
                f"{nearest(name, list(settings))}; add train.optimizers.{name} with lr and betas."
            )
        parameters = [p for network in networks for p in network.parameters() if p.requires_grad]
        adam = torch.optim.Adam(parameters, lr=settings[name].lr, betas=settings[name].betas)
        wrappers[name] = ResumableOptimWrapper(adam, accumulate)
    return OptimWrapperDict(**wrappers)
