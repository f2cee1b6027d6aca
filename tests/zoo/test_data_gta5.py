"""Rebalancing of GTA-5: the file of scores, its making, and what an epoch draws from it."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import gaussian_kde

from zoo.data.rarity import RarityTable, bins_of, compute, rarity_draws, scores_of
from zoo.errors import ZooError
from zoo.registries import DATASETS


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """80 pictures of road (0) and sky (10), the first 30 with some sidewalk (1); each region in a colour of its own."""
    root = tmp_path_factory.mktemp("gta5")
    rng = np.random.default_rng(0)
    for i in range(80):
        label = np.zeros((8, 16), np.uint8)
        label[:3] = 10
        if i < 30:
            label[5:, :6] = 1
        image = np.zeros((8, 16, 3), np.uint8)
        for c in np.unique(label):
            image[label == c] = rng.integers(0, 256, 3)
        for folder, picture in (("RGB256Full", image), ("LabelgrayFull20", label)):
            (root / folder / "train").mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(root / folder / "train" / f"{i:08d}.png")
    return root


@pytest.fixture(scope="module")
def table(town):
    steps = []
    path = compute(town, progress=lambda done, total: steps.append((done, total)))
    assert path == town / "rarity.npz" and steps == [(i, 100) for i in range(1, 101)]
    return RarityTable.load(path)


def gta5(root, **settings):
    return DATASETS.get("gta5")(root=root, split="train", size=(8, 16), **settings)


def test_scores_against_densities_by_hand(town, table):
    dataset = gta5(town, rarity="off")
    assert table.names == tuple(pair.name for pair in dataset.pairs)
    colours = np.stack([np.asarray(Image.open(pair.image))[7, 15] for pair in dataset.pairs]).astype(float)
    expected = 1 / gaussian_kde(colours.T)(colours.T)
    np.testing.assert_allclose(table.scores[:, 0], expected, rtol=1e-5)
    # 30 pictures are too few for a density: one over the score of the road, the only lower class.
    np.testing.assert_allclose(table.scores[:30, 1], 1 / expected[:30], rtol=1e-5)
    assert not table.scores[30:, 1].any() and not table.scores[:, 2:10].any()
    np.testing.assert_allclose(np.diff(table.bins[0], prepend=0), expected / expected.sum(), rtol=1e-5)
    assert np.isnan(table.bins[2]).all()


def test_an_interrupted_run_continues(town, table, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.data.rarity.CHUNK", 16)
    out = tmp_path / "rarity.npz"

    def stop(done, total):
        if done == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute(town, out, stop)
    assert not out.exists() and (tmp_path / "rarity.partial.npz").exists()
    seen = []
    compute(town, out, lambda done, total: seen.append(done))
    assert seen[0] == 33 and list(tmp_path.iterdir()) == [out]
    again = RarityTable.load(out)
    assert np.array_equal(again.scores, table.scores) and np.array_equal(again.bins, table.bins, equal_nan=True)


def test_the_mask_is_the_score_over_the_largest_and_flips_with_its_picture(town, table):
    dataset = gta5(town, rarity="on")
    plain = dataset[0]
    score = table.scores[0].astype(np.float64)
    np.testing.assert_allclose(plain["weight"][0], score[plain["label"].numpy()] / score.max(), rtol=1e-6)
    flipped = next(item for draw in range(20) if (item := dataset[0, draw])["label"][7, 0] == 0)
    assert torch.equal(flipped["label"], plain["label"].flip(-1))
    assert torch.equal(flipped["weight"], plain["weight"].flip(-1))


def test_an_epoch_draws_rare_pictures_more_often(town, table):
    dataset = gta5(town, draws=60, pictures_per_epoch=6000)
    assert all(len(dataset.epoch(np.random.default_rng(i)).order) == 6000 for i in range(2))
    plan = dataset.epoch(np.random.default_rng(0))
    assert set(plan.order) <= set(plan.shown) and len(plan.shown) < 60 and plan.shown == sorted(set(plan.shown))
    # Rows in turn: road, sky and sidewalk occur here, building and other do not.
    counts = np.zeros(80)
    for i in range(400):
        np.add.at(counts, dataset.epoch(np.random.default_rng(i)).order[:60], 1)
    expected = np.mean([np.diff(table.bins[c], prepend=0) for c in (0, 10, 1)], axis=0)
    np.testing.assert_allclose(counts / counts.sum(), expected, atol=0.006)


def test_few_pictures_shrink_the_epoch(town):
    dataset = gta5(town, draws=400, pictures_per_epoch=10000)
    assert len(dataset.epoch(np.random.default_rng(0)).order) == 2000


def test_ids_out_of_range_stop_the_making(tmp_path):
    for folder, picture in (
        ("RGB256Full", Image.new("RGB", (16, 8))),
        ("LabelgrayFull20", Image.new("L", (16, 8), 20)),
    ):
        (tmp_path / folder / "train").mkdir(parents=True)
        picture.save(tmp_path / folder / "train/1.png")
    with pytest.raises(ZooError, match=r"1\.png holds the class id 20"):
        compute(tmp_path)


def test_draws_follow_the_bins():
    bins = np.array([[0.1, 0.5, 1.0], [0.0, 0.0, 1.0 - 1e-12]])
    assert rarity_draws(bins, 4, np.array([0.1, 0.5, 0.100001, 1.0 - 1e-16])) == [0, 2, 1, 2]


def test_classes_without_any_density_are_neutral():
    colours = np.full((5, 4, 3), np.nan)
    colours[:, [0, 2]] = 100.0
    scores = scores_of(colours)
    assert (scores[:, [0, 2]] == 1).all() and not scores[:, [1, 3]].any()
    np.testing.assert_allclose(bins_of(scores)[0], [0.2, 0.4, 0.6, 0.8, 1.0])


def test_the_setting(samples_dir, tmp_path, town, caplog):
    root = samples_dir / "gta5"
    caplog.set_level("INFO")
    assert "weight" not in gta5(root, rarity="auto")[0]
    assert "zoo data rarity --data-root" in caplog.text
    assert "weight" not in gta5(town, rarity=False)[0]
    with pytest.raises(ZooError, match="zoo data rarity --data-root"):
        gta5(root, rarity=True)
    with pytest.raises(ZooError, match="auto, on or off"):
        gta5(root, rarity="yes")


def test_files_that_do_not_fit(town, table, tmp_path):
    broken = tmp_path / "rarity.npz"
    whole = (town / "rarity.npz").read_bytes()
    for content in (b"", whole[:200], whole[:200] + b"x" * 400 + whole[600:]):
        broken.write_bytes(content)
        with pytest.raises(ZooError, match=r"cannot be read.*zoo data rarity"):
            RarityTable.load(broken)
    for folder in ("RGB256Full", "LabelgrayFull20"):
        (tmp_path / folder / "train").mkdir(parents=True)
        source = town / folder / "train/00000003.png"
        (tmp_path / folder / "train/00000003.png").write_bytes(source.read_bytes())
    table.save(broken)
    with pytest.raises(ZooError, match="80 other pictures than the 1"):
        gta5(tmp_path)
