"""What goes wrong gets a sentence, and nothing is lost."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.zoo.studio.page.browser import encoded, upload
from tests.zoo.studio.page.conftest import quarters

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
WRONG = {
    "a text file": ("notes.png", b"no picture at all", "notes.png"),
    "half a file": ("half.png", encoded(NOISE)[:2000], "half.png"),
    "unknown colours": ("mask.png", encoded(NOISE), "#"),
    "ids out of range": ("mask.png", encoded(np.full((64, 64), 77, np.uint8)), "77"),
    "a JPEG": ("mask.jpg", encoded(quarters(), "JPEG"), "JPEG"),
    "too many pixels": ("large.png", encoded(np.zeros((5000, 5000), np.uint8)), "pixels"),
    "too many bytes": ("huge.png", encoded(NOISE) + bytes(2**20), "1 MB"),
}


@pytest.fixture
def edited(studio):
    """A page on which something would be lost."""
    studio.choose(5)
    studio.tool("Fill")
    studio.after(lambda: studio.click(2, 2))
    return studio


def kept(studio, mask: np.ndarray, result: np.ndarray) -> bool:
    return np.array_equal(studio.mask(), mask) and np.array_equal(studio.result(), result)


@pytest.mark.parametrize(("name", "content", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_mask(edited, name, content, words):
    mask, result = edited.mask(), edited.result()
    edited.press("Open")
    edited.page.set_input_files("#own-mask", upload(name, content))
    edited.page.locator("#own-open").click()
    sentence = edited.message()
    assert words in sentence and len(sentence) < 400 and sentence.endswith(".")
    edited.page.set_input_files("#own-mask", upload("mask.png", encoded(quarters())))
    assert edited.page.locator("#opening-error").is_hidden()  # it was about another file
    edited.page.keyboard.press("Escape")
    assert kept(edited, mask, result)
    edited.press("Undo")
    assert np.array_equal(edited.mask(), quarters())


def test_a_wrong_picture(edited):
    mask, result = edited.mask(), edited.result()
    deep = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint16)).save(deep, "PNG")
    cases = {
        "another size": (encoded(NOISE[:32]), "32x64"),
        "16 bit": (deep.getvalue(), "8 bits"),
        "no picture": (b"GIF89a", "picture.png"),
    }
    edited.press("Open")
    edited.page.set_input_files("#own-mask", upload("mask.png", encoded(quarters())))
    for content, words in cases.values():
        edited.page.set_input_files("#own-picture", upload("picture.png", content))
        edited.page.locator("#own-open").click()
        edited.settle()
        assert words in edited.message()
    edited.page.keyboard.press("Escape")
    assert kept(edited, mask, result)


def test_a_wrong_reference_and_a_wrong_edit_file(edited):
    mask, result = edited.mask(), edited.result()
    edited.page.set_input_files("#reference-mask", upload("mask.png", b"nothing"))
    edited.page.set_input_files("#reference-picture", upload("picture.png", encoded(NOISE)))
    edited.page.locator("#take").click()
    assert "mask.png" in edited.message()
    edited.page.locator("#toast button").click()
    edited.page.set_input_files("#edit-file", upload("edit.zip", b"PK\x03\x04 nothing"))
    assert "edit.zip" in edited.message()
    assert kept(edited, mask, result)


def test_a_mask_is_painted_once_the_studio_answers_again(studio):
    """The connection is lost while a stroke is painted, and comes back."""
    result = studio.result()
    studio.choose(5)
    studio.tool("Brush")
    studio.page.context.set_offline(True)
    studio.drag((10, 10), (20, 20))
    assert "does not answer" in studio.message()
    mask = studio.mask()
    assert (mask == 5).any() and np.array_equal(studio.result(), result)
    studio.page.context.set_offline(False)
    studio.after(lambda: studio.press("Paint this mask"))
    assert np.array_equal(studio.mask(), mask)


def test_painting_needs_a_class(studio):
    studio.tool("Brush")
    studio.click(5, 5)
    assert studio.message().startswith("Choose the class to paint with first")
    assert np.array_equal(studio.mask(), quarters())
