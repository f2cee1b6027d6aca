"""CLVAE's codes and ablations against the paper's description, written out densely."""

import pytest
import torch
import torch.nn.functional as F
from zoo_clvae.encoder import CLVAEEncoder
from zoo_clvae.generator import CLVAEGenerator
from zoo_clvae.layout import CodeLayout

from zoo.codes import Codes
from zoo.errors import ZooError

CLASSES, CHANNELS = 7, 5


def random_batch(seed=0):
    """Blocky labels with absent classes, and one pixel at odd coordinates, which no coarser layer sees."""
    torch.manual_seed(seed)
    label = torch.randint(0, 4, (2, 4, 4)).repeat_interleave(32, 1).repeat_interleave(32, 2)
    label[1, 37, 51] = 6
    return torch.randn(2, 3, 128, 128, dtype=torch.float64), label


def encoder(**ablation):
    torch.manual_seed(1)
    layout = CodeLayout(CLASSES, CHANNELS, **ablation)
    return CLVAEEncoder(layout, width=3, global_code_width=4, encoder_size=128).double().eval()


def test_codes_are_heads_of_the_class_wise_maximum():
    network = encoder()
    image, label = random_batch()
    with torch.no_grad():
        posterior = network(image, label)
        features = network.trunk(image)
        for layer in range(5):
            coarse = label[:, :: 2 ** (layer + 1), :: 2 ** (layer + 1)]
            for b in range(2):
                for c in range(CLASSES):
                    region = coarse[b] == c
                    assert posterior.presence["local"][b, layer, c] == region.any()
                    mu = posterior.mu["local"][b, layer, c]
                    if not region.any():
                        assert not mu.any()
                        continue
                    pooled = F.leaky_relu(features[layer][b], 0.2)[:, region].amax(1)
                    torch.testing.assert_close(mu, network.local_mu[layer](pooled))
                    torch.testing.assert_close(posterior.logvar["local"][b, layer, c], network.local_var[layer](pooled))
    assert not posterior.presence["local"][1, :, 6].any()


def test_the_generator_sees_embedding_plus_code_of_the_pixels_class():
    layout = CodeLayout(CLASSES, CHANNELS)
    torch.manual_seed(2)
    network = CLVAEGenerator(layout, (64, 64), width=2, upsampling="normal", global_code_width=4).double()
    label = random_batch()[1][:, ::2, ::2]
    codes = Codes.normal(network.code_specs, 2).map(lambda t: t.double())
    for block, level in (("head_0", 5), ("G_middle_0", 4), ("G_middle_1", 4), ("up_0", 3), ("up_1", 2), ("up_2", 1)):
        dense = network._class_map(block, label, codes["local"]).dense(CLASSES, torch.float64)
        side = 64 // 2**level
        assert dense.shape == (2, CHANNELS, side, side)
        for b in range(2):
            for y in range(0, side, max(side // 4, 1)):
                c = label[b, y * 2**level, 0]
                expected = network.embedding.weight[c] + codes["local"][b, level - 1, c]
                torch.testing.assert_close(dense[b, :, y, 0], expected)
    assert network._class_map("up_3", label, codes["local"]).table is None


@pytest.mark.parametrize(
    ("ablation", "shape", "axes"),
    [
        ({}, (5, CLASSES, CHANNELS), ("layer", "class", "channel")),
        ({"class_wise": False}, (5, CHANNELS), ("layer", "channel")),
        ({"layer_wise": False}, (CLASSES, CHANNELS), ("class", "channel")),
        ({"layers": 5}, (5, CLASSES, CHANNELS), ("layer", "class", "channel")),
        ({"layers": 3}, (3, CLASSES, CHANNELS), ("layer", "class", "channel")),
        ({"layers": 1}, (1, CLASSES, CHANNELS), ("layer", "class", "channel")),
    ],
)
def test_ablations_drop_their_axis_and_still_reconstruct(ablation, shape, axes):
    network = encoder(**ablation)
    generator = CLVAEGenerator(network.layout, (64, 64), width=2, upsampling="normal", global_code_width=4).double()
    image, label = random_batch()
    posterior = network(image, label)
    assert (posterior.mu.specs["local"].shape, posterior.mu.specs["local"].axes) == (shape, axes)
    assert posterior.mu["global"].shape == (2, 4)
    small = label[:, ::2, ::2]
    picture = generator(small, posterior.mu)
    assert picture.shape == (2, 3, 64, 64)
    (reached,) = torch.autograd.grad(picture.square().sum(), posterior.mu["local"])
    assert reached.any(), "the local code does not reach the picture"


def test_one_code_per_layer_is_pooled_over_the_whole_picture():
    network = encoder(class_wise=False)
    image, label = random_batch()
    posterior = network(image, label)
    pooled = F.leaky_relu(network.trunk(image)[2], 0.2).amax((2, 3))
    torch.testing.assert_close(posterior.mu["local"][:, 2], network.local_mu[2](pooled))
    assert not posterior.presence


def test_a_class_code_changes_the_pixels_of_its_class_most():
    torch.manual_seed(3)
    layout = CodeLayout(CLASSES, CHANNELS)
    network = CLVAEGenerator(layout, (64, 64), width=4, upsampling="normal", global_code_width=4).eval()
    for parameter in network.parameters():
        if parameter.dim() == 4:
            torch.nn.init.normal_(parameter, std=0.05)
    label = torch.zeros(1, 64, 64, dtype=torch.long)
    label[:, :, 32:] = 1
    own, other = (Codes.normal(network.code_specs, 1, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    with torch.no_grad():
        change = (network(label, own.replace(other, classes=[1], layers=[0])) - network(label, own)).abs().mean(1)[0]
    assert change[:, 48:].mean() > 10 * change[:, :16].mean()


def test_seven_layers_are_refused():
    with pytest.raises(ZooError, match=r"method\.layers is 7"):
        CodeLayout(CLASSES, CHANNELS, layers=7)
