"""A studio with two small models, example pictures, a code bank and statistics; a browser, and a page for each test."""

import numpy as np
import pytest
import torch
from playwright.sync_api import sync_playwright

from tests.zoo.pictures import write_pair
from tests.zoo.studio.page.browser import Studio, installed_browser, served
from tests.zoo.studio.pages import saved
from zoo import factory
from zoo.checkpoints import digest
from zoo.contract import CLASSES, SIZE
from zoo.data.folder import Folder
from zoo.editing.bank import extract_bank
from zoo.editing.statistics import fit_statistics
from zoo.interfaces import Method
from zoo.studio.requests import Limits
from zoo.studio.studio_state import StudioState

METHODS = ("clvae", "gaugan")
MEGABYTES = 1


def quarters() -> np.ndarray:
    """The classes 0, 1 over 2, 3, with a square of 4 in the middle, ``[64, 64]``; 5 does not occur."""
    label = np.kron([[0, 1], [2, 3]], np.ones((32, 32), np.uint8)).astype(np.uint8)
    label[24:40, 24:40] = 4
    return label


@torch.no_grad()
def vivid(method: Method) -> Method:
    """Weights made larger: an untrained method paints next to nothing but grey, in which no edit would show."""
    for parameter in method.generator.parameters():
        parameter.mul_(4)
    seen = []
    last = method.generator.decoder.conv_img
    hook = last.register_forward_hook(lambda module, inputs, output: seen.append(output))
    label = torch.from_numpy(quarters()).long()[None]
    method.synthesize(label, method.sample(label, 1, seed=0))
    hook.remove()
    last.weight.mul_(0.5 / seen[0].std())
    return method


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """The folder of a dataset of three pictures; the first has the mask of :func:`quarters`."""
    root = tmp_path_factory.mktemp("pictures")
    for index in range(3):
        write_pair(root, f"{index}", np.roll(quarters(), 4 * index, 1), "test")
    return root


@pytest.fixture(scope="session")
def dataset(pictures):
    return Folder(root=pictures, split="test", size=SIZE, classes=CLASSES)


@pytest.fixture(scope="session")
def methods(dataset):
    return {name: vivid(factory.build(name, data=dataset, profile="smoke", seed=0)) for name in METHODS}


@pytest.fixture(scope="session")
def checkpoints(methods, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    return {name: saved(method, folder / f"{name}.pth") for name, method in methods.items()}


@pytest.fixture(scope="session")
def state(pictures, dataset, methods, checkpoints, tmp_path_factory):
    folder = tmp_path_factory.mktemp("codes")
    bank, statistics = folder / "bank.parquet", folder / "statistics.safetensors"
    origin = digest(checkpoints["clvae"])
    extract_bank(methods["clvae"], dataset, bank, checkpoint=origin)
    fit_statistics(methods["clvae"], dataset, components=2, checkpoint=origin).save(statistics)
    made = StudioState.load(
        list(checkpoints.values()),
        device="cpu",
        data_root=pictures,
        bank=bank,
        statistics=statistics,
        limits=Limits(megabytes=MEGABYTES),
    )
    yield made
    made.close()


@pytest.fixture(scope="session")
def address(state):
    with served(state) as where:
        yield where


@pytest.fixture(scope="session")
def browser():
    path = installed_browser()
    if path is None:
        pytest.skip("no Chromium or Chrome is installed, and the tests of the page need one")
    with sync_playwright() as playwright:
        # containers run as root, for whom the browser's own sandbox does not start
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def tab(browser):
    """An empty page in a window of 1280x900."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def studio(tab, address):
    """The page with the first example open. Fails where a script of the page broke."""
    studio = Studio(tab)
    studio.start(address)
    yield studio
    assert not studio.defects
