"""CLVAE's codes and ablations against the paper's description, written out densely."""

import pytest
import torch
import torch.nn.functional as F

import zoo
from zoo import contract
from zoo.codes import Codes
from zoo.errors import ZooError
from zoo_clvae.method import CLVAEEncoder, CLVAEGenerator, CodeLayout

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


@pytest.mark.parametrize("layers", [6, 3])
def test_codes_are_heads_of_the_class_wise_maximum(layers):
    """Class codes come from the layers 1 .. L - 1, the global code from layer L (paper, section 3.2)."""
    network = encoder(layers=layers)
    image, label = random_batch()
    with torch.no_grad():
        posterior = network(image, label)
        features = network.convs(image)
        final = F.adaptive_avg_pool2d(F.leaky_relu(features[layers - 1], 0.2), 2).flatten(1)
        torch.testing.assert_close(posterior.mu["global"], network.fc_mu(final))
        assert posterior.mu["local"].shape[1] == len(network.local_mu) == layers - 1
        for layer in range(layers - 1):
            coarse = label[:, :: 2 ** (layer + 1), :: 2 ** (layer + 1)]
            for b in range(2):
                for c in range(CLASSES):
                    region = coarse[b] == c
                    assert posterior.class_mask["local"][b, layer, c] == region.any()
                    mu = posterior.mu["local"][b, layer, c]
                    if not region.any():
                        assert not mu.any()
                        continue
                    pooled = F.leaky_relu(features[layer][b], 0.2)[:, region].amax(1)
                    torch.testing.assert_close(mu, network.local_mu[layer](pooled))
                    torch.testing.assert_close(posterior.logvar["local"][b, layer, c], network.local_var[layer](pooled))
    assert not posterior.class_mask["local"][1, :, 6].any()


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
        # Z = {z_1, Z_2 .. Z_L}: L - 1 levels of class codes beside the global one
        ({"layers": 5}, (4, CLASSES, CHANNELS), ("layer", "class", "channel")),
        ({"layers": 3}, (2, CLASSES, CHANNELS), ("layer", "class", "channel")),
        ({"layers": 2}, (1, CLASSES, CHANNELS), ("layer", "class", "channel")),
        ({"layers": 2, "layer_wise": False}, (CLASSES, CHANNELS), ("class", "channel")),
        ({"layers": 3, "class_wise": False}, (2, CHANNELS), ("layer", "channel")),
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


@pytest.mark.parametrize("layers", range(1, 7))
def test_only_blocks_with_a_class_code_see_it(layers):
    network = CLVAEGenerator(
        CodeLayout(CLASSES, CHANNELS, layers=layers), (64, 64), width=2, upsampling="normal", global_code_width=4
    )
    label = random_batch()[1][:, ::2, ::2]
    local = Codes.normal(network.code_specs, 2).get("local")
    resolutions = {"head_0": 5, "G_middle_0": 4, "G_middle_1": 4, "up_0": 3, "up_1": 2, "up_2": 1, "up_3": 0}
    for block, halvings in resolutions.items():
        sees_codes = network._class_map(block, label, local).table is not None
        assert sees_codes == (1 <= halvings <= layers - 1), block


def test_one_encoder_layer_has_the_global_code_alone():
    network = encoder(layers=1)
    generator = CLVAEGenerator(network.layout, (64, 64), width=2, upsampling="normal", global_code_width=4).double()
    image, label = random_batch()
    posterior = network(image, label)
    assert posterior.mu.keys() == {"global"} == set(generator.code_specs)
    assert not posterior.class_mask
    pooled = F.adaptive_avg_pool2d(F.leaky_relu(network.convs(image)[0], 0.2), 2).flatten(1)
    torch.testing.assert_close(posterior.mu["global"], network.fc_mu(pooled))
    picture = generator(label[:, ::2, ::2], posterior.mu)
    gradients = torch.autograd.grad(picture.square().sum(), list(generator.parameters()), allow_unused=True)
    assert all(gradient is not None for gradient in gradients), "a parameter that no block reads"


@pytest.mark.parametrize(
    "check",
    [
        contract.check_shapes,
        contract.check_order_of_samples,
        contract.check_seed,
        contract.check_round_trip,
        contract.check_gradients,
    ],
)
@pytest.mark.parametrize("layers", [1, 2])
def test_the_contract_holds_for_few_layers(check, layers):
    check(zoo.build("clvae", classes=contract.CLASSES, size=contract.SIZE, profile="smoke", seed=0, layers=layers))


@pytest.mark.parametrize(("layers", "middle"), [(6, 3), (5, 2), (4, 2), (3, 1), (2, 1)])
def test_without_layer_wise_codes_the_middle_layer_gives_them(layers, middle):
    network = encoder(layers=layers, layer_wise=False)
    image, label = random_batch()
    with torch.no_grad():
        region = label[0, :: 2**middle, :: 2**middle] == 0
        pooled = F.leaky_relu(network.convs(image)[middle - 1][0], 0.2)[:, region].amax(1)
        mu = network(image, label).mu["local"][0, 0]
    torch.testing.assert_close(mu, network.local_mu[0](pooled))


def test_one_code_per_layer_is_pooled_over_the_whole_picture():
    network = encoder(class_wise=False)
    image, label = random_batch()
    posterior = network(image, label)
    pooled = F.leaky_relu(network.convs(image)[2], 0.2).amax((2, 3))
    torch.testing.assert_close(posterior.mu["local"][:, 2], network.local_mu[2](pooled))
    assert not posterior.class_mask


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


@pytest.mark.parametrize("ablation", [{"class_wise": False}, {"layer_wise": False}])
def test_an_ablation_of_class_codes_needs_two_layers(ablation):
    with pytest.raises(ZooError, match=r"method\.layers=1"):
        CodeLayout(CLASSES, CHANNELS, layers=1, **ablation)


def test_seven_layers_are_refused():
    with pytest.raises(ZooError, match=r"method\.layers is 7"):
        CodeLayout(CLASSES, CHANNELS, layers=7)
