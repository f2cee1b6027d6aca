"""Convolution of class maps, looked up and written out, against the plain formula in float64."""

import pytest
import torch
import torch.nn.functional as F

from zoo.nn import label_conv
from zoo.nn.class_map import ClassMap, instance_edges, resize_labels
from zoo.nn.label_conv import LabelConv2d


@pytest.fixture(params=["own choice", "written out"], autouse=True)
def way(request, monkeypatch):
    """As on this device, and as on a GPU."""
    if request.param == "written out":
        monkeypatch.setattr(label_conv, "better_written_out", lambda label, table=None: True)


def dense_one_hot(label, classes):
    return F.one_hot(label, classes).permute(0, 3, 1, 2).double()


def random_label(classes, *shape, seed=0):
    """Few classes of many, so that most are absent, and one class on a single pixel."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, max(classes // 3, 1), shape, generator=generator)
    label[0, 3, 5] = classes - 1
    return label


def double(layer):
    torch.manual_seed(1)
    torch.nn.init.normal_(layer.weight)
    torch.nn.init.normal_(layer.bias)
    return layer.double()


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (4, 2, 2), (1, 1, 0)])
@pytest.mark.parametrize("classes", [1, 5, 151])
def test_one_hot(classes, kernel, stride, padding):
    layer = double(LabelConv2d(classes, 7, kernel_size=kernel, stride=stride, padding=padding))
    label = random_label(classes, 2, 9, 12)
    expected = F.conv2d(dense_one_hot(label, classes), layer.weight, layer.bias, stride, padding)
    torch.testing.assert_close(layer(ClassMap(label)), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("classes", [11, 100])  # fewer and more than the 80 pixels, which take different ways
def test_table_of_class_vectors_per_picture(classes):
    channels = 6
    layer = double(LabelConv2d(channels, 8))
    label = random_label(classes, 3, 10, 8)
    table = torch.randn(3, classes, channels, dtype=torch.float64)
    dense = torch.stack([table[b][label[b]] for b in range(3)]).permute(0, 3, 1, 2)
    expected = F.conv2d(dense, layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(ClassMap(label, table)), expected, rtol=1e-12, atol=1e-12)


def test_dense_channels_for_two_batches_over_the_same_maps():
    layer = double(LabelConv2d(9, 5, kernel_size=4, stride=2, padding=2, dense_channels=3))
    label, image = random_label(9, 2, 16, 16), torch.randn(4, 3, 16, 16, dtype=torch.float64)
    dense = torch.cat([dense_one_hot(label, 9).repeat(2, 1, 1, 1), image], 1)
    expected = F.conv2d(dense, layer.weight, layer.bias, 2, 2)
    torch.testing.assert_close(layer(ClassMap(label), image), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [(16, 16), (17, 12), (5, 7)])
def test_convolution_of_the_average_pooled_map(size):
    layer = double(LabelConv2d(6, 5, kernel_size=4, stride=2, padding=2, dense_channels=3))
    label, image = random_label(6, 2, *size), torch.randn(4, 3, *size, dtype=torch.float64)
    dense = torch.cat([dense_one_hot(label, 6).repeat(2, 1, 1, 1), image], 1)
    expected = F.conv2d(F.avg_pool2d(dense, 3, 2, 1, count_include_pad=False), layer.weight, layer.bias, 2, 2)
    pooled = F.avg_pool2d(image, 3, 2, 1, count_include_pad=False)
    torch.testing.assert_close(layer.pooled(label, pooled), expected, rtol=1e-12, atol=1e-12)


def test_grouped():
    layer = double(LabelConv2d(12, 8, groups=4))
    label = random_label(12, 2, 9, 9)
    expected = F.conv2d(dense_one_hot(label, 12), layer.weight, layer.bias, padding=1, groups=4)
    torch.testing.assert_close(layer(ClassMap(label)), expected, rtol=1e-12, atol=1e-12)


def test_gradients_reach_kernel_table_and_dense_channels():
    classes, channels = 7, 4
    layer = double(LabelConv2d(channels, 5, dense_channels=2))
    label = random_label(classes, 2, 6, 6)
    table = torch.randn(2, classes, channels, dtype=torch.float64, requires_grad=True)
    image = torch.randn(2, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    upstream = torch.randn(2, 5, 6, 6, dtype=torch.float64)
    inputs = (layer.weight, layer.bias, table, image)
    own = torch.autograd.grad((layer(ClassMap(label, table), image) * upstream).sum(), inputs)
    dense = torch.cat([torch.stack([table[b][label[b]] for b in range(2)]).permute(0, 3, 1, 2), image], 1)
    expected = torch.autograd.grad((F.conv2d(dense, layer.weight, layer.bias, padding=1) * upstream).sum(), inputs)
    for a, b in zip(own, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("size", [(4, 4), (7, 9), (32, 40)])
def test_resized_labels_are_the_pixels_that_interpolate_picks(size):
    label = random_label(30, 2, 16, 20)
    expected = F.interpolate(label[:, None].double(), size=size, mode="nearest")[:, 0].long()
    assert torch.equal(resize_labels(label, size), expected)


def test_instance_edges_mark_both_sides_and_no_border():
    instance = torch.zeros(1, 4, 6, dtype=torch.long)
    instance[:, :, 3:] = 7
    expected = torch.zeros(1, 1, 4, 6)
    expected[..., 2:4] = 1
    assert torch.equal(instance_edges(instance), expected)


def test_groups_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="groups=3"):
        LabelConv2d(8, 6, groups=3)
