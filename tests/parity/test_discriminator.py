"""The discriminator and the losses on it (fixtures d*) against the official implementation."""

import pytest
import torch

from plugins.clvae.method import CLVAE
from tests.parity.fixtures import OUTPUT_TOLERANCE, largest_difference, norm_of, over_cases, read
from zoo.losses.adversarial import discriminator_losses, feature_matching_loss, generator_loss
from zoo.losses.perceptual import FeatureTrunk, perceptual_loss, random_vgg19_state
from zoo.nn.discriminator import MultiscaleDiscriminator
from zoo.official import load_official

OFFICIAL_NAMES = {"hinge": "hinge", "ls": "least_squares", "original": "original", "w": "wasserstein"}


@over_cases("d")
def test_discriminator(case, golden_dir):
    fixture = read(golden_dir, case)
    opt, recorded = fixture.opt, fixture.meta["losses"]
    norm = norm_of(opt["norm_D"])[0]
    discriminator = MultiscaleDiscriminator(opt["semantic_nc"], opt["ndf"], norm=norm).eval()
    load_official(discriminator, "discriminator", fixture.state("D"), CLVAE.official)
    fake = fixture.image("fake_u8").requires_grad_()
    real = fixture.image("real_u8")
    features = discriminator(torch.cat([fake, real]), fixture.label)
    fakes = [[f[: len(fake)] for f in scale] for scale in features]
    reals = [[f[len(fake) :] for f in scale] for scale in features]
    for i, scale in enumerate(features):
        for j in range(len(scale)):
            for kind, side in (("fake", fakes), ("real", reals)):
                expected = fixture.tensors.get(f"{kind}.{i}.{j}")
                if expected is not None:
                    assert largest_difference(side[i][j], expected) < OUTPUT_TOLERANCE, f"{kind}.{i}.{j}"
    for official, kind in OFFICIAL_NAMES.items():
        expected = recorded[official]
        as_fake, as_real = discriminator_losses(fakes, reals, kind)
        assert generator_loss(fakes, kind).item() == pytest.approx(expected["G"], rel=1e-4, abs=1e-6)
        assert as_fake.item() == pytest.approx(expected["D_fake"], rel=1e-4, abs=1e-6)
        assert as_real.item() == pytest.approx(expected["D_real"], rel=1e-4, abs=1e-6)
    matching = 10 * feature_matching_loss(fakes, reals)
    assert matching.item() == pytest.approx(recorded["GAN_Feat_lambda10"], rel=1e-4)
    trunk = FeatureTrunk("vgg19", random_vgg19_state(fixture.meta["vgg"]["seed"]))
    mask = fixture.tensors["loss_mask"]
    total = generator_loss(fakes) + matching + 10 * perceptual_loss(trunk, fake, real, mask)
    assert total.item() == pytest.approx(recorded["G_total_hinge_fm_vggmask"], rel=1e-4)
    (gradient,) = torch.autograd.grad(total, fake)
    assert gradient.double().norm().item() == pytest.approx(fixture.meta["grad_fake"]["l2"], rel=2e-3)
    expected = fixture.tensors["grad_fake_s2"]
    assert largest_difference(gradient[:, :, ::2, ::2], expected) < 2e-3 * expected.abs().max()
