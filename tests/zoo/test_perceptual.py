"""The feature vgg and the perceptual loss."""

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from zoo import weights
from zoo.errors import ZooError
from zoo.losses import perceptual_loss
from zoo.nn.vgg import VGGFeatures, load_vgg, module_indices, random_vgg19_state


@pytest.fixture
def only_shared(weights_dir, tmp_path, monkeypatch):
    """The machine has the files of ``weights_dir`` and no others."""
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.setenv("ZOO_WEIGHTS", str(weights_dir))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def small_vgg() -> VGGFeatures:
    layers = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1")
    return VGGFeatures("vgg19", random_vgg19_state(7), layers, seed=7)


def test_layout_is_torchvisions():
    for kind in ("vgg16", "vgg19"):
        with torch.device("meta"):
            modules = getattr(torchvision.models, kind)(weights=None).features
        kinds = {"conv": torch.nn.Conv2d, "relu": torch.nn.ReLU, "pool": torch.nn.MaxPool2d}
        names = module_indices(kind)
        assert len(names) == len(modules)
        for name, index in names.items():
            assert isinstance(modules[index], kinds[name[:4]])


def test_stand_in_gives_torchvisions_vgg16_features_on_a_real_picture(only_shared, samples_dir):
    path = min((samples_dir / "celebamask" / "test" / "images").iterdir())
    picture = np.asarray(Image.open(path).convert("RGB").resize((96, 96)))
    image = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1

    vgg = load_vgg()
    assert vgg.description == "vgg16 (stand-in for vgg19)"
    reference = torchvision.models.vgg16(weights=None).features
    reference.load_state_dict({k.removeprefix("features."): v for k, v in weights.load("vgg16").items()}, strict=False)
    expected, x = [], image
    for index, module in enumerate(reference[:26]):
        x = module(x)
        if index in (1, 6, 11, 18, 25):  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1
            expected.append(x.clone())
    for feature, truth in zip(vgg(image), expected, strict=True):
        torch.testing.assert_close(feature, truth, rtol=1e-4, atol=1e-4)


def test_layer_that_the_stand_in_lacks_is_replaced_and_named(only_shared, caplog):
    layers = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
    vgg = load_vgg(layers=layers, pool="avg")
    assert vgg.layers == (*layers[:4], "relu5_1")
    assert vgg.description == "vgg16 (stand-in for vgg19, relu5_1 for relu5_2)"
    assert vgg.description in caplog.text
    assert any(isinstance(m, torch.nn.AvgPool2d) for m in vgg.modules())
    assert not any(isinstance(m, torch.nn.MaxPool2d) for m in vgg.modules())


def test_without_any_weights_random_only_where_allowed(no_weights, caplog):
    with pytest.raises(ZooError, match="VGG19 trained on ImageNet are missing"):
        load_vgg()
    before = torch.random.get_rng_state()
    vgg = load_vgg(allow_random=True, layers=("relu1_1", "relu2_1"))
    assert torch.equal(before, torch.random.get_rng_state())
    assert vgg.description == "random vgg19 (seed 1234)" and vgg.description in caplog.text


def test_errors_name_layer_and_tensor():
    with pytest.raises(ZooError, match=r'vgg16 has no layer "relu3_4".*did you mean'):
        VGGFeatures("vgg16", {}, ("relu3_4",))
    with pytest.raises(ZooError, match=r"conv1_1.*features\.0\.weight"):
        VGGFeatures("vgg16", {}, ("relu1_1",))


def test_values_before_a_relu_can_be_asked_for():
    state = random_vgg19_state(7)
    vgg = VGGFeatures("vgg19", state, ("conv1_1", "relu1_1"))
    image = torch.rand(1, 3, 8, 8)
    before, after = vgg(image)
    expected = torch.nn.functional.conv2d(image, state["features.0.weight"], state["features.0.bias"], padding=1)
    torch.testing.assert_close(before, expected)
    assert before.min() < 0
    torch.testing.assert_close(after, expected.clamp(min=0))


def test_vgg_is_frozen_and_gradients_reach_the_fake_picture_only(small_vgg):
    fake, real = (torch.rand(1, 3, 16, 16, requires_grad=True) for _ in range(2))
    perceptual_loss(small_vgg, fake, real).backward()
    assert fake.grad is not None and fake.grad.abs().sum() > 0 and real.grad is None
    assert not any(p.requires_grad for p in small_vgg.parameters())


def test_mask_keeps_the_plain_mean(small_vgg):
    """A constant mask of 1/4 gives a quarter of the loss, a mask that is zero where the pictures differ gives none."""
    torch.manual_seed(0)
    fake, real = torch.rand(2, 2, 3, 32, 32)
    whole = perceptual_loss(small_vgg, fake, real)
    quarter = perceptual_loss(small_vgg, fake, real, torch.full((2, 1, 32, 32), 0.25))
    assert quarter.item() == pytest.approx(whole.item() / 4, rel=1e-5)
    one_of_two = perceptual_loss(small_vgg, fake, real, torch.tensor([1.0, 0.0]).view(2, 1, 1, 1).expand(2, 1, 32, 32))
    alone = perceptual_loss(small_vgg, fake[:1], real[:1])
    assert one_of_two.item() == pytest.approx(alone.item() / 2, rel=1e-5)


def test_autocast_gives_a_float32_loss_near_the_exact_one(small_vgg):
    torch.manual_seed(0)
    fake, real = torch.rand(2, 1, 3, 32, 32)
    exact = perceptual_loss(small_vgg, fake, real)
    with torch.autocast("cpu", torch.bfloat16):
        loss = perceptual_loss(small_vgg, fake, real)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=2e-2)
