"""The generator of the data as a source of pictures: the same masks in other styles."""

import numpy as np
import pytest
import torch

from zoo import factory
from zoo.config import Config, resolve
from zoo.data import collate
from zoo.data.standin import make
from zoo_bench.oracle import OraclePictures


@pytest.fixture(scope="module", params=["deepfashion", "gta5"])
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Config:
    root = tmp_path_factory.mktemp("standin") / request.param
    sets = ["data.size=[64, 64]", "data.standin={train: 1, test: 3, seed: 5}"]
    make(request.param, root, train=1, test=3, seed=5, size=(64, 64))
    return resolve("gaugan", request.param, "smoke", sets, data_root=root)


def explained(picture: torch.Tensor, label: torch.Tensor) -> float:
    """The share of a picture's variance that its classes' mean colours explain."""
    pixels, classes = picture.flatten(1).double().numpy(), label.flatten().numpy()
    within = sum(
        ((p := pixels[:, classes == k]) - p.mean(1, keepdims=True)).__pow__(2).sum() for k in np.unique(classes)
    )
    return float(1 - within / ((pixels - pixels.mean(1, keepdims=True)) ** 2).sum())


def test_samples_show_the_mask_in_other_styles(config: Config):
    data, source = factory.dataset(config, "test"), OraclePictures(config, seed=0)
    own, other = [], []
    for index in range(3):
        (drawn,) = source.samples(data[index]["label"][None], index, 4)
        assert drawn.shape == (4, 3, 64, 64) and drawn.dtype == torch.uint8
        assert len({picture.numpy().tobytes() for picture in drawn}) == 4
        own += [explained(picture, data[index]["label"]) for picture in drawn]
        other += [explained(picture, data[(index + 1) % 3]["label"]) for picture in drawn]
    assert np.mean(own) > np.mean(other) + 0.1, "the pictures are those of other masks"


def test_samples_depend_on_the_seed_and_the_mask_alone(config: Config):
    label = torch.zeros(1, 64, 64, dtype=torch.long)
    (first,), (again,), (more,), (seeded,) = (
        OraclePictures(config, seed=seed).samples(label, 1, count) for seed, count in ((0, 2), (0, 2), (0, 3), (1, 2))
    )
    assert torch.equal(first, again) and torch.equal(first, more[:2]) and not torch.equal(first, seeded)


def test_reconstruction_is_a_drawing_of_its_own(config: Config):
    data = factory.dataset(config, "test")
    pictures = collate([data[i] for i in (1, 2)])
    source = OraclePictures(config, seed=0)
    drawn = source.reconstruct(pictures, 1)
    real = ((pictures.image + 1) * 127.5).round().to(torch.uint8)
    (sample,) = source.samples(pictures.label[:1], 1, 1)
    assert drawn.shape == real.shape
    assert not torch.equal(drawn[0], real[0]) and not torch.equal(drawn[0], sample[0])
