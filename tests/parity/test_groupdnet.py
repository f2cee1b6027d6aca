"""GroupDNet's networks (fixtures e*) against the official implementation."""

import hashlib

import pytest
import torch

from tests.parity.fixtures import CODE_TOLERANCE, compare_buffers, over_cases, read, skip_unless
from zoo.codes import Codes
from zoo.losses import kl_divergence
from zoo.official import load_official
from zoo_groupdnet.groups import group_layout
from zoo_groupdnet.method import GroupDNet
from zoo_groupdnet.networks import GroupDNetEncoder, GroupDNetGenerator, class_boxes, crop_stack


def boxes_of_values(image, label, classes):
    """The official boxes: from rows and columns whose image values do not sum to exactly 0; None without any."""
    boxes = []
    for b in range(image.shape[0]):
        boxes.append([])
        for c in range(classes):
            values = (image[b] * (label[b] == c)).sum(0)
            columns, rows = (values.sum(axis).nonzero().flatten().tolist() for axis in (0, 1))
            boxes[b].append([rows[0], rows[-1], columns[0], columns[-1]] if columns else None)
    return boxes


def networks(fixture):
    opt = fixture.opt
    # the official encoder's width is no option: its first weight has it
    encoder_width = fixture.state("E")["layer1.0.weight_orig"].shape[0]
    layout = group_layout(fixture.classes, opt["netG"].lower(), width=opt["ngf"], encoder_width=encoder_width)
    code_width = fixture.state("E")["fc_mu.weight"].shape[0] // fixture.classes
    norm, spectral = fixture.norm("G")
    generator = GroupDNetGenerator(
        layout,
        fixture.size,
        upsampling=opt["num_upsampling_layers"],
        local_code_width=code_width,
        norm=norm,
        spectral=spectral,
    )
    encoder = GroupDNetEncoder(
        layout,
        generator.start,
        local_code_width=code_width,
        encoder_size=min(fixture.size),
        norm=fixture.norm("E")[0],
    )
    load_official(generator, "generator", fixture.state("G"), GroupDNet.official)
    load_official(encoder, "encoder", fixture.state("E"), GroupDNet.official)
    return generator, encoder


def crops_of(fixture):
    """The crops in the official boxes; a class without a box is left at its place in the whole picture."""
    image, label = fixture.image(), fixture.label
    height, width = fixture.size
    whole = [0, height - 1, 0, width - 1]
    # a fixture of crops alone may have no options
    shape = fixture.meta.get("trans_img", {}).get("shape")
    _, channels, *crop_size = shape or (len(label), 3 * fixture.classes, height, width)
    found = boxes_of_values(image, label, channels // 3)
    boxes = torch.tensor([[box or whole for box in boxes] for boxes in found])
    return found, crop_stack(image, label, boxes, tuple(crop_size))


@over_cases("e")
def test_crops(case):
    fixture = read(case)
    expected = fixture.meta.get("trans_img", {})
    boxes, crops = crops_of(fixture)
    assert boxes == fixture.meta.get("boxes_rowmin_rowmax_colmin_colmax", boxes)
    assert list(crops.shape) == expected.get("shape", list(crops.shape))
    for key, strided in (("trans_img", crops), ("trans_img_s4", crops[:, :, 1::4, 1::4])):
        if key in fixture.tensors:
            assert torch.equal(strided, fixture.tensors[key]), key
    if "per_channel_sum" in expected:
        sums = [pytest.approx(row, abs=1e-6) for row in expected["per_channel_sum"]]
        assert crops.double().sum((2, 3)).tolist() == sums
    if "sha256_f32" in expected:
        assert hashlib.sha256(crops.numpy().tobytes()).hexdigest() == expected["sha256_f32"]


@over_cases("e")
def test_label_boxes_are_the_official_ones_unless_values_cancel(case):
    fixture = read(case)
    boxes, _ = crops_of(fixture)
    own = class_boxes(fixture.label, len(boxes[0]))
    for b, picture in enumerate(boxes):
        for c, box in enumerate(picture):
            top, bottom, left, right = own[b, c].tolist()
            inside = (fixture.image()[b] * (fixture.label[b] == c)).sum(0)[top : bottom + 1, left : right + 1]
            ends = [inside.sum(axis)[end].item() for axis in (0, 1) for end in (0, -1)]
            if box is not None and all(ends):
                assert own[b, c].tolist() == box


@over_cases("e")
def test_networks(case):
    fixture = read(case)
    tensors = fixture.tensors
    skip_unless(fixture.state("G") and fixture.state("E"), case, "networks")
    generator, encoder = networks(fixture)
    _, crops = crops_of(fixture)
    assert list(encoder.crop_size) == list(crops.shape[2:])

    def codes(key):
        return Codes({"local": tensors[key].reshape(-1, *generator.code_specs["local"].shape)}, generator.code_specs)

    compared = []
    with torch.no_grad():
        posterior = encoder.eval().posterior(crops)
        generator.eval()
        if "z" in tensors:
            compared.append(fixture.compare("out_eval", generator(fixture.label, codes("z"))))
        if "eps" in tensors:
            reconstruction = generator(fixture.label, posterior.sample(codes("eps")))
            compared.append(fixture.compare("out_recon", reconstruction))
        for key, own in (("mu", posterior.mu), ("logvar", posterior.logvar)):
            compared.append(fixture.compare(key, own["local"].flatten(1, 2), CODE_TOLERANCE))
        if "kld_unweighted" in fixture.meta:
            assert kl_divergence(posterior).item() == pytest.approx(fixture.meta["kld_unweighted"], rel=1e-4)
        if fixture.after("G"):
            compared.append(fixture.compare("out_train", generator.train()(fixture.label, codes("z"))))
            compare_buffers(fixture, {"G": ("generator", generator)}, GroupDNet.official)
        if fixture.after("E"):
            mu = encoder.train().posterior(crops).mu["local"]
            compared.append(fixture.compare("mu_train", mu.flatten(1, 2), CODE_TOLERANCE))
            compare_buffers(fixture, {"E": ("encoder", encoder)}, GroupDNet.official)
    skip_unless(compared, case)
