"""One studio with a model of every kind, which the tests share: handles make them independent of each other."""

import pytest
import torch

from tests.zoo.studio.pages import Page, small_checkpoint
from zoo.contract import small_batch
from zoo.studio.studio_state import StudioState

METHODS = ("clvae", "gaugan_vae", "groupdnet", "cimle", "gaugan")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    return {name: small_checkpoint(name, folder) for name in METHODS}


@pytest.fixture(scope="module")
def page(checkpoints):
    state = StudioState.load(list(checkpoints.values()), device="cpu")
    yield Page(state)
    state.close()


@pytest.fixture(scope="module")
def ids(page):
    """The id of each model, by the name of its method."""
    return {model.method.name: key for key, model in page.state.models.items()}


@pytest.fixture
def label():
    """The first map of the small batch ``[1, 64, 64]``: classes 0 to 4."""
    return small_batch().label[:1]


@pytest.fixture
def image():
    """A uint8 picture ``[3, 64, 64]``."""
    return torch.randint(0, 256, (3, 64, 64), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
