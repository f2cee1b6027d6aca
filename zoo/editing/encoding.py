"""Codes of a picture, complete: what the picture does not show is drawn from the prior.

Letters: B batch, C classes, H x W picture.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.data.class_tables import ClassTable, class_table
from zoo.errors import ZooError
from zoo.interfaces import Method


def codes_of(method: Method, image: Tensor, label: Tensor, *, sampled: bool = False, seed: int = 0) -> Codes:
    """The codes of pictures ``[B, 3, H, W]`` with labels ``[B, H, W]``: the means of the posterior, or a draw of it.

    A class that a picture does not show (or that a coarse layer lost) has the prior as its posterior, and its code is
    drawn, not left at zero: so it looks like something when it is painted into the mask. ``seed`` fixes all draws.

    Raises ZooError for a method without codes or without an encoder.
    """
    check_editable(method)
    posterior = method.encode(image, label)
    generator = torch.Generator().manual_seed(seed)
    prior = Codes.normal(method.code_specs, len(image), generator=generator, device=label.device)
    noise = Codes.normal(method.code_specs, len(image), generator=generator, device=label.device)
    return prior.where(shown(posterior, label), posterior.sample(noise) if sampled else posterior.mu)


def occurring(label: Tensor, specs: Mapping[str, CodeSpec]) -> dict[str, Tensor]:
    """Which codes a mask ``[B, H, W]`` makes use of: a bool mask for each code that broadcasts to it.

    A code with a class axis is used for the classes that occur, one without it always.
    """
    masks = {}
    for name, spec in specs.items():
        position, axes = spec.axis("class"), len(spec.shape) + 1
        if position is None:
            masks[name] = torch.ones([1] * axes, dtype=torch.bool, device=label.device)
            continue
        classes = spec.shape[position - 1]
        occurs = torch.zeros(len(label), classes, dtype=torch.bool, device=label.device)
        occurs.scatter_(1, label.flatten(1).long(), True)
        masks[name] = occurs.view([{0: len(label), position: classes}.get(d, 1) for d in range(axes)])
    return masks


def shown(posterior: Posterior, label: Tensor) -> dict[str, Tensor]:
    """Which codes a picture says something of, as :func:`occurring`, without what the encoder lost on the way."""
    masks = occurring(label, posterior.mu.specs)
    for name, presence in posterior.presence.items():
        masks[name] = masks[name] & presence.view(*presence.shape, *[1] * (masks[name].dim() - presence.dim()))
    return masks


def check_editable(method: Method) -> None:
    """Raises ZooError for a method whose pictures have no codes to edit."""
    if not method.code_specs:
        raise ZooError(
            f"The method {method.name} has no codes: it gives one picture for each mask, and only the mask can be "
            "edited."
        )


def table_of(method: Method) -> ClassTable:
    """Names and colours of the classes of a method that was built from a config."""
    assert method.config is not None, "the method comes from zoo.build or zoo.load"
    return class_table(method.config.data)
