"""Class-wise max pooling against loops over pictures and classes, float64."""

import torch

from zoo.nn.pooling import class_max_pool


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
