"""Material editing: codes moved along directions, layer by layer (Endo & Kanamori 2020, section 4.4.3).

Directions are codes of batch 1. A code with a class or layer axis has a vector of its own for every class and layer;
the length of each is a standard deviation, so that an amount of 1 is a common change and 3 a rare one, whatever the
number of channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from zoo.codes import Codes, CodeSpec


def random_direction(specs: Mapping[str, CodeSpec], *, seed: int = 0) -> Codes:
    """A direction drawn evenly from all directions: vectors of length 1, the prior's standard deviation."""
    drawn = Codes.normal(specs, 1, generator=torch.Generator().manual_seed(seed))
    unit = {name: tensor / _lengths(tensor, specs[name]) for name, tensor in drawn.items()}
    return Codes(unit, specs, 1)


def between(first: Codes, second: Codes) -> Codes:
    """The direction from one picture's codes to another's, as long as they are apart."""
    return Codes({name: second[name] - first[name] for name in first}, first.specs, first.batch_size)


def moved(
    codes: Codes,
    direction: Codes,
    amount: float | Tensor,
    *,
    classes: Iterable[int] | None = None,
    layers: Iterable[int] | None = None,
) -> Codes:
    """``codes`` of batch B with the part of ``classes`` and ``layers`` moved by ``amount`` times ``direction``.

    amount: one number, or one for each picture ``[B]``. Everything else keeps its value, bit for bit. Errors as
    :meth:`zoo.codes.Codes.part`.
    """
    amounts = torch.as_tensor(amount, dtype=torch.float32).expand(codes.batch_size)

    def shifted(name: str, tensor: Tensor) -> Tensor:
        scale = amounts.to(tensor.device).view(-1, *[1] * (tensor.dim() - 1))
        return tensor + scale * direction[name].to(tensor.device)

    target = Codes({name: shifted(name, tensor) for name, tensor in codes.items()}, codes.specs, codes.batch_size)
    return codes.replace(target, classes=classes, layers=layers)


def vector_axes(spec: CodeSpec) -> tuple[int, ...]:
    """The axes of the batched tensor that make up one vector: all but the batch, the class and the layer."""
    return tuple(d for d in range(1, len(spec.shape) + 1) if spec.axes[d - 1] not in ("class", "layer"))


def _lengths(tensor: Tensor, spec: CodeSpec) -> Tensor:
    return torch.linalg.vector_norm(tensor, dim=vector_axes(spec), keepdim=True)
