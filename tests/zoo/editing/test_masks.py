"""Masks edited by hand, on maps small enough to read."""

import pytest
import torch

from zoo import ZooError
from zoo.contract import small_batch, small_method
from zoo.editing.encoding import codes_of
from zoo.editing.masks import deleted, moved_region, painted, region_at

LABEL = torch.tensor(
    [
        [0, 0, 1, 1],
        [0, 2, 2, 1],
        [1, 2, 2, 1],
    ]
)


def test_a_region_is_what_touches_side_by_side():
    assert region_at(LABEL, 0, 3).tolist() == [[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert region_at(LABEL, 2, 0).tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]  # not over the corner
    with pytest.raises(ZooError, match="outside of the mask of 3x4"):
        region_at(LABEL, 3, 0)


def test_painting_changes_the_region_alone():
    region = region_at(LABEL, 1, 1)
    assert painted(LABEL, region, 5).tolist() == [[0, 0, 1, 1], [0, 5, 5, 1], [1, 5, 5, 1]]


def test_a_deleted_region_is_filled_from_the_nearest_pixels():
    filled = deleted(LABEL, region_at(LABEL, 1, 1))
    assert not (filled == 2).any()
    assert filled[1, 2] == 1 and filled[2, 2] == 1 and filled[2, 1] == 1  # each has one nearest neighbour outside
    assert torch.equal(filled[LABEL != 2], LABEL[LABEL != 2])
    with pytest.raises(ZooError, match="whole mask"):
        deleted(torch.zeros(2, 2, dtype=torch.int64), torch.ones(2, 2, dtype=torch.bool))


def test_a_moved_region_leaves_no_hole_and_is_cut_off_at_the_border():
    moved = moved_region(LABEL, region_at(LABEL, 1, 1), -1, 2)
    assert moved[:2, 3].tolist() == [2, 2] and (moved == 2).sum() == 2
    assert torch.equal(moved_region(LABEL, region_at(LABEL, 1, 1), 0, 0), LABEL)


def test_codes_of_regions_that_stay_are_kept_when_a_class_is_painted():
    """The codes come from the picture with its own mask, so painting cannot change them, and a new class is drawn."""
    method, batch = small_method("clvae"), small_batch()
    image, label = batch.image[:1], batch.label[:1]
    region = torch.zeros(64, 64, dtype=torch.bool)
    region[:16, :16] = True
    new = painted(label[0], region, 5)[None]  # a class that the picture lacks
    codes = codes_of(method, image, label)
    assert codes["local"][:, :, 5].ne(0).all()
    before, after = method.synthesize(label, codes), method.synthesize(new, codes)
    assert not torch.equal(before[..., :16, :16], after[..., :16, :16])
