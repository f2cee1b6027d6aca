"""Material editing: codes moved along directions, layer by layer (Endo & Kanamori 2020, section 4.4.3).

Directions are codes of batch 1. A code with a class or layer axis has a vector of its own for every class and layer. An
amount of 1 is a common change and 3 a rare one: a standard deviation along a principal direction, and along a random
one as far as draws of the prior lie from their mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from zoo.codes import Codes, CodeSpec
from zoo.errors import ZooError
from zoo.whole_file import whole_file

STREAM = 0xD1
"""Sets the random numbers of directions apart."""


def random_direction(specs: Mapping[str, CodeSpec], *, seed: int = 0) -> Codes:
    """A direction drawn evenly from all directions: vectors whose entries have a mean square of 1, as the prior's."""
    # not the numbers that the same seed gives codes, or codes would move through zero and back
    own = int(np.random.SeedSequence((seed, STREAM)).generate_state(1, np.uint64)[0] >> np.uint64(1))
    drawn = Codes.normal(specs, 1, generator=torch.Generator().manual_seed(own))
    scaled = {}
    for name, tensor in drawn.items():
        scaled[name] = tensor / tensor.square().mean(vector_axes(specs[name]), keepdim=True).sqrt()
    return Codes(scaled, specs, 1)


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
    ends = Codes({name: tensor + direction[name].to(tensor) for name, tensor in codes.items()}, codes.specs)
    return codes.replace(codes.towards(ends, amount), classes=classes, layers=layers)


def save_direction(path: Path, direction: Codes) -> None:
    """Write a direction as a .safetensors file with a tensor for each code; whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(save({name: tensor.contiguous().cpu() for name, tensor in direction.items()}))


def load_direction(path: Path, specs: Mapping[str, CodeSpec]) -> Codes:
    """A direction from a .safetensors file: tensors ``[1, *shape]`` by the names of the codes, a missing one is zero.

    Raises ZooError for a file that is missing or of another kind, and for tensors that are not of these codes.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ZooError(
            f'The direction "{path}" cannot be read ({error}): give "random", the number of a principal direction, or '
            "a .safetensors file."
        ) from error
    wanted = {name: (1, *spec.shape) for name, spec in specs.items()}
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != wanted.get(name):
            shapes = ", ".join(f"{key} {list(shape)}" for key, shape in wanted.items())
            raise ZooError(
                f"The direction {path} holds {name} {list(tensor.shape)}, but the codes of this method are {shapes}: "
                "give a direction of the same method."
            )
    return Codes({name: tensors.get(name, torch.zeros(shape)).float() for name, shape in wanted.items()}, specs, 1)


def vector_axes(spec: CodeSpec) -> tuple[int, ...]:
    """The axes of the batched tensor that make up one vector: all but the batch, the class and the layer."""
    return tuple(d for d in range(1, len(spec.shape) + 1) if spec.axes[d - 1] not in ("class", "layer"))
