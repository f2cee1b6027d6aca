"""Masks edited by hand, against grids drawn by hand and a search through all pixels."""

import numpy as np
import pytest
import torch

from zoo import ZooError
from zoo.contract import CLASSES, small_batch
from zoo.editing.encoding import codes_of
from zoo.editing.masks import deleted, moved_region, painted, region_at, repainted


def grid(*rows: str) -> torch.Tensor:
    """A label map from digits."""
    return torch.tensor([[int(cell) for cell in row] for row in rows])


def cells(*rows: str) -> torch.Tensor:
    """A region: where there is an x."""
    return torch.tensor([[cell == "x" for cell in row] for row in rows])


ROOMS = grid(
    "00200",
    "02220",
    "00201",
    "11020",
)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ((1, 1), cells("..x..", ".xxx.", "..x..", ".....")),  # the 2 below touches it at a corner only
        ((3, 3), cells(".....", ".....", ".....", "...x.")),
        ((0, 0), cells("xx...", "x....", "xx...", ".....")),
        ((2, 3), cells(".....", ".....", "...x.", ".....")),
        ((3, 0), cells(".....", ".....", ".....", "xx...")),
    ],
)
def test_a_region_is_what_touches_side_by_side(at, expected):
    assert torch.equal(region_at(ROOMS, *at), expected)


def test_every_pixel_is_in_exactly_one_region():
    label = torch.from_numpy(np.random.default_rng(0).integers(0, 3, (9, 7)))
    regions = {tuple(region_at(label, y, x).flatten().tolist()) for y in range(9) for x in range(7)}
    assert torch.tensor(sorted(regions)).sum(0).eq(1).all()


@pytest.mark.parametrize("at", [(-1, 0), (0, 5), (4, 0)])
def test_pixels_outside_are_refused(at):
    with pytest.raises(ZooError, match=r"outside.*4x5"):
        region_at(ROOMS, *at)


def test_painting_changes_the_region_and_nothing_else():
    before = ROOMS.clone()
    result = painted(ROOMS, cells(".xx..", ".....", ".....", "....x"), 5)
    assert torch.equal(result, grid("05500", "02220", "00201", "11025"))
    assert torch.equal(ROOMS, before) and result.dtype == ROOMS.dtype


def test_a_hole_takes_the_class_of_the_nearest_pixel():
    label = grid("1333332", "1333332", "1333332")
    assert torch.equal(deleted(label, label == 3)[:, [0, 1, 2, 4, 5, 6]], grid("111222", "111222", "111222"))


def test_a_hole_is_filled_as_by_a_search_through_all_pixels():
    random = np.random.default_rng(1)
    label, hole = random.integers(0, 50, (12, 9)), random.random((12, 9)) < 0.7
    result = deleted(torch.from_numpy(label), torch.from_numpy(hole)).numpy()
    outside = np.argwhere(~hole)
    for y, x in np.ndindex(12, 9):
        squares = ((outside - (y, x)) ** 2).sum(1)
        nearest = {label[tuple(place)] for place in outside[squares == squares.min()]}
        assert result[y, x] in nearest
    assert np.array_equal(result[~hole], label[~hole])


def test_nothing_can_be_deleted_from_nothing_and_everything_cannot():
    assert torch.equal(deleted(ROOMS, torch.zeros_like(ROOMS, dtype=torch.bool)), ROOMS)
    with pytest.raises(ZooError, match="whole mask"):
        deleted(ROOMS, torch.ones_like(ROOMS, dtype=torch.bool))


def test_a_moved_region_leaves_its_place_and_covers_the_new_one():
    label = grid("00000", "04500", "04400", "11111")
    region = cells(".....", ".xx..", ".xx..", ".....")
    before = label.clone()
    expected = grid("00045", "00044", "01100", "11111")  # the place it left: the nearest of 0 and 1
    result = moved_region(label, region, -1, 2)
    assert torch.equal(result[[0, 1, 3]], expected[[0, 1, 3]])
    assert torch.isin(result[2, 1:3], torch.tensor([0, 1])).all()
    assert torch.equal(label, before)


def test_what_leaves_the_picture_is_cut_off_and_does_not_come_back_on_the_other_side():
    label = grid("70000", "77000", "00000")
    assert torch.equal(moved_region(label, label == 7, 1, -1), grid("00000", "00000", "70000"))
    assert torch.equal(moved_region(label, label == 7, 0, 9), torch.zeros_like(label))
    assert torch.equal(moved_region(label, label == 7, 0, 0), label)


def test_a_larger_map_takes_over_what_is_new_in_a_smaller_one():
    label = grid("000111", "000111", "022211", "022211")  # two rows and three columns for a pixel of the smaller
    seen, new = grid("01", "21"), grid("05", "21")
    assert torch.equal(repainted(label, seen, seen), label)
    assert torch.equal(repainted(label, seen, new), grid("000555", "000555", "022211", "022211"))


def test_a_class_that_the_picture_lacks_can_be_painted_into_its_mask(small):
    method, batch, absent = small("clvae"), small_batch(), CLASSES - 1
    image, label = batch.image[:1], batch.label[:1]
    corner = torch.zeros(64, 64, dtype=torch.bool)
    corner[:16, :16] = True
    codes = codes_of(method, image, label)  # of the picture with its own mask, so that painting cannot change them
    assert codes["local"][:, :, absent].ne(0).all()
    before, after = (method.synthesize(mask, codes) for mask in (label, painted(label[0], corner, absent)[None]))
    assert not torch.equal(before[..., :16, :16], after[..., :16, :16])
