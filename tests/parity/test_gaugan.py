"""GauGAN (fixtures a*) and GauGAN-VAE (fixtures b*) against the official implementation."""

import pytest
import torch

from tests.parity.fixtures import CODE_TOLERANCE, compare_buffers, over_cases, read, skip_unless
from zoo.codes import Codes, Posterior
from zoo.losses import kl_divergence
from zoo.official import load_official
from zoo_gaugan.method import GauGAN, GauGANGenerator
from zoo_gaugan_vae.method import GauGANVAE, GauGANVAEEncoder, GauGANVAEGenerator


def settings(fixture):
    norm, spectral = fixture.norm("G")
    return {
        "width": fixture.opt["ngf"],
        "upsampling": fixture.opt["num_upsampling_layers"],
        "norm": norm,
        "spectral": spectral,
    }


@over_cases("a")
def test_gaugan_generator(case):
    fixture = read(case)
    generator = GauGANGenerator(fixture.classes, fixture.size, **settings(fixture))
    load_official(generator, "generator", fixture.state("G"), GauGAN.official)
    none = Codes({}, {}, len(fixture.label))
    with torch.no_grad():
        evaluated = generator.eval()(fixture.label, none)
        trained = generator.train()(fixture.label, none)
    compare_buffers(fixture, {"G": ("generator", generator)}, GauGAN.official)
    skip_unless([fixture.compare("out_eval", evaluated), fixture.compare("out_train", trained)], case)


@over_cases("b")
def test_gaugan_vae(case):
    fixture = read(case)
    opt, tensors, official = fixture.opt, fixture.tensors, GauGANVAE.official
    generator = GauGANVAEGenerator(fixture.classes, fixture.size, global_code_width=opt["z_dim"], **settings(fixture))
    encoder = GauGANVAEEncoder(width=opt["ngf"], global_code_width=opt["z_dim"], norm=fixture.norm("E")[0])
    load_official(generator, "generator", fixture.state("G"), official)
    load_official(encoder, "encoder", fixture.state("E"), official)
    generator.eval(), encoder.eval()
    compared = []
    with torch.no_grad():
        posterior = encoder(fixture.image(), fixture.label)
        for key, codes in (("mu", posterior.mu), ("logvar", posterior.logvar)):
            compared.append(fixture.compare(key, codes["global"], CODE_TOLERANCE))
        if "z" in tensors:
            image = generator(fixture.label, Codes({"global": tensors["z"]}, generator.code_specs))
            compared.append(fixture.compare("out_eval", image))
    expected = next((n for n in map(fixture.number, ("kld", "kld_unweighted")) if n is not None), None)
    if expected is not None and {"mu", "logvar"} <= tensors.keys():
        recorded = Posterior(*(Codes({"global": tensors[key]}, encoder.code_specs) for key in ("mu", "logvar")))
        assert kl_divergence(recorded).item() == pytest.approx(expected, rel=1e-5, abs=1e-4)
    skip_unless(compared, case)
