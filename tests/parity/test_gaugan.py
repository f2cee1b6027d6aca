"""GauGAN (fixtures a*) and GauGAN-VAE (fixtures b*) against the official implementation."""

import torch

from plugins.gaugan.generator import GauGANGenerator
from plugins.gaugan.method import GauGAN
from plugins.gaugan_vae.method import GauGANVAE
from plugins.gaugan_vae.networks import GauGANVAEEncoder, GauGANVAEGenerator
from tests.parity.fixtures import CODE_TOLERANCE, OUTPUT_TOLERANCE, largest_difference, norm_of, over_cases, read
from zoo.codes import Codes, Posterior
from zoo.losses.kl import kl_divergence
from zoo.nn.class_map import instance_edges
from zoo.official import load_official


def classes_and_edges(opt):
    edges = not opt["no_instance"]
    return opt["semantic_nc"] - edges, edges


@over_cases("a")
def test_gaugan_generator(case, golden_dir):
    fixture = read(golden_dir, case)
    classes, has_edges = classes_and_edges(fixture.opt)
    norm, spectral = norm_of(fixture.opt["norm_G"])
    generator = GauGANGenerator(
        classes,
        fixture.size,
        width=fixture.opt["ngf"],
        upsampling=fixture.opt["num_upsampling_layers"],
        norm=norm,
        spectral=spectral,
        edges=has_edges,
    )
    load_official(generator, "generator", fixture.state("G"), GauGAN.official)
    edges = None
    if has_edges:
        given = fixture.tensors.get("edges")
        edges = given.float() if given is not None else instance_edges(fixture.tensors["instance"].squeeze(1))
    none = Codes({}, {}, fixture.label.shape[0])
    with torch.no_grad():
        evaluated = generator.eval()(fixture.label, none, edges)
        trained = generator.train()(fixture.label, none, edges)
    assert largest_difference(evaluated, fixture.tensors["out_eval"]) < OUTPUT_TOLERANCE
    assert largest_difference(trained, fixture.tensors["out_train"]) < OUTPUT_TOLERANCE
    buffers = generator.state_dict()
    after = GauGAN.official.convert("generator", fixture.after("G"))
    assert after, "the fixture records the buffers after a train-mode forward"
    for key, expected in after.items():
        assert largest_difference(buffers[key], expected) < OUTPUT_TOLERANCE, key


@over_cases("b")
def test_gaugan_vae(case, golden_dir):
    fixture = read(golden_dir, case)
    opt, official = fixture.opt, GauGANVAE.official
    classes, _ = classes_and_edges(opt)
    norm, spectral = norm_of(opt["norm_G"])
    generator = GauGANVAEGenerator(
        classes,
        fixture.size,
        width=opt["ngf"],
        upsampling=opt["num_upsampling_layers"],
        global_code_width=opt["z_dim"],
        norm=norm,
        spectral=spectral,
    )
    encoder = GauGANVAEEncoder(width=opt["ngf"], global_code_width=opt["z_dim"], norm=norm_of(opt["norm_E"])[0])
    load_official(generator, "generator", fixture.state("G"), official)
    load_official(encoder, "encoder", fixture.state("E"), official)
    generator.eval(), encoder.eval()
    with torch.no_grad():
        posterior = encoder(fixture.image(), fixture.label)
        image = generator(fixture.label, Codes({"global": fixture.tensors["z"]}, generator.code_specs))
    assert largest_difference(posterior.mu["global"], fixture.tensors["mu"]) < CODE_TOLERANCE
    assert largest_difference(posterior.logvar["global"], fixture.tensors["logvar"]) < CODE_TOLERANCE
    assert largest_difference(image, fixture.tensors["out_eval"]) < OUTPUT_TOLERANCE
    recorded = Posterior(
        Codes({"global": fixture.tensors["mu"]}, encoder.code_specs),
        Codes({"global": fixture.tensors["logvar"]}, encoder.code_specs),
    )
    torch.testing.assert_close(kl_divergence(recorded), fixture.tensors["kld"].squeeze(), rtol=1e-5, atol=1e-4)
