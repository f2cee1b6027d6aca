"""Encoding of pictures to codes, and rendering of codes.

Letters: B batch, C classes, S samples per mask, H x W picture.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.distributed import eval_mode
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.metrics.pictures import to_uint8_truncated

RENDERED_TOGETHER = 8
"""Pictures of one batch of the generator, which bounds its memory."""


def codes_of(method: Method, image: Tensor, label: Tensor, *, sampled: bool = False, seed: int = 0) -> Codes:
    """Encode pictures: the means of the posterior, or samples from it.

    The posterior of a class that is missing in a picture, or vanished at a coarse layer, is the prior. Its code is
    sampled instead of left at zero, so that the class looks plausible when it is added to the mask.

    Args:
        method: A method with codes and an encoder.
        image: ``[B, 3, H, W]`` in [-1, 1].
        label: ``[B, H, W]``.
        sampled: Draw from the posterior instead of taking its mean.
        seed: Seed of all draws.

    Raises:
        ZooError: If the method has no codes or no encoder.
    """
    check_editable(method)
    posterior = method.encode(image, label)
    generator = torch.Generator().manual_seed(seed)
    prior = Codes.normal(method.code_specs, len(image), generator=generator, device=label.device)
    noise = Codes.normal(method.code_specs, len(image), generator=generator, device=label.device)
    return prior.where(shown_codes(posterior, label), posterior.sample(noise) if sampled else posterior.mu)


@torch.no_grad()
def render(method: Method, label: Tensor, codes: Codes) -> Tensor:
    """Synthesise pictures, uint8 ``[S, 3, H, W]`` on the CPU, for a mask ``[1, H, W]`` and codes of batch S."""
    chunks = []
    with eval_mode(method):
        for first in range(0, codes.batch_size, RENDERED_TOGETHER):
            chunk = codes.rows(slice(first, first + RENDERED_TOGETHER))
            chunks.append(to_uint8_truncated(method.synthesize(label, chunk)).cpu())
    return torch.cat(chunks)


def used_codes(label: Tensor, specs: Mapping[str, CodeSpec]) -> dict[str, Tensor]:
    """Which codes a mask ``[B, H, W]`` uses: for each code, a bool mask that broadcasts to it.

    A code with a class axis is used for the classes that occur, a code without one always.
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


def shown_codes(posterior: Posterior, label: Tensor) -> dict[str, Tensor]:
    """Which codes a picture determines: as :func:`used_codes`, without classes that vanished at a layer."""
    masks = used_codes(label, posterior.mu.specs)
    for name, class_mask in posterior.class_mask.items():
        masks[name] = masks[name] & class_mask.view(*class_mask.shape, *[1] * (masks[name].dim() - class_mask.dim()))
    return masks


def check_editable(method: Method) -> None:
    """Raises ZooError for a method without codes."""
    if not method.code_specs:
        raise ZooError(f"The method {method.name} has no codes and only one picture per mask: edit the mask instead.")
