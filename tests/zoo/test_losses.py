"""KL divergence against torch.distributions and the paper's formula; GAN losses are covered by tests/parity."""

import torch
from torch.distributions import Normal, kl_divergence

from zoo import losses
from zoo.codes import Codes, CodeSpec, Posterior


def test_global_code_sums_over_batch_and_channels():
    specs = {"global": CodeSpec((6,), ("channel",))}
    mu, logvar = torch.randn(3, 6), torch.randn(3, 6)
    expected = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum()
    own = losses.kl_divergence(Posterior(Codes({"global": mu}, specs), Codes({"global": logvar}, specs)))
    torch.testing.assert_close(own, expected)


def test_class_codes_average_over_the_classes_present_at_each_layer():
    layers, classes, channels = 2, 4, 3
    specs = {"local": CodeSpec((layers, classes, channels), ("layer", "class", "channel"))}
    mu, logvar = torch.randn(2, layers, classes, channels), torch.randn(2, layers, classes, channels)
    presence = torch.tensor([[[1, 1, 0, 1], [1, 0, 0, 0]], [[0, 1, 0, 0], [0, 0, 0, 0]]], dtype=torch.bool)
    divergence = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0))
    expected = 0.0
    for b in range(2):
        for layer in range(layers):
            present = [divergence[b, layer, c].sum() for c in range(classes) if presence[b, layer, c]]
            expected += sum(present) / len(present) if present else 0.0
    posterior = Posterior(Codes({"local": mu}, specs), Codes({"local": logvar}, specs), {"local": presence})
    torch.testing.assert_close(losses.kl_divergence(posterior), expected)
