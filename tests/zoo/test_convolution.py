"""Spectral normalisation against the singular values of torch.linalg and the old-style torch implementation."""

import copy

import pytest
import torch
from torch import nn

from zoo.nn.convolution import conv2d


def test_an_untrained_layer_knows_its_singular_value():
    torch.manual_seed(0)
    layer = conv2d(8, 16, 3, spectral=True).eval()
    largest = torch.linalg.svdvals(layer.weight.flatten(1))[0].item()
    assert largest == pytest.approx(1, abs=0.05)


def test_it_follows_the_old_implementation_step_by_step():
    torch.manual_seed(1)
    own = conv2d(4, 6, 3, spectral=True)
    old = nn.Conv2d(4, 6, 3)
    with torch.no_grad():
        old.weight.copy_(own.parametrizations.weight.original)
        old.bias.copy_(own.bias)
    old = nn.utils.spectral_norm(old)
    power = own.parametrizations.weight[0]
    old.weight_u.copy_(power._u), old.weight_v.copy_(power._v)
    x = torch.randn(2, 4, 8, 8)
    for _ in range(3):
        a, b = own(x), old(x)
        torch.testing.assert_close(a, b)
        torch.testing.assert_close(power._u, old.weight_u)
    grads = torch.autograd.grad(own(x).square().sum(), own.parametrizations.weight.original)[0]
    expected = torch.autograd.grad(old(x).square().sum(), old.weight_orig)[0]
    torch.testing.assert_close(grads, expected, rtol=1e-4, atol=1e-5)


def test_evaluation_leaves_the_state_alone():
    layer = conv2d(4, 6, 3, spectral=True).eval()
    before = copy.deepcopy(layer.state_dict())
    layer(torch.randn(1, 4, 5, 5))
    assert all(torch.equal(before[key], value) for key, value in layer.state_dict().items())
