"""Directions for material editing (Endo & Kanamori 2020, section 4.4.3): random ones, and files of them.

A direction has the form of codes of batch 1. A code with a class or layer axis has a separate vector for every class
and layer. An amount of 1 is a typical change and 3 a large one: a principal direction has the length of one standard
deviation, a random one that of samples from the prior (root mean square).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from zoo.codes import Codes, CodeSpec
from zoo.errors import ZooError
from zoo.files import atomic_file

STREAM = 0xD1
"""Seed offset that separates directions from codes."""


def random_direction(specs: Mapping[str, CodeSpec], *, seed: int = 0) -> Codes:
    """A uniformly distributed random direction; the entries of each vector have a mean square of 1, like the prior."""
    # with the same numbers as the codes of this seed, codes would just be scaled
    own = int(np.random.SeedSequence((seed, STREAM)).generate_state(1, np.uint64)[0] >> np.uint64(1))
    drawn = Codes.normal(specs, 1, generator=torch.Generator().manual_seed(own))
    scaled = {}
    for name, tensor in drawn.items():
        scaled[name] = tensor / tensor.square().mean(vector_axes(specs[name]), keepdim=True).sqrt()
    return Codes(scaled, specs, 1)


def direction_between(first: Codes, second: Codes) -> Codes:
    """The direction from the codes of one picture to those of another."""
    return Codes({name: second[name] - first[name] for name in first}, first.specs, first.batch_size)


def save_direction(path: Path, direction: Codes) -> None:
    """Write a direction as a .safetensors file with one tensor per code, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(save({name: tensor.contiguous().cpu() for name, tensor in direction.items()}))


def load_direction(path: Path, specs: Mapping[str, CodeSpec]) -> Codes:
    """Read a direction from a .safetensors file.

    Args:
        path: The file, with a tensor ``[1, *shape]`` under the name of each code; a missing one is zero.
        specs: The codes of the method.

    Raises:
        ZooError: If the file is missing or of another kind, or holds tensors of other codes.
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
    """The axes of the batched tensor within one vector: all except batch, class and layer."""
    return tuple(d for d in range(1, len(spec.shape) + 1) if spec.axes[d - 1] not in ("class", "layer"))
