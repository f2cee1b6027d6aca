"""How the page begins: while a first model is trained, without examples, and with a studio of little memory."""

import json
import os

import numpy as np
import pytest

from tests.zoo.studio.page.browser import Studio, encoded, held, pixels, served
from tests.zoo.studio.page.conftest import quarters
from zoo.engine.folder import RunFolder
from zoo.studio.models import load_all
from zoo.studio.studio_state import StudioState
from zoo.studio.training import Training

GRID = np.random.default_rng(0).integers(0, 256, (20, 50, 3), dtype=np.uint8)


@pytest.fixture
def opened(tab):
    """The page of a state, which ends with the test."""
    states = []

    def start(state: StudioState) -> Studio:
        where = served(state)
        states.append((state, where))
        tab.goto(where.__enter__())
        return Studio(tab)

    yield start
    for state, where in states:
        tab.goto("about:blank")
        where.__exit__(None, None, None)
        state.close()


def test_a_training_is_watched_until_there_is_a_model(opened, tab, tmp_path, checkpoints, pictures):
    """The files that a run leaves, put there by hand one after another."""
    training = Training("cpu", tmp_path)
    studio = opened(StudioState([], training=training))
    sentence = tab.locator("#training-sentence")
    tab.get_by_text("Drawing procedural pictures").wait_for()
    assert tab.locator("#training-picture").is_hidden() and tab.locator("#studio").is_hidden()
    assert tab.locator("#open").is_hidden()

    run = RunFolder(tmp_path / f".{training.folder.path.name}.{os.getpid()}" / "run")
    run.samples.mkdir(parents=True)
    run.log.write_text(json.dumps({"iteration": 5}) + "\n")
    (run.samples / "iter_000005.png").write_bytes(encoded(GRID))
    tab.locator("#training-picture").wait_for()
    assert f"iteration 5 of {training.total}" in sentence.inner_text()
    assert tab.locator("#training-progress").evaluate("bar => bar.value / bar.max") == pytest.approx(5 / training.total)
    assert np.array_equal(pixels(tab.locator("#training-picture").get_attribute("src")), GRID)

    training.folder.path.mkdir()
    training.folder.record.write_text(json.dumps({"data": {"root": str(pictures)}}))
    training.folder.latest.write_bytes(checkpoints["clvae"].read_bytes())
    tab.wait_for_selector("#studio.ready")
    studio.settle()
    assert tab.locator("#training").is_hidden() and np.array_equal(studio.mask(), quarters())
    assert tab.locator(".preview").count() == 8 and not studio.defects


def test_a_training_that_failed_says_why(opened, tab, tmp_path):
    training = Training("cpu", tmp_path)
    training.failure = "The training of the first model ended early: the disk is full."
    opened(StudioState([], training=training))
    tab.get_by_text("the disk is full").wait_for()
    assert tab.locator("#training-progress").is_hidden()


def test_without_examples_the_page_asks_what_to_open(opened, tab, checkpoints):
    studio = opened(StudioState(load_all([checkpoints["clvae"]], device="cpu")))
    tab.locator("#opening").wait_for()
    assert tab.locator("#gallery-part").is_hidden()
    tab.keyboard.press("Escape")
    assert tab.locator("#downloads").is_hidden()
    studio.press("Open")
    studio.press("Empty mask")
    tab.wait_for_selector("#studio.ready")
    studio.settle()
    assert not studio.mask().any() and tab.locator("#keep").is_hidden() and not studio.defects


def test_the_first_picture_takes_nobodys_place(studio):
    """While it opens there is nothing to be locked, and nothing to undo."""
    with held(studio.page, "**/api/open") as requests:
        studio.page.reload()
        requests.wait()
        assert studio.page.locator("#undo").is_disabled() and studio.page.locator("#locked").inner_text() == ""
        studio.page.keyboard.press("Control+z")
    studio.page.wait_for_selector("#studio.ready")
    studio.settle()
    assert np.array_equal(studio.mask(), quarters())


def test_a_method_can_be_chosen_before_anything_is_open(opened, tab, checkpoints):
    studio = opened(StudioState(load_all(list(checkpoints.values()), device="cpu")))
    tab.locator("#opening").wait_for()
    tab.keyboard.press("Escape")
    gaugan = tab.locator("#model option").nth(1).get_attribute("value")
    tab.locator("#model").select_option(gaugan)
    studio.press("Open")
    studio.press("Empty mask")
    tab.wait_for_selector("#studio.ready")
    studio.settle()
    assert tab.locator("#model").input_value() == gaugan and tab.locator("#redraw").is_hidden() and not studio.defects


def test_codes_that_the_studio_forgot(opened, tab, checkpoints):
    """Memory for the codes of one picture: those of the samples take the place of what was opened."""
    studio = opened(StudioState(load_all([checkpoints["clvae"]], device="cpu"), store_bytes=1))
    studio.press("Empty mask")
    tab.wait_for_selector(".preview")
    result = studio.result()
    studio.press("New samples")
    assert "open the picture or a download again" in studio.message()
    assert np.array_equal(studio.result(), result) and tab.locator(".preview").count() == 8
