"""Grids and coloured label maps, pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.errors import ZooError
from zoo.visual import colour_labels, distinct_colours, grid, save_grid, to_pixels


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
    assert to_pixels(picture)[0, :, 0, 1].tolist() == [255, 0, 51]
    assert to_pixels(picture)[0, :, 1, 1].tolist() == [0, 0, 0]


def test_pixels_are_rounded_and_clipped():
    assert to_pixels(torch.tensor([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 128, 191, 255, 255]


def test_a_grid_has_a_row_per_picture_and_a_column_per_entry(tmp_path: Path):
    left = torch.stack([torch.full((3, 2, 3), -1.0), torch.full((3, 2, 3), 1.0)])
    right = torch.zeros(2, 3, 2, 3)
    save_grid(tmp_path / "new" / "grid.png", [left, right], gap=1)
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
    assert pixels.shape == (7, 9, 3)
    assert (pixels == np.array(expected)[:, :, None]).all()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["grid.png"]


def test_columns_of_different_sizes_are_refused():
    with pytest.raises(ZooError, match="columns of one shape"):
        grid([torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 4)])
