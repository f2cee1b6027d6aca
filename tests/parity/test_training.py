"""Two whole training iterations of CLVAE (fixtures f*): losses, gradients, parameters after Adam, buffers."""

import statistics

import pytest
import torch
from mmengine.optim import OptimWrapper

from plugins.clvae.method import CLVAE
from tests.parity.fixtures import largest_difference, norm_of, over_cases, read
from zoo.adversarial import total
from zoo.codes import Codes
from zoo.interfaces import Batch
from zoo.losses.perceptual import FeatureTrunk, random_vgg19_state
from zoo.official import load_official

PARTS = {"G": "generator", "E": "encoder", "D": "discriminator"}
ZERO = 1e-5  # gradients below are rounding: a bias in front of a normalisation has none

LOSS_TOLERANCE = (1e-4, 5e-4)
GRADIENT_TOLERANCE = ({"G": 2e-3, "E": 2e-3, "D": 2e-2}, {"G": 2e-1, "E": 2e-1, "D": 2e-1})
MEDIAN_TOLERANCE = ({"G": 2e-4, "E": 2e-4, "D": 2e-3}, {"G": 1e-2, "E": 1e-2, "D": 1e-2})
OFFICIAL_LOSSES = {"KLD": "kl", "GAN": "gan", "GAN_Feat": "feature_matching", "VGG": "perceptual"}


def named(method, official_key):
    """Value of the method's parameters and buffers under an official key such as "G.fc.weight"."""
    letter, key = official_key.split(".", 1)
    ((own, _),) = CLVAE.official.convert(PARTS[letter], {key: torch.empty(0)}).items()
    return getattr(method, PARTS[letter]).get_parameter(own)


def compare_gradients(method, recorded, iteration):
    errors = {"G": [], "E": [], "D": []}
    for key, (_, norm) in recorded.items():
        gradient = named(method, key).grad
        own = 0.0 if gradient is None else gradient.double().norm().item()
        if norm < ZERO:
            assert own < ZERO, f"{key} has a gradient of norm {own}, the official one is zero"
            continue
        error = abs(own - norm) / norm
        assert error < GRADIENT_TOLERANCE[iteration][key[0]], f"iteration {iteration}: {key} {own} against {norm}"
        errors[key[0]].append(error)
    for letter, values in errors.items():
        if values:
            assert statistics.median(values) < MEDIAN_TOLERANCE[iteration][letter], letter


def compare_elements(method, tensors, rounding_only, letters):
    """Gradients recorded element by element: relative difference within the tolerance of the norms."""
    for key, expected in tensors.items():
        official = key.removeprefix("grad.")
        if key.startswith(tuple(f"grad.{letter}." for letter in letters)) and official not in rounding_only:
            error = (named(method, official).grad - expected).norm() / expected.norm()
            assert error < GRADIENT_TOLERANCE[0][official[0]], key


@over_cases("f")
def test_two_iterations(case, golden_dir):
    fixture = read(golden_dir, case)
    opt, tensors = fixture.opt, fixture.tensors
    method = CLVAE(
        classes=opt["semantic_nc"],
        size=fixture.size,
        width=opt["ngf"],
        upsampling=opt["num_upsampling_layers"],
        norm=norm_of(opt["norm_G"])[0],
        global_code_width=opt["z_dim"],
        local_code_width=opt["z_dim_local"],
        discriminator_width=opt["ndf"],
        kl_weight=opt["lambda_kld"],
        feature_matching_weight=opt["lambda_feat"],
        perceptual_weight=opt["lambda_vgg"],
    ).train()
    for letter, part in PARTS.items():
        load_official(getattr(method, part), part, fixture.state(letter), CLVAE.official)
    method.attach_trunk(FeatureTrunk("vgg19", random_vgg19_state(fixture.meta["vgg"]["seed"])))
    batch = Batch(fixture.image(), fixture.label, tuple("ab"), tensors.get("loss_mask"))
    optimizers = {
        name: OptimWrapper(
            torch.optim.Adam(
                [p for network in networks for p in network.parameters()], lr=lr, betas=tuple(fixture.meta["betas"])
            )
        )
        for (name, networks), lr in zip(
            method.optimized().items(), (fixture.meta["lr_G"], fixture.meta["lr_D"]), strict=True
        )
    }

    def noise(step):
        drawn = {"local": tensors[f"eps_{step}"], "global": tensors[f"eps_global_{step}"]}
        return Codes({name: drawn[name] for name in method.code_specs}, method.code_specs)

    for i, recorded in enumerate(fixture.meta["iterations"]):
        close = {"rel": LOSS_TOLERANCE[i], "abs": 1e-6}
        rounding_only = {k for k, (_, norm) in (recorded["grad_G"] | recorded["grad_D"]).items() if norm < ZERO}

        fake, losses = method.generator_losses(batch, noise(f"it{i}_G"))
        for official, own in OFFICIAL_LOSSES.items():
            assert losses[own].item() == pytest.approx(recorded["G_losses"][official], **close), official
        if i == 0 and "generated_it0" in tensors:
            expected = tensors["generated_it0"]
            stride = fake.shape[-1] // expected.shape[-1]
            assert largest_difference(fake[:, :, ::stride, ::stride], expected) < 2e-4
        optimizers["generator"].zero_grad()
        total(losses).backward()
        compare_gradients(method, recorded["grad_G"], i)
        if i == 0:
            compare_elements(method, tensors, rounding_only, ("G", "E"))
        optimizers["generator"].step()

        losses = method.discriminator_losses(batch, noise(f"it{i}_D"))
        assert losses["d_fake"].item() == pytest.approx(recorded["D_losses"]["D_Fake"], **close)
        assert losses["d_real"].item() == pytest.approx(recorded["D_losses"]["D_real"], **close)
        optimizers["discriminator"].zero_grad()
        total(losses).backward()
        compare_gradients(method, recorded["grad_D"], i)
        if i == 0:
            compare_elements(method, tensors, rounding_only, ("D",))
        optimizers["discriminator"].step()

        for key, (_, norm, largest, _) in recorded["param_after"].items():
            if key not in rounding_only:
                parameter = named(method, key)
                assert parameter.double().norm().item() == pytest.approx(norm, rel=1e-4, abs=1e-6), key
                assert parameter.abs().max().item() == pytest.approx(largest, rel=1e-3, abs=2e-4), key
        if i == 0:
            for letter, part in PARTS.items():
                buffers = getattr(method, part).state_dict()
                after = CLVAE.official.convert(part, fixture.after(letter, "after0"))
                for key, expected in after.items():
                    assert largest_difference(buffers[key], expected) < 1e-3, f"{letter}.{key}"
