"""The perceptual loss against the numbers of the official implementation (fixtures d*)."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from zoo.losses.perceptual import SLICE_WEIGHTS, FeatureTrunk, layout, perceptual_loss, random_vgg19_state


@pytest.fixture(scope="module")
def fixtures(golden_dir: Path) -> list[tuple[Path, dict]]:
    found = sorted(golden_dir.glob("d*.json"))
    if not found:
        pytest.skip(f"{golden_dir} holds no d* fixture")
    return [(path, json.loads(path.read_text())) for path in found]


def trunk_of(notes: dict) -> FeatureTrunk:
    return FeatureTrunk("vgg19", random_vgg19_state(notes["vgg"]["seed"]), seed=notes["vgg"]["seed"])


def pictures(path: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    tensors = load_file(path.with_suffix(".safetensors"))
    fake, real = ((tensors[key].float() / 255 - 0.5) / 0.5 for key in ("fake_u8", "real_u8"))
    return fake, real, tensors["loss_mask"]


def test_random_vgg19_is_the_recorded_one(fixtures):
    for _, notes in fixtures:
        state = random_vgg19_state(notes["vgg"]["seed"])
        convolutions = [index for name, index in layout("vgg19").items() if name.startswith("conv")]
        weights = [state[f"features.{index}.weight"].double() for index in convolutions]
        assert weights[0].flatten()[:3].tolist() == pytest.approx(notes["vgg"]["first_weight_0_3"], abs=1e-9)
        assert [w.sum().item() for w in weights] == pytest.approx(notes["vgg"]["sum_weight_per_conv"], abs=1e-2)
        assert [w.norm().item() for w in weights] == pytest.approx(notes["vgg"]["l2_weight_per_conv"], rel=1e-5)


def test_features_and_slices(fixtures):
    for path, notes in fixtures:
        fake, real, mask = pictures(path)
        trunk = trunk_of(notes)
        fakes, reals = trunk(fake), trunk(real)
        for feature, expected in zip(fakes, notes["vgg_features_fake"], strict=True):
            assert list(feature.shape) == expected["shape"]
            assert feature.mean().item() == pytest.approx(expected["mean"], rel=1e-4)
            assert feature.max().item() == pytest.approx(expected["max"], rel=1e-4)
        plain = [(f - r).abs().mean().item() for f, r in zip(fakes, reals, strict=True)]
        assert plain == pytest.approx(notes["vgg_l1_per_slice"], rel=1e-4)
        assert pytest.approx(notes["vgg_slice_weights"]) == SLICE_WEIGHTS

        resized = [torch.nn.functional.interpolate(mask, f.shape[-2:]) for f in fakes]
        masked = [(f * m - r * m).abs().mean().item() for f, r, m in zip(fakes, reals, resized, strict=True)]
        assert masked == pytest.approx(notes["vgg_l1_per_slice_mask"], rel=1e-4)


def test_loss_with_and_without_mask(fixtures):
    for path, notes in fixtures:
        fake, real, mask = pictures(path)
        trunk = trunk_of(notes)
        losses = notes["losses"]
        assert perceptual_loss(trunk, fake, real).item() == pytest.approx(losses["VGG_unweighted_nomask"], rel=1e-4)
        assert perceptual_loss(trunk, fake, real, mask).item() == pytest.approx(losses["VGG_unweighted_mask"], rel=1e-4)
