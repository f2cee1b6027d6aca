"""The multiscale discriminator at any number of scales and layers, against a plain stack of convolutions in float64."""

from itertools import chain

import pytest
import torch
import torch.nn.functional as F

import zoo
from zoo.nn.discriminator import MultiscaleDiscriminator

CLASSES, WIDTH = 5, 3


def expected_features(discriminator, image, label):
    """The loop of pix2pixHD over the one-hot map and the picture, written out and pooled together."""
    maps = torch.cat([F.one_hot(label, CLASSES).movedim(-1, 1).to(image).repeat(2, 1, 1, 1), image], 1)
    found = []
    for scale in discriminator.scales:
        found.append([F.leaky_relu(F.conv2d(maps, scale.stem.weight, scale.stem.bias, 2, 2), 0.2)])
        for position, layer in enumerate(scale.layers):
            stride = 1 if position == len(scale.layers) - 1 else 2
            x = F.conv2d(found[-1][-1], layer.conv.weight, layer.conv.bias, stride, 2)
            found[-1].append(F.leaky_relu(F.instance_norm(x), 0.2))
        found[-1].append(F.conv2d(found[-1][-1], scale.logits.weight, scale.logits.bias, 1, 2))
        maps = F.avg_pool2d(maps, 3, 2, 1, count_include_pad=False)
    return found


@pytest.mark.parametrize(("scales", "layers"), [(1, 1), (1, 4), (2, 4), (3, 2), (4, 3)])
def test_scales_and_layers(scales, layers):
    torch.manual_seed(0)
    discriminator = MultiscaleDiscriminator(CLASSES, WIDTH, scales=scales, layers=layers).double().eval()
    label, image = torch.randint(0, CLASSES, (2, 36, 52)), torch.rand(4, 3, 36, 52, dtype=torch.float64)
    features, expected = discriminator(image, label), expected_features(discriminator, image, label)
    assert [len(found) for found in features] == [layers + 1] * scales
    for found, wanted in zip(chain(*features), chain(*expected), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("layers", "receptive_field"), [(1, 10), (2, 16), (3, 34), (4, 70), (5, 142)])
def test_receptive_field_of_a_logit(layers, receptive_field):
    """Without normalisation a logit depends on the pixels that the strides and kernels reach, and on no other."""
    torch.manual_seed(0)
    discriminator = MultiscaleDiscriminator(CLASSES, WIDTH, scales=1, layers=layers, norm="none", spectral=False)
    image = torch.zeros(1, 3, 192, 192, dtype=torch.float64, requires_grad=True)
    (features,) = discriminator.double()(image, torch.zeros(1, 192, 192, dtype=torch.long))
    logits = features[-1]
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    rows = image.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert len(rows) == int(rows[-1] - rows[0]) + 1 == receptive_field


def test_official_keys_and_settings_of_other_depths():
    """pix2pixHD numbers its layers model0 (no normalisation) to modelN (logits)."""
    method = zoo.build("gaugan", classes=CLASSES, size=(64, 64), discriminator_scales=3, discriminator_layers=2)
    weights = {"model0.0": "weight", "model1.0.0": "weight_orig", "model2.0": "weight"}
    official = {f"discriminator_{i}.{name}.{last}": torch.empty(0) for i in range(3) for name, last in weights.items()}
    own = method.official.convert("discriminator", official).keys()
    assert own == {key for key in method.discriminator.state_dict() if key.endswith(("weight", "original"))}
