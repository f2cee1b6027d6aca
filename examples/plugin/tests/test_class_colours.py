"""The method fulfils the contract of the zoo, and does what its docstrings say."""

import pytest
import torch

from zoo import contract


@pytest.fixture
def method():
    return contract.small_method("class_colours")


@pytest.mark.parametrize(
    "check",
    [
        contract.check_shapes,
        contract.check_order_of_samples,
        contract.check_seed,
        contract.check_round_trip,
        contract.check_gradients,
    ],
    ids=lambda check: check.__name__,
)
def test_contract(method, check):
    check(method)


def test_checkpoint(method, tmp_path):
    contract.check_checkpoint(method, tmp_path)


def test_the_code_is_made_of_the_mean_colour_of_each_class(method):
    batch = contract.small_batch()
    posterior = method.encode(batch.image, batch.label)
    for b, c in ((0, 0), (1, 3), (0, contract.CLASSES - 2)):
        mean = batch.image[b, :, batch.label[b] == c].mean(1)
        expected = method.encoder.linear(mean)
        torch.testing.assert_close(posterior.mu["colour"][b, c], expected[:3], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(posterior.logvar["colour"][b, c], expected[3:], atol=1e-5, rtol=1e-5)


def test_a_new_colour_of_one_class_changes_the_picture_there_alone(method):
    label = torch.zeros(1, *contract.SIZE, dtype=torch.long)
    label[:, :, 32:] = 1
    codes, other = (method.sample(label, seed=seed) for seed in (0, 1))
    before = method.synthesize(label, codes)
    changed = (method.synthesize(label, codes.replace(other, classes=[1])) - before).abs().amax((0, 1, 2))
    assert (changed[35:] > 0).all()
    assert not changed[: 32 - 3].any()  # three convolutions of 3x3 see three pixels over the border
