"""The order of pictures is a pure function of seed, epoch and rank."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.zoo.pictures import folder, halves, write_pair
from zoo.data import EpochSampler, loader
from zoo.engine.batches import BatchLoader
from zoo.errors import ZooError


@pytest.fixture
def eleven(tmp_path):
    for i in range(11):
        write_pair(tmp_path, f"p{i}", np.roll(halves(), i, 1))
    return folder(tmp_path)


def indices(batches):
    return [[index for index, _ in batch] for batch in batches]


def test_every_picture_once_and_the_rest_dropped(eleven):
    sampler = EpochSampler(eleven, seed=3, batch_size=4)
    batches = indices(sampler.batches(0))
    assert [len(batch) for batch in batches] == [4, 4] and sampler.length() == 2
    assert len({i for batch in batches for i in batch}) == 8
    assert sampler.plan(0).shown == list(range(11)) == sorted(sampler.plan(0).order)


def test_pure_in_seed_and_epoch(eleven):
    first = list(EpochSampler(eleven, seed=3, batch_size=4).batches(5))
    assert list(EpochSampler(eleven, seed=3, batch_size=4).batches(5)) == first
    assert list(EpochSampler(eleven, seed=3, batch_size=4).batches(6)) != first
    assert list(EpochSampler(eleven, seed=4, batch_size=4).batches(5)) != first
    assert list(EpochSampler(eleven, seed=3, batch_size=4).batches(5, start=1)) == first[1:]


def test_ranks_share_one_order(eleven):
    ranks = [list(EpochSampler(eleven, seed=3, batch_size=2, rank=r, world=2).batches(0)) for r in range(2)]
    alone = list(EpochSampler(eleven, seed=3, batch_size=4).batches(0))
    assert [a + b for a, b in zip(*ranks, strict=True)] == alone


def test_fewer_pictures_than_a_batch(eleven):
    sampler = EpochSampler(eleven, seed=0, batch_size=8, world=2)
    (batch,) = sampler.batches(0)
    other = next(EpochSampler(eleven, seed=0, batch_size=8, rank=1, world=2).batches(0))
    assert sampler.length() == 1 and len(batch) == 8
    assert {i for i, _ in batch + other} == set(range(11))
    assert len({draw for _, draw in batch + other}) == 16


def test_workers_and_a_late_start_change_nothing(eleven):
    sampler = EpochSampler(eleven, seed=1, batch_size=2)
    state = torch.get_rng_state()
    here = list(loader(eleven, sampler.batches(2)))
    there = list(loader(eleven, sampler.batches(2, start=3), workers=2))
    assert torch.equal(torch.get_rng_state(), state)
    assert len(here) == 5 and len(there) == 2
    for a, b in zip(here[3:], there, strict=True):
        assert a.name == b.name and torch.equal(a.image, b.image) and torch.equal(a.label, b.label)


@pytest.mark.parametrize("workers", [0, 2])
def test_every_picture_of_an_epoch_as_it_lies_on_the_disk(eleven, workers):
    feed = BatchLoader(eleven, EpochSampler(eleven, seed=1, batch_size=4), torch.device("cpu"), workers)
    twice = [list(feed.pictures(epoch)) for epoch in (0, 3)]
    for batches in twice:
        assert [len(batch) for batch in batches] == [4, 4, 3]
        shown = dict(zip([n for b in batches for n in b.name], torch.cat([b.image for b in batches]), strict=True))
        assert len(shown) == 11
        for name, image in shown.items():
            pixels = np.asarray(Image.open(eleven.root / "train" / "images" / f"{name}.png").convert("RGB"))
            assert torch.equal(((image + 1) * 127.5).round().byte().permute(1, 2, 0), torch.tensor(pixels))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_picture_stops_with_its_sentence(eleven, workers):
    eleven.pairs[4].image.write_bytes(b"")
    with pytest.raises(ZooError, match=r"^The file \S+p4\.png cannot be read .*") as error:
        list(loader(eleven, EpochSampler(eleven, seed=1, batch_size=11).batches(0), workers=workers))
    assert "\n" not in str(error.value)
