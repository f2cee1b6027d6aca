"""GroupDNet's networks (fixtures e*) against the official implementation."""

import hashlib

import pytest
import torch

from plugins.groupdnet.crops import class_boxes, crop_stack
from plugins.groupdnet.encoder import GroupDNetEncoder
from plugins.groupdnet.generator import GroupDNetGenerator
from plugins.groupdnet.layout import group_layout
from plugins.groupdnet.method import GroupDNet
from tests.parity.fixtures import CODE_TOLERANCE, OUTPUT_TOLERANCE, largest_difference, norm_of, over_cases, read
from zoo.codes import Codes
from zoo.losses.kl import kl_divergence
from zoo.official import load_official


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
    layout = group_layout(
        opt["semantic_nc"], opt["netG"].lower(), width=opt["ngf"], encoder_width=fixture.meta["ndf_encoder"]
    )
    norm, spectral = norm_of(opt["norm_G"])
    generator = GroupDNetGenerator(
        layout,
        fixture.size,
        upsampling=opt["num_upsampling_layers"],
        local_code_width=fixture.tensors["z"].shape[1] // opt["semantic_nc"],
        norm=norm,
        spectral=spectral,
    )
    encoder = GroupDNetEncoder(
        layout,
        generator.start,
        local_code_width=fixture.tensors["mu"].shape[1] // opt["semantic_nc"],
        encoder_size=min(fixture.size),
        norm=norm_of(opt["norm_E"])[0],
    )
    load_official(generator, "generator", fixture.state("G"), GroupDNet.official)
    load_official(encoder, "encoder", fixture.state("E"), GroupDNet.official)
    return generator, encoder


def image_of(fixture):
    """Pixels that are exactly 0 do not exist in 8 bits: a fixture that needs them records floats."""
    floats = (t for key, t in fixture.tensors.items() if key.startswith("image") and t.is_floating_point())
    return fixture.image() if "image_u8" in fixture.tensors else next(floats)


def crops_of(fixture):
    """The crops in the official boxes; a class without a box is left at its place in the whole picture."""
    image, label = image_of(fixture), fixture.label
    _, channels, *crop_size = fixture.meta["trans_img"]["shape"]
    height, width = fixture.size
    whole = [0, height - 1, 0, width - 1]
    found = boxes_of_values(image, label, channels // 3)
    boxes = torch.tensor([[box or whole for box in boxes] for boxes in found])
    return found, crop_stack(image, label, boxes, tuple(crop_size))


@over_cases("e")
def test_crops(case, golden_dir):
    fixture = read(golden_dir, case)
    boxes, crops = crops_of(fixture)
    assert boxes == fixture.meta["boxes_rowmin_rowmax_colmin_colmax"]
    expected = fixture.meta["trans_img"]
    assert list(crops.shape) == expected["shape"]
    for key, strided in (("trans_img", crops), ("trans_img_s4", crops[:, :, 1::4, 1::4])):
        if key in fixture.tensors:
            assert torch.equal(strided, fixture.tensors[key]), key
    assert crops.double().sum((2, 3)).tolist() == [pytest.approx(row, abs=1e-6) for row in expected["per_channel_sum"]]
    assert hashlib.sha256(crops.numpy().tobytes()).hexdigest() == expected["sha256_f32"]


@over_cases("e")
def test_label_boxes_are_the_official_ones_unless_values_cancel(case, golden_dir):
    fixture = read(golden_dir, case)
    boxes, _ = crops_of(fixture)
    own = class_boxes(fixture.label, len(boxes[0]))
    for b, picture in enumerate(boxes):
        for c, box in enumerate(picture):
            top, bottom, left, right = own[b, c].tolist()
            inside = (image_of(fixture)[b] * (fixture.label[b] == c)).sum(0)[top : bottom + 1, left : right + 1]
            ends = [inside.sum(axis)[end].item() for axis in (0, 1) for end in (0, -1)]
            if box is not None and all(ends):
                assert own[b, c].tolist() == box


@over_cases("e")
def test_networks(case, golden_dir):
    fixture = read(golden_dir, case)
    tensors = fixture.tensors
    if not fixture.state("G"):
        pytest.skip(f"{case} records crops alone")
    generator, encoder = networks(fixture)
    _, crops = crops_of(fixture)
    assert list(encoder.crop_size) == list(crops.shape[2:])

    def codes(key):
        return Codes({"local": tensors[key].unflatten(1, (encoder.classes, -1))}, generator.code_specs)

    with torch.no_grad():
        posterior = encoder.eval().posterior(crops)
        generator.eval()
        image = generator(fixture.label, codes("z"))
        reconstruction = generator(fixture.label, posterior.sample(codes("eps")))
    assert largest_difference(posterior.mu["local"].flatten(1, 2), tensors["mu"]) < CODE_TOLERANCE
    assert largest_difference(posterior.logvar["local"].flatten(1, 2), tensors["logvar"]) < CODE_TOLERANCE
    assert kl_divergence(posterior).item() == pytest.approx(fixture.meta["kld_unweighted"], rel=1e-4)
    assert largest_difference(image, tensors["out_eval"]) < OUTPUT_TOLERANCE
    assert largest_difference(reconstruction[:, :, ::2, ::2], tensors["out_recon"]) < OUTPUT_TOLERANCE

    with torch.no_grad():
        trained = generator.train()(fixture.label, codes("z"))
        mu = encoder.train().posterior(crops).mu["local"]
    assert largest_difference(trained[:, :, ::2, ::2], tensors["out_train_s2"]) < OUTPUT_TOLERANCE
    assert largest_difference(mu.flatten(1, 2), tensors["mu_train"]) < CODE_TOLERANCE
    for network, part, letter in ((generator, "generator", "G"), (encoder, "encoder", "E")):
        buffers = network.state_dict()
        after = GroupDNet.official.convert(part, fixture.after(letter))
        assert after, "the fixture records the buffers after a train-mode forward"
        for key, expected in after.items():
            assert largest_difference(buffers[key], expected) < OUTPUT_TOLERANCE, key
