"""Method.draw: label maps from files, arrays and tensors to PIL pictures."""

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.data.class_tables import class_table
from zoo.errors import ZooError
from zoo.metrics.pictures import to_uint8_truncated

SIZE = (64, 96)


@pytest.fixture(scope="module")
def method():
    return zoo.build("clvae", data="deepfashion", size=SIZE, profile="smoke", seed=0)


@pytest.fixture
def ids():
    rng = np.random.default_rng(0)
    return rng.integers(0, 16, (8, 12)).repeat(16, 0).repeat(16, 1)  # twice the method's size


def test_the_pictures_are_those_of_sample_and_synthesize(method, ids):
    label = torch.from_numpy(ids[::2, ::2].copy())[None]
    expected = to_uint8_truncated(method.synthesize(label, method.sample(label, 3, seed=5)))
    pictures = method.draw(ids, samples=3, seed=5)
    assert [picture.size for picture in pictures] == [SIZE[::-1]] * 3
    for picture, pixels in zip(pictures, expected, strict=True):
        difference = np.asarray(picture).astype(int) - pixels.permute(1, 2, 0).numpy()
        assert np.abs(difference).max() <= 1


def test_files_arrays_and_tensors_give_the_same(method, ids, tmp_path):
    grey, coloured = tmp_path / "grey.png", tmp_path / "coloured.png"
    Image.fromarray(ids.astype(np.uint8)).save(grey)
    colours = np.array(class_table(method.config.data).colours, np.uint8)
    Image.fromarray(colours[ids]).save(coloured)
    expected = np.asarray(method.draw(ids, samples=1)[0])
    for mask in (grey, str(grey), coloured, torch.from_numpy(ids), ids.astype(np.uint16)):
        assert (np.asarray(method.draw(mask, samples=1)[0]) == expected).all()


@pytest.mark.parametrize(
    ("mask", "word"),
    [
        (np.full((64, 96), 16), "16"),
        (np.full((64, 96), -1), "-1"),
        (np.full((64, 96), 2**32), "0 to 15"),
        (np.zeros((1, 64, 96), int), r"\[1, 64, 96\]"),
        (np.zeros((64, 96)), "float64"),
        (np.zeros((0, 96), int), r"\[0, 96\]"),
        ("nowhere.png", "nowhere.png"),
    ],
)
def test_what_is_no_label_map_is_an_error(method, mask, word):
    with pytest.raises(ZooError, match=word):
        method.draw(mask)


def test_no_samples_are_an_error(method, ids):
    with pytest.raises(ZooError, match="0"):
        method.draw(ids, samples=0)


def test_a_method_without_config_is_an_error(method, ids):
    direct = type(method)(classes=16, size=SIZE, width=4, encoder_size=128, discriminator_width=4)
    with pytest.raises(ZooError, match=r"zoo\.build"):
        direct.draw(ids)
