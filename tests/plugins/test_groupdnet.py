"""GroupDNet: crops against a plain loop, group counts, grouped normalisation, and what a code may depend on."""

import logging

import pytest
import torch
import torch.nn.functional as F

from zoo.codes import Codes
from zoo.errors import ZooError
from zoo.interfaces import Batch
from zoo.nn.class_map import ClassMap
from zoo.nn.spade import SPADE
from zoo_groupdnet.groups import choose_layout, group_layout
from zoo_groupdnet.method import GroupDNet
from zoo_groupdnet.networks import class_boxes, crop_stack


def label_map(batch, height, width, classes, seed=0):
    """Noise of coarse blocks and single pixels: some classes fill the picture, some are one pixel, some are absent."""
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.randint(0, max(1, classes // 3), (batch, 4, 4), generator=generator)
    label = F.interpolate(blocks[:, None].double(), size=(height, width), mode="nearest")[:, 0].long()
    for b in range(batch):
        row, column = (int(torch.randint(0, side, (), generator=generator)) for side in (height, width))
        label[b, row, column] = classes - 1
    label[0, -1, -1] = classes - 2
    return label


def picture(batch, height, width, seed=1):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def small(classes=5, size=(64, 64), **settings):
    settings = {"width": 4, "upsampling": "normal", "encoder_size": 128, "discriminator_width": 4, **settings}
    torch.manual_seed(0)
    return GroupDNet(classes=classes, size=size, **settings)


@pytest.mark.parametrize("size", [(64, 64), (128, 192), (100, 37)])
@pytest.mark.parametrize(("height", "width", "classes"), [(40, 56, 12), (33, 70, 2), (64, 64, 151)])
def test_crops_are_those_of_a_loop_over_pictures_and_classes(height, width, classes, size):
    image, label = picture(3, height, width), label_map(3, height, width, classes)
    expected = torch.zeros(3, classes, 3, *size, dtype=torch.float64)
    for b in range(3):
        for c in range(classes):
            rows, columns = (label[b] == c).nonzero(as_tuple=True)
            if len(rows):
                masked = image[b].double() * (label[b] == c)
                box = masked[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
                expected[b, c] = F.interpolate(box.float()[None], size=size)[0].double()
    crops = crop_stack(image, label, class_boxes(label, classes), size)
    assert torch.equal(crops.double(), expected.flatten(1, 2))


PUBLISHED = {
    ("deepfashion", 8): (8, 8, 8, 4, 4, 2, 2, 1),
    ("deepfashion", 16): (8, 16, 16, 8, 8, 4, 4, 2),
    ("ade20k", 16): (16, 16, 16, 16, 8, 4, 2, 1),
    ("ade20k", 151): (151, 151, 16, 16, 8, 4, 2, 1),
}
PARTS = ("fc", "head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3")


@pytest.mark.parametrize(("name", "classes"), PUBLISHED)
def test_published_group_counts_and_channels(name, classes):
    """METHODS 11.2 to 11.5, with nothing rounded at the published widths."""
    layout = group_layout(classes, name)
    assert tuple(layout.groups[part] for part in PARTS) == PUBLISHED[name, classes]
    assert layout.encoder_width == (256 if name == "deepfashion" else 4 * classes)
    outputs = [layout.fc_channels, *(shape.outputs for shape in layout.blocks.values())]
    if name == "deepfashion":
        assert outputs == [160 * factor for factor in (16, 16, 16, 16, 8, 4, 2, 1)]
        assert set(layout.hidden.values()) == {128}
    else:
        assert outputs == [16 * classes, 16 * classes, *(64 * factor for factor in (32, 16, 16, 8, 4, 2))]
        large = {151: (302, 2416, 2416, 1208, 604, 302, 302), 16: (32,) * 7}
        assert tuple(layout.hidden.values()) == large[classes]


@pytest.mark.parametrize("width", [4, 6, 10, 64])
@pytest.mark.parametrize("name", ["deepfashion", "ade20k"])
def test_group_counts_divide_the_channels_on_both_sides(name, width):
    for classes in [*range(1, 41), 91, 150, 151, 182]:
        layout = group_layout(classes, name, width=width)
        assert layout.encoder_width % classes == 0
        assert layout.fc_channels % layout.fc_groups == 0 and (8 * classes) % layout.fc_groups == 0
        channels = layout.fc_channels
        for block, shape in layout.blocks.items():
            assert shape.inputs == channels, "a block takes what the one before it gives"
            hidden, shared = layout.hidden[block], layout.shared_groups[block]
            assert classes % shared == 0 and hidden % shared == 0 and hidden % shape.groups == 0
            assert shape.inputs % shape.groups == 0 and shape.outputs % shape.groups == 0
            channels = shape.outputs


def test_shares_that_do_not_divide_the_classes_take_the_next_lower_count_that_does():
    def counts(classes):
        groups = group_layout(classes, "deepfashion", width=8).groups
        return [groups[part] for part in PARTS]

    assert counts(12) == [12, 12, 12, 6, 6, 3, 3, 1]
    assert counts(18) == [18, 18, 18, 9, 9, 3, 3, 2]  # 18 // 4 = 4 does not divide 18
    assert counts(19) == [19, 19, 19, 1, 1, 1, 1, 1]
    assert counts(20) == [20, 20, 20, 10, 10, 5, 5, 2]
    assert counts(2) == [2, 2, 2, 1, 1, 1, 1, 1]


def test_auto_takes_the_layout_that_fits_the_number_of_classes_and_says_so(caplog):
    names = {classes: choose_layout(classes) for classes in (8, 13, 16, 19, 20, 32, 151)}
    assert [classes for classes, name in names.items() if name == "deepfashion"] == [8, 16, 20, 32]
    with caplog.at_level(logging.INFO):
        method = small(classes=13)
    assert method.groups == {"encoder": 13} | dict(zip(PARTS, (13, 13, 16, 16, 8, 4, 2, 1), strict=True))
    assert "ade20k layout for 13 classes" in caplog.text and "head_0 13, G_middle_0 16" in caplog.text


@pytest.mark.parametrize(("classes", "hidden", "shared_groups", "groups"), [(16, 32, 8, 8), (12, 48, 12, 4)])
def test_grouped_spade_is_the_dense_formula(classes, hidden, shared_groups, groups):
    torch.manual_seed(2)
    spade = SPADE(24 * groups, classes, hidden=hidden, shared_groups=shared_groups, groups=groups).double()
    for parameter in spade.parameters():
        torch.nn.init.normal_(parameter)
    x, label = torch.randn(2, 24 * groups, 9, 11, dtype=torch.float64), label_map(2, 18, 22, classes)
    onehot = F.one_hot(F.interpolate(label[:, None].double(), size=(9, 11))[:, 0].long(), classes)
    onehot = onehot.permute(0, 3, 1, 2).double()

    def convolved(layer, y, count):
        return F.conv2d(y, layer.weight, layer.bias, padding=1, groups=count)

    modulation = convolved(spade.mlp_shared, onehot, shared_groups).relu()
    gamma, beta = (convolved(layer, modulation, groups) for layer in (spade.mlp_gamma, spade.mlp_beta))
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
    expected = (x - mean) / (variance + 1e-5).sqrt() * (1 + gamma) + beta
    torch.testing.assert_close(spade(x, ClassMap(label)), expected, rtol=1e-10, atol=1e-10)


def test_the_code_of_a_class_depends_on_the_pixels_of_that_class_alone():
    method = small(classes=6).eval()
    image, label = picture(2, 64, 64), label_map(2, 64, 64, 6)
    label[:, :32] = 3  # class 2 stays absent; it has a posterior all the same
    changed = torch.where((label == 3)[:, None], image.flip(3), image)
    before, after = (method.encode(x, label).mu["local"] for x in (image, changed))
    differs = (before - after).abs().amax((0, 2, 3, 4)) > 0
    assert differs.tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize("classes", [5, 16])
def test_samples_of_a_mask_lie_together_and_equal_pictures_made_one_by_one(classes):
    method = small(classes=classes).double().train()
    for parameter in method.generator.parameters():  # fresh weights are so small that all pictures look alike
        torch.nn.init.normal_(parameter, std=0.2)
    label = label_map(2, 64, 64, classes)
    codes = method.sample(label, samples=3, seed=4).map(torch.Tensor.double)
    for _ in range(3):  # settles the normalisation statistics
        method.synthesize(label, codes)
    method.eval()
    together = method.synthesize(label, codes)
    for b in range(2):
        for s in range(3):
            alone = method.synthesize(label[b : b + 1], codes.rows([3 * b + s]))
            torch.testing.assert_close(together[3 * b + s], alone[0], rtol=0, atol=1e-10)
    assert (together[0] - together[1]).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("classes", "size", "settings", "grid", "crops"),
    [
        (16, (64, 64), {}, (2, 2), (128, 128)),
        (19, (64, 128), {}, (2, 4), (128, 256)),
        (20, (128, 256), {"upsampling": "more", "local_code_width": 3}, (2, 4), (128, 256)),
        (13, (64, 64), {"encoder_size": 192, "layout": "deepfashion", "width": 5}, (2, 2), (192, 192)),
        (4, (128, 128), {"layout": "ade20k", "encoder_norm": "none", "norm": "instance"}, (4, 4), (128, 128)),
    ],
)
def test_any_class_count_and_size_trains(classes, size, settings, grid, crops):
    method = small(classes=classes, size=size, perceptual_weight=0.0, **settings)
    assert method.encoder.crop_size == crops
    batch = Batch(picture(2, *size), label_map(2, *size, classes), ("a", "b"))
    fake, losses = method.generator_losses(batch)
    assert fake.shape == (2, 3, *size)
    assert method.code_specs["local"].shape == (classes, settings.get("local_code_width", 8), *grid)
    sum(losses.values()).backward()
    for part in (method.generator, method.encoder):
        assert [name for name, p in part.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


def test_published_pictures_have_the_published_code_size():
    assert small(size=(256, 256), upsampling="more").code_specs["local"].shape == (5, 8, 4, 4)
    wide = small(size=(256, 512), upsampling="more", encoder_size=256)
    assert wide.code_specs["local"].shape == (5, 8, 4, 8)
    assert wide.encoder.crop_size == (256, 512)


def test_codes_are_edited_by_class():
    method = small()
    label = label_map(1, 64, 64, 5)
    own, other = method.sample(label, seed=1), method.sample(label, seed=2)
    edited: Codes = own.replace(other, classes=[2])
    assert torch.equal(edited["local"][:, 2], other["local"][:, 2])
    assert torch.equal(edited["local"][:, [0, 1, 3, 4]], own["local"][:, [0, 1, 3, 4]])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"encoder_size": 64}, "encoder_size is 64"),
        ({"encoder_size": 200}, "multiple of 64"),
        ({"upsampling": "most"}, '"normal" and "more" only'),
        ({"upsampling": "more", "norm": "instance"}, "one pixel"),
        ({"layout": "cityscapes"}, "auto, deepfashion, ade20k"),
        ({"size": (72, 64)}, "multiples of 32"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_a_sentence(settings, said):
    with pytest.raises(ZooError, match=said):
        small(**settings)
