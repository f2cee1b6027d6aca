"""The exponential moving average of the weights of generator and encoder."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from zoo.distributed import unwrap_ddp
from zoo.interfaces import Method

AVERAGED = ("generator", "encoder")


class Average:
    """Averaged copies of generator and encoder (the discriminator is only used in training).

    The decay of update n (from 1) is min(decay, (1 + n) / (10 + n)), so that short runs forget their random
    initialisation. Buffers are copied: running statistics are already averages, and the mean of the unit vectors of
    spectral norm would not be a unit vector.

    The average of modules that the method reinitialises is restarted (:meth:`restart`). ``restarts`` contains the
    number of updates at which this happened, by module, such as ``generator.noise_encoder``.
    """

    def __init__(self, method: Method, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.restarts: dict[str, int] = {}
        self.networks: dict[str, nn.Module] = {
            name: copy.deepcopy(network).requires_grad_(False).eval()
            for name in AVERAGED
            if (network := getattr(method, name)) is not None
        }

    @torch.no_grad()
    def update(self, method: Method) -> None:
        """Update the average with the current weights of ``method``."""
        self.updates += 1
        for name, network in self.networks.items():
            source = unwrap_ddp(getattr(method, name))
            groups: dict[int, tuple[list[Tensor], list[Tensor]]] = {}
            for (key, average), weight in zip(network.named_parameters(), source.parameters(), strict=True):
                averages, weights = groups.setdefault(self._started(f"{name}.{key}"), ([], []))
                averages.append(average)
                weights.append(weight)
            for started, (averages, weights) in groups.items():
                updates = self.updates - started
                decay = min(self.decay, (1 + updates) / (10 + updates))
                torch._foreach_lerp_(averages, weights, 1 - decay)
            for mine, theirs in zip(network.buffers(), source.buffers(), strict=True):
                mine.copy_(theirs)

    def _started(self, parameter: str) -> int:
        """The number of updates at which the average of a parameter (``generator.conv.weight``) was started."""
        return max((at for module, at in self.restarts.items() if parameter.startswith(f"{module}.")), default=0)

    @torch.no_grad()
    def restart(self, method: Method, modules: Sequence[nn.Module]) -> None:
        """Restart the average of ``modules``, reinitialised parts of the method's networks.

        Raises ValueError for a module of another network.
        """
        found = 0
        for name, network in self.networks.items():
            for path, module in unwrap_ddp(getattr(method, name)).named_modules():
                if any(module is one for one in modules):
                    network.get_submodule(path).load_state_dict(module.state_dict())
                    self.restarts[f"{name}.{path}" if path else name] = self.updates
                    found += 1
        if found != len(modules):
            raise ValueError(f"{len(modules) - found} of the reinitialised modules are not part of {AVERAGED}")

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged entries of the method's state dict, under its keys."""
        return {
            f"{name}.{key}": v for name, network in self.networks.items() for key, v in network.state_dict().items()
        }

    def load_state_dict(
        self, state: Mapping[str, Tensor], updates: int, restarts: Mapping[str, int] | None = None
    ) -> None:
        """Restore the output of :meth:`state_dict` after ``updates`` updates, and the ``restarts`` until then."""
        self.updates = updates
        self.restarts = dict(restarts or {})
        for name, network in self.networks.items():
            mine = {key.removeprefix(f"{name}."): v for key, v in state.items() if key.startswith(f"{name}.")}
            network.load_state_dict(mine)
