"""A dataset of small noisy pictures, and the small methods that encode them."""

import numpy as np
import pytest
from PIL import Image

from zoo.contract import CLASSES, SIZE, small_method
from zoo.data.folder import Folder

PICTURES = 10


@pytest.fixture(scope="session")
def noisy(tmp_path_factory) -> Folder:
    """Ten pictures of noise: classes 0 to 3 in blocks, class 4 in pictures 0 to 2 only, a pixel of 5 in picture 3.

    A single pixel is lost on the way to the coarse layers of CLVAE.
    """
    root, random = tmp_path_factory.mktemp("noisy"), np.random.default_rng(0)
    for part in ("images", "labels"):
        (root / "test" / part).mkdir(parents=True)
    for index in range(PICTURES):
        label = np.kron(random.permutation(16).reshape(4, 4) % 4, np.ones((16, 16))).astype(np.uint8)
        if index < 3:
            label[16:32, 16:32] = 4
        if index == 3:
            label[33, 21] = 5
        image = random.integers(0, 256, (*SIZE, 3)) * random.random(3)
        Image.fromarray(image.astype(np.uint8)).save(root / "test" / "images" / f"{index}.png")
        Image.fromarray(label).save(root / "test" / "labels" / f"{index}.png")
    return Folder(root=root, split="test", size=SIZE, classes=CLASSES)


@pytest.fixture(scope="session")
def small():
    """A small method by its name, the same one for all tests."""
    made = {}
    return lambda name: made.setdefault(name, small_method(name))
