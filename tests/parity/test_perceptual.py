"""The perceptual loss against the numbers of the official implementation (fixtures d*)."""

import pytest
import torch

from tests.parity.fixtures import over_cases, read, skip_unless
from zoo.losses import SLICE_WEIGHTS, perceptual_loss
from zoo.nn.vgg import VGGFeatures, module_indices, random_vgg19_state


def recorded_vgg(fixture):
    """The fixture's random VGG19."""
    skip_unless("vgg" in fixture.meta, fixture.case, "perceptual loss")
    seed = fixture.meta["vgg"]["seed"]
    return VGGFeatures("vgg19", random_vgg19_state(seed), seed=seed)


@over_cases("d")
def test_random_vgg19_is_the_recorded_one(case):
    notes = read(case).meta.get("vgg")
    skip_unless(notes, case, "perceptual loss")
    state = random_vgg19_state(notes["seed"])
    convolutions = [index for name, index in module_indices("vgg19").items() if name.startswith("conv")]
    weights = [state[f"features.{index}.weight"].double() for index in convolutions]
    assert weights[0].flatten()[:3].tolist() == pytest.approx(notes["first_weight_0_3"], abs=1e-9)
    assert [w.sum().item() for w in weights] == pytest.approx(notes["sum_weight_per_conv"], abs=1e-2)
    assert [w.norm().item() for w in weights] == pytest.approx(notes["l2_weight_per_conv"], rel=1e-5)


@over_cases("d")
def test_features_and_slices(case):
    fixture = read(case)
    notes, mask, vgg = fixture.meta, fixture.tensors.get("loss_mask"), recorded_vgg(fixture)
    fakes, reals = vgg(fixture.image("fake")), vgg(fixture.image("real"))
    for feature, expected in zip(fakes, notes.get("vgg_features_fake", []), strict=False):
        assert list(feature.shape) == expected["shape"]
        assert feature.mean().item() == pytest.approx(expected["mean"], rel=1e-4)
        assert feature.max().item() == pytest.approx(expected["max"], rel=1e-4)
    if "vgg_l1_per_slice" in notes:
        plain = [(f - r).abs().mean().item() for f, r in zip(fakes, reals, strict=True)]
        assert plain == pytest.approx(notes["vgg_l1_per_slice"], rel=1e-4)
    assert pytest.approx(notes.get("vgg_slice_weights", SLICE_WEIGHTS)) == SLICE_WEIGHTS
    if mask is not None and "vgg_l1_per_slice_mask" in notes:
        resized = [torch.nn.functional.interpolate(mask, f.shape[-2:]) for f in fakes]
        masked = [(f * m - r * m).abs().mean().item() for f, r, m in zip(fakes, reals, resized, strict=True)]
        assert masked == pytest.approx(notes["vgg_l1_per_slice_mask"], rel=1e-4)


@over_cases("d")
def test_loss_with_and_without_mask(case):
    fixture = read(case)
    vgg, losses = recorded_vgg(fixture), fixture.meta.get("losses", {})
    masks = {"VGG_unweighted_nomask": None}
    if "loss_mask" in fixture.tensors:
        masks["VGG_unweighted_mask"] = fixture.tensors["loss_mask"]
    fake, real = fixture.image("fake"), fixture.image("real")
    for key in masks.keys() & losses.keys():
        assert perceptual_loss(vgg, fake, real, masks[key]).item() == pytest.approx(losses[key], rel=1e-4), key
