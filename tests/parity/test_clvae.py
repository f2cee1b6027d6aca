"""CLVAE's networks (fixtures c*) against the official implementation."""

import pytest
import torch

from tests.parity.fixtures import CODE_TOLERANCE, largest_difference, over_cases, read, skip_unless
from zoo.codes import Codes, Posterior
from zoo.losses import kl_divergence
from zoo.official import load_official
from zoo_clvae.method import CLVAE, CLVAEEncoder, CLVAEGenerator, CodeLayout


@over_cases("c")
def test_clvae(case):
    fixture = read(case)
    opt, tensors, official = fixture.opt, fixture.tensors, CLVAE.official
    layout = CodeLayout(fixture.classes, opt["z_dim_local"])
    norm, spectral = fixture.norm("G")
    generator = CLVAEGenerator(
        layout,
        fixture.size,
        width=opt["ngf"],
        upsampling=opt["num_upsampling_layers"],
        global_code_width=opt["z_dim"],
        norm=norm,
        spectral=spectral,
    )
    encoder = CLVAEEncoder(layout, width=opt["ngf"], global_code_width=opt["z_dim"], norm=fixture.norm("E")[0])
    load_official(generator, "generator", fixture.state("G"), official)
    load_official(encoder, "encoder", fixture.state("E"), official)
    generator.eval(), encoder.eval()

    def codes(local):
        drawn = {"global": tensors[f"{local}_global"], "local": fixture.all_classes(local)}
        return Codes(drawn, generator.code_specs)

    compared = []
    with torch.no_grad():
        posterior = encoder(fixture.image(), fixture.label)
        if "z" in tensors:
            compared.append(fixture.compare("out_eval", generator(fixture.label, codes("z"))))
        if {"mu", "logvar", "eps"} <= tensors.keys():
            # from the recorded posterior, so that the generator answers for its own rounding alone
            recorded = Posterior(codes("mu"), codes("logvar"))
            reconstruction = generator(fixture.label, recorded.sample(codes("eps")))
            compared.append(fixture.compare("out_recon", reconstruction))
    presence = posterior.class_mask["local"]
    if "presence" in tensors:
        assert torch.equal(presence, fixture.all_classes("presence").bool())
    if "presence_count_per_sample_layer" in fixture.meta:
        assert presence.sum(2).tolist() == fixture.meta["presence_count_per_sample_layer"]
    for key, own in (("mu", posterior.mu), ("logvar", posterior.logvar)):
        if key in tensors:
            assert largest_difference(own["local"], fixture.all_classes(key)) < CODE_TOLERANCE, key
        else:  # statistics of the classes that are present
            compared.append(fixture.compare(key, own["local"][presence], CODE_TOLERANCE))
        compared.append(fixture.compare(f"{key}_global", own["global"], CODE_TOLERANCE))
    if (expected := fixture.number("kld_weighted")) is not None:
        weighted = fixture.meta.get("lambda_kld", opt["lambda_kld"]) * kl_divergence(posterior)
        assert weighted.item() == pytest.approx(expected, rel=1e-4, abs=1e-4)
    skip_unless(compared, case)
