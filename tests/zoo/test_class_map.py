"""Class maps against plain formulas in float64: their convolution, looked up and dense, and pooling by class."""

import pytest
import torch
import torch.nn.functional as F

from zoo.nn import class_map
from zoo.nn.class_map import ClassMap, LabelConv2d, class_max_pool, resize_labels


@pytest.fixture(params=["own choice", "written out"], autouse=True)
def way(request, monkeypatch):
    """As on this device, and as on a GPU."""
    if request.param == "written out":
        monkeypatch.setattr(class_map, "prefers_dense", lambda label, table=None: True)


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


def test_groups_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="groups=3"):
        LabelConv2d(8, 6, groups=3)


def test_maximum_over_the_region_of_each_class():
    torch.manual_seed(0)
    features = (
        torch.randn(3, 5, 8, 6, dtype=torch.float64) - 4
    )  # mostly negative: an absent class must not win with zero
    label = torch.randint(0, 6, (3, 8, 6))
    label[0, 2, 2] = 9  # a class of one pixel; classes 6, 7, 8 are absent
    pooled, presence = class_max_pool(features, label, 10)
    for b in range(3):
        for c in range(10):
            region = label[b] == c
            assert presence[b, c] == region.any()
            expected = features[b][:, region].amax(1) if region.any() else torch.zeros(5, dtype=torch.float64)
            assert torch.equal(pooled[b, c], expected)


def test_gradient_goes_to_the_maximum_alone():
    features = torch.tensor([[[[1.0, 5.0], [3.0, 2.0]]]], requires_grad=True)
    label = torch.tensor([[[0, 0], [1, 1]]])
    pooled, _ = class_max_pool(features, label, 3)
    pooled.sum().backward()
    assert torch.equal(features.grad, torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]]))


def test_a_class_may_be_lost_at_a_coarse_layer():
    label = torch.zeros(1, 4, 4, dtype=torch.long)
    label[0, 1, 1] = 2  # odd coordinates: gone after every second pixel is taken
    _, fine = class_max_pool(torch.randn(1, 3, 4, 4), label, 3)
    _, coarse = class_max_pool(torch.randn(1, 3, 2, 2), label[:, ::2, ::2], 3)
    assert fine.tolist() == [[True, False, True]]
    assert coarse.tolist() == [[True, False, False]]
