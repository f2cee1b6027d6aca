"""Grids and coloured label maps, pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.errors import ZooError
from zoo.visual import caption_row, colour_labels, distinct_colours, grid, sample_columns, save_grid, to_uint8


def test_the_first_colours_are_those_of_pascal_voc():
    # background, aeroplane, bicycle, bird, boat, bottle, bus, car, and the last, tv monitor
    known = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [128, 0, 128], [0, 128, 128]]
    assert distinct_colours(21)[:7].tolist() == known
    assert distinct_colours(21)[20].tolist() == [0, 64, 128]
    assert len({tuple(colour) for colour in distinct_colours(151).tolist()}) == 151


def test_labels_take_the_colours_of_a_palette():
    palette = torch.tensor([[0, 0, 0], [255, 0, 51]], dtype=torch.uint8)
    label = torch.tensor([[[0, 1], [1, 0]]])
    picture = colour_labels(label, palette)
    assert picture.shape == (1, 3, 2, 2)
    assert to_uint8(picture)[0, :, 0, 1].tolist() == [255, 0, 51]
    assert to_uint8(picture)[0, :, 1, 1].tolist() == [0, 0, 0]


def test_pixels_are_rounded_and_clipped():
    assert to_uint8(torch.tensor([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 128, 191, 255, 255]


def test_a_grid_has_a_row_per_picture_and_a_column_per_entry(tmp_path: Path):
    left = torch.stack([torch.full((3, 2, 3), -1.0), torch.full((3, 2, 3), 1.0)])
    right = torch.zeros(2, 3, 2, 3)
    save_grid(tmp_path / "new" / "grid.png", {"left": left, "right": right}, gap=1)
    pixels = np.asarray(Image.open(tmp_path / "new" / "grid.png"))
    w, k, g = 255, 0, 128
    expected = [
        [w] * 9,
        [w, k, k, k, w, g, g, g, w],
        [w, k, k, k, w, g, g, g, w],
        [w] * 9,
        [w, w, w, w, w, g, g, g, w],
        [w, w, w, w, w, g, g, g, w],
        [w] * 9,
    ]
    assert pixels.shape == (7, 9, 3), "pictures of three pixels are too narrow for captions"
    assert (pixels == np.array(expected)[:, :, None]).all()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["grid.png"]


def test_columns_of_different_sizes_are_refused():
    with pytest.raises(ZooError, match="columns of one shape"):
        grid({"a": torch.zeros(1, 3, 2, 2), "b": torch.zeros(1, 3, 2, 4)})


NAMES = ["label map", "picture", "reconstruction", "sample 1", "sample 40"]


def inked(captions: list[str], width: int, gap: int = 2) -> list[np.ndarray]:
    """Whether there is ink, per pixel ``[h, w]`` of each column; there must be none between them."""
    ink = (caption_row(captions, width, gap=gap) < 255).any(0).numpy()
    assert ink.shape[1] == len(captions) * (width + gap) + gap
    columns = [gap + number * (width + gap) for number in range(len(captions))]
    between = np.ones(ink.shape[1], bool)
    for start in columns:
        between[start : start + width] = False
    assert not ink[:, between].any()
    return [ink[:, start : start + width] for start in columns]


@pytest.mark.parametrize("width", [64, 100, 256, 512])
def test_captions_stand_in_the_middle_of_their_columns_and_do_not_touch(width: int):
    for column in inked(NAMES, width):
        places = column.any(0).nonzero()[0]
        assert len(places) and abs(places[0] + places[-1] + 1 - width) <= 3 + width / 100


def test_captions_have_one_size_which_grows_with_the_pictures():
    def height(column: np.ndarray) -> int:
        return int(np.ptp(column.any(1).nonzero()[0])) + 1

    small, large = inked(["picture", "Picture", "picture"], 64), inked(["picture", "Picture", "picture"], 256)
    assert (small[0] == small[2]).all() and (small[0] != small[1]).any()
    assert height(small[0]) >= 8 and 1.5 < height(large[0]) / height(small[0]) < 3
    beside_a_long_one = inked(["picture", "reconstruction of the picture"], 256)
    assert height(beside_a_long_one[0]) < height(large[0]), "all shrink with the longest"


def test_pictures_too_narrow_for_legible_captions_have_none():
    assert caption_row(NAMES, 32).shape == (3, 0, 5 * 34 + 2)
    assert caption_row(NAMES, 64).shape[1] > 8


def test_a_grid_stands_below_its_captions():
    columns = {"left": torch.full((2, 3, 64, 64), -1.0), "right": torch.full((2, 3, 64, 64), 0.0)}
    pixels = grid(columns)
    header = caption_row(["left", "right"], 64)
    above = header.shape[1]
    assert pixels.shape == (3, above + 2 * 66 + 2, 2 * 66 + 2)
    assert torch.equal(pixels[:, :above], header)
    assert (pixels[:, above + 2 : above + 66, 2:66] == 0).all() and (pixels[:, -66:-2, -66:-2] == 128).all()


def test_samples_stand_beside_their_mask_and_picture():
    label = torch.tensor([[[1]], [[0]]])
    image, samples = torch.rand(2, 3, 1, 1), torch.rand(2, 3, 3, 1, 1)
    columns = sample_columns(label, image, samples, classes=2)
    assert list(columns) == ["label map", "picture", "sample 1", "sample 2", "sample 3"]
    assert to_uint8(columns["label map"]).flatten(1).tolist() == [[128, 0, 0], [0, 0, 0]]
    assert torch.equal(columns["picture"], image) and torch.equal(columns["sample 2"], samples[:, 1])
    rebuilt = sample_columns(label, image, samples, classes=2, reconstruction=image)
    assert list(rebuilt)[:4] == ["label map", "picture", "reconstruction", "sample 1"]
