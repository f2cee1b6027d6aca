"""Kullback-Leibler divergence of an encoder's posterior from the standard normal prior."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.codes import Posterior


def kl_divergence(posterior: Posterior) -> Tensor:
    """KL(q || N(0, 1)) summed over pictures, layers and channels, averaged over the classes that are present.

    Summing over the batch, not averaging, is what the official implementations do;
    :class:`zoo.adversarial.AdversarialMethod` scales the weight for batches of another size than theirs. A code with a
    presence mask (Endo & Kanamori 2020, eq. 18) counts present classes only, and its mean over classes is taken per
    picture and layer: a class lost at a coarse layer leaves both sum and count there.
    """
    total = torch.zeros((), device=next(iter(posterior.mu.values())).device)
    for name, mu in posterior.mu.items():
        mu, logvar = mu.float(), posterior.logvar[name].float()
        divergence = -0.5 * (1 + logvar - mu**2 - logvar.exp())
        presence = posterior.presence.get(name)
        if presence is None:
            total = total + divergence.sum()
            continue
        class_axis = posterior.mu.specs[name].axis("class")
        assert class_axis is not None, f"code {name!r} has a presence mask but no class axis"
        per_class = torch.where(presence, divergence.flatten(presence.dim()).sum(-1), 0.0)
        count = presence.sum(class_axis).clamp(min=1)
        total = total + (per_class.sum(class_axis) / count).sum()
    return total
