"""Edits that are pasted back onto originals of another size and shape than the method paints."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from zoo import ZooError
from zoo.editing.masks import resized
from zoo.editing.pasting import PasteBack, paste_back

ROWS, COLUMNS = slice(10, 51), slice(5, 44)
"""Of a region that begins and ends within pixels of the method."""


@pytest.fixture(params=[torch.uint8, torch.float32])
def pictures(request):
    """Edited ``[1, 3, 16, 16]``, original ``[1, 3, 64, 48]``: four rows and three columns for a pixel."""
    generator = torch.Generator().manual_seed(0)
    edited = torch.randint(64, 192, (1, 3, 16, 16), generator=generator)  # so that resizing leaves 0..255 nowhere
    original = torch.randint(0, 256, (1, 3, 64, 48), generator=generator)
    return edited.to(request.param), original.to(request.param)


@pytest.fixture
def region():
    region = torch.zeros(64, 48, dtype=torch.bool)
    region[ROWS, COLUMNS] = True
    return region


def by_pillow(edited: torch.Tensor) -> torch.Tensor:
    """The edited picture at 64x48, bicubically."""
    array = edited[0].permute(1, 2, 0).byte().numpy()
    large = Image.fromarray(array).resize((48, 64), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(large)).permute(2, 0, 1)[None].double()


def test_every_pixel_outside_the_region_stays_and_the_depth_is_the_edit(pictures, region):
    edited, original = pictures
    pasted = paste_back(edited, original, region, feather=2)
    assert pasted.dtype == edited.dtype and torch.equal(pasted[..., ~region], original[..., ~region])
    deep = (..., slice(10 + 9, 51 - 9), slice(5 + 7, 44 - 7))  # two pixels of the method and one more
    assert (pasted[deep].double() - by_pillow(edited)[deep]).abs().max() <= 1.6  # Pillow rounds twice


def test_the_border_fades_over_pixels_of_the_method(pictures, region):
    """Two of them: eight rows above and below, six columns at the sides, in a straight line."""
    edited, original = pictures
    large, pasted = by_pillow(edited), paste_back(edited, original, region, feather=2).double()

    def faded(at: tuple[int, int], share: float) -> bool:
        old, new = original[..., at[0], at[1]].double(), large[..., at[0], at[1]]
        return bool((pasted[..., at[0], at[1]] - (old + share * (new - old))).abs().max() <= 1.51)

    assert all(faded((10 + d, 24), (d + 1) / 9) and faded((50 - d, 24), (d + 1) / 9) for d in range(9))
    assert all(faded((30, 5 + d), (d + 1) / 3 / (2 + 1 / 4)) for d in range(6))


def test_without_a_feather_all_of_the_region_is_the_edit(pictures, region):
    edited, original = pictures
    pasted = paste_back(edited, original, region, feather=0)
    assert torch.equal(pasted[..., ~region], original[..., ~region])
    assert (pasted[..., region].double() - by_pillow(edited)[..., region]).abs().max() <= 1.6  # Pillow rounds twice
    everything = paste_back(edited, original, torch.ones_like(region))
    assert (everything.double() - by_pillow(edited)).abs().max() <= 1.6  # Pillow rounds twice


def test_an_edit_of_one_size_several_times_and_a_region_of_another_size():
    original, region = torch.zeros(3, 40, 20, dtype=torch.uint8), torch.zeros(40, 20, dtype=torch.bool)
    region[:20] = True
    pasted = PasteBack(original, region, 1).onto(torch.full((2, 3, 10, 10), 255, dtype=torch.uint8))
    assert pasted.shape == (2, 3, 40, 20) and not pasted[..., 20:, :].any() and (pasted[..., :16, :] == 255).all()
    with pytest.raises(ZooError, match="40x20 and 10x10"):
        PasteBack(original, region[:10, :10], 1).onto(pasted)


class Largest(TorchDispatchMode):
    """The most bytes that any tensor has which is made meanwhile."""

    most = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        self.most = max(self.most, *(t.nbytes for t in (made,) if isinstance(t, torch.Tensor)), 0)
        return made


def test_more_pictures_take_no_more_memory_than_they_have_themselves():
    """32 bits for one picture at a time, however many there are."""
    original, region = torch.zeros(3, 60, 80, dtype=torch.uint8), torch.ones(60, 80, dtype=torch.bool)
    edited = torch.randint(0, 256, (9, 3, 30, 40), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    for rows in (60, 50):  # all of it, and a part
        region[rows:] = False
        with Largest() as seen:
            pasted = PasteBack(original, region, 2).onto(edited)
        assert pasted.dtype == torch.uint8 and 0 < seen.most <= pasted.nbytes
        assert torch.equal(pasted[4:5], PasteBack(original, region, 2).onto(edited[4:5]))


def test_a_map_is_resized_as_pillow_does():
    label = torch.from_numpy(np.random.default_rng(0).integers(0, 200, (17, 40)))
    for height, width in ((8, 8), (34, 80), (50, 23), (17, 40)):
        expected = Image.fromarray(label.numpy().astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
        assert torch.equal(resized(label, (height, width)), torch.from_numpy(np.array(expected)).long())
    assert resized(label > 9, (5, 5)).dtype == torch.bool
