"""CLVAE's networks (fixtures c*) against the official implementation."""

import pytest
import torch

from plugins.clvae.encoder import CLVAEEncoder
from plugins.clvae.generator import CLVAEGenerator
from plugins.clvae.layout import CodeLayout
from plugins.clvae.method import CLVAE
from tests.parity.fixtures import CODE_TOLERANCE, OUTPUT_TOLERANCE, largest_difference, norm_of, over_cases, read
from zoo.codes import Codes, Posterior
from zoo.losses.kl import kl_divergence
from zoo.official import load_official


def all_classes(fixture, key):
    """A recorded tensor [B, 5, some classes, ...] with every class; those that the fixture left out are zero."""
    tensor = fixture.tensors[key].float()
    index = fixture.tensors.get("class_index")
    if index is None:
        return tensor
    full = torch.zeros(*tensor.shape[:2], fixture.opt["semantic_nc"], *tensor.shape[3:])
    full[:, :, index.long()] = tensor
    return full


@over_cases("c")
def test_clvae(case, golden_dir):
    fixture = read(golden_dir, case)
    opt, official = fixture.opt, CLVAE.official
    layout = CodeLayout(opt["semantic_nc"], opt["z_dim_local"])
    norm, spectral = norm_of(opt["norm_G"])
    generator = CLVAEGenerator(
        layout,
        fixture.size,
        width=opt["ngf"],
        upsampling=opt["num_upsampling_layers"],
        global_code_width=opt["z_dim"],
        norm=norm,
        spectral=spectral,
    )
    encoder = CLVAEEncoder(layout, width=opt["ngf"], global_code_width=opt["z_dim"], norm=norm_of(opt["norm_E"])[0])
    load_official(generator, "generator", fixture.state("G"), official)
    load_official(encoder, "encoder", fixture.state("E"), official)
    generator.eval(), encoder.eval()

    def codes(local, global_):
        return Codes({"global": fixture.tensors[global_], "local": all_classes(fixture, local)}, generator.code_specs)

    with torch.no_grad():
        posterior = encoder(fixture.image(), fixture.label)
        image = generator(fixture.label, codes("z", "z_global"))
        # from the recorded posterior, so that the generator answers for its own rounding alone
        recorded = Posterior(codes("mu", "mu_global"), codes("logvar", "logvar_global"))
        reconstruction = generator(fixture.label, recorded.sample(codes("eps", "eps_global")))
    assert torch.equal(posterior.presence["local"], all_classes(fixture, "presence").bool())
    assert largest_difference(posterior.mu["local"], all_classes(fixture, "mu")) < CODE_TOLERANCE
    assert largest_difference(posterior.logvar["local"], all_classes(fixture, "logvar")) < CODE_TOLERANCE
    assert largest_difference(posterior.mu["global"], fixture.tensors["mu_global"]) < CODE_TOLERANCE
    assert largest_difference(posterior.logvar["global"], fixture.tensors["logvar_global"]) < CODE_TOLERANCE
    weighted = fixture.meta["lambda_kld"] * kl_divergence(posterior)
    torch.testing.assert_close(weighted, fixture.tensors["kld_weighted"].squeeze(), rtol=1e-4, atol=1e-4)
    assert largest_difference(image, fixture.tensors["out_eval"]) < OUTPUT_TOLERANCE
    expected = fixture.tensors.get("out_recon")  # large fixtures keep its statistics alone
    if expected is None:
        statistics = fixture.meta["out_recon"]
        assert reconstruction.mean().item() == pytest.approx(statistics["mean"], abs=OUTPUT_TOLERANCE)
        assert reconstruction.std().item() == pytest.approx(statistics["std"], abs=OUTPUT_TOLERANCE)
        return
    stride = image.shape[-1] // expected.shape[-1]
    assert largest_difference(reconstruction[:, :, ::stride, ::stride], expected) < OUTPUT_TOLERANCE
