"""The contract of zoo.contract over every registered method."""

import pytest

from zoo import contract
from zoo.registries import METHODS

# other tests register toys, some of which break the contract on purpose
NAMES = [name for name in METHODS.names() if not METHODS.get(name).__module__.startswith("tests.")]


@pytest.fixture(params=NAMES)
def method(request):
    return contract.small_method(request.param)


@pytest.mark.parametrize(
    "check",
    [
        contract.check_shapes,
        contract.check_order_of_samples,
        contract.check_seed,
        contract.check_round_trip,
        contract.check_gradients,
    ],
)
def test_contract(method, check):
    check(method)


def test_checkpoint(method, tmp_path):
    contract.check_checkpoint(method, tmp_path)


def test_every_built_in_method_is_registered():
    assert {"gaugan", "gaugan_vae", "groupdnet", "cimle", "clvae"} <= set(METHODS.names())
