"""The weights of the adversarial methods' losses."""

from dataclasses import replace

import pytest
import torch
from torch.distributions import Normal, kl_divergence

import zoo
from zoo import contract
from zoo.config import resolve
from zoo.interfaces import Batch


def first(batch: Batch, count: int) -> Batch:
    """``count`` pictures, by repetition of those of the batch."""
    rows = [i % len(batch) for i in range(count)]
    return replace(batch, image=batch.image[rows], label=batch.label[rows], name=tuple(map(str, range(count))))


@pytest.mark.parametrize("weight", [0.05, 0.0005])
@pytest.mark.parametrize("pictures", [1, 2, 4, 6])
def test_the_kl_weight_is_meant_for_four_pictures(pictures: int, weight: float):
    """At B pictures the loss is 4 times the weighted mean over pictures, at four the official weighted sum."""
    settings = {"kl_weight": weight, "perceptual_weight": 0.0}
    method = zoo.build(
        "gaugan_vae", classes=contract.CLASSES, size=contract.SIZE, profile="smoke", seed=0, **settings
    ).eval()
    batch = first(contract.small_batch(), pictures)
    with torch.no_grad():
        _, losses = method.generator_losses(batch)
        posterior = method.encode(batch.image, batch.label)
    mu, logvar = posterior.mu["global"].double(), posterior.logvar["global"].double()
    each = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(1)
    # float32 loses digits of a small divergence
    assert losses["kl"].item() == pytest.approx(weight * 4 * each.mean().item(), rel=1e-4)


@pytest.mark.parametrize("profile", ["cpu", "gpu", "paper"])
@pytest.mark.parametrize("name", ["gaugan_vae", "groupdnet", "clvae"])
def test_every_profile_keeps_the_papers_kl_weight(profile: str, name: str):
    assert resolve(name, data="ade20k", profile=profile).method["kl_weight"] == 0.05
