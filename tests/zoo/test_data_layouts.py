"""The layouts on disk, seen through real pictures and small folders written here."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.zoo.pictures import folder, halves, write_pair
from zoo.data import collate
from zoo.data.pairing import natural_key
from zoo.errors import ZooError
from zoo.registries import DATASETS


@pytest.mark.parametrize("name", ["ade20k", "deepfashion", "gta5"])
def test_samples_in_the_layout_of_the_full_dataset(samples_dir, name):
    cls = DATASETS.get(name)
    assert len(cls.class_names) == cls.classes
    for split, count in (("train", 4), ("test", 2)):
        dataset = cls(root=samples_dir / name, split=split, size=cls.default_size)
        assert len(dataset) == count
        batch = collate([dataset[i] for i in range(count)])
        assert batch.image.shape == (count, 3, *cls.default_size) and batch.image.dtype == torch.float32
        assert batch.label.shape == (count, *cls.default_size) and batch.label.dtype == torch.int64
        assert batch.image.abs().max() <= 1 and batch.label.min() >= 0 and batch.label.max() < cls.classes
        assert batch.weight is None


def test_folder_reads_real_faces(samples_dir):
    dataset = folder(samples_dir / "celebamask", size=(64, 64), classes=19)
    faces = DATASETS.get("celebamask")(root=samples_dir / "celebamask", split="train", size=(64, 64))
    assert len(dataset) == len(faces) == 1000
    assert dataset[7]["label"].max() < 19 == faces.classes
    assert torch.equal(faces[7]["image"], dataset[7]["image"])


def test_natural_order():
    names = ["b1", "a10", "a2", "a", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "a2", "a10", "b1"]


def test_folder_pairs_by_stem_whatever_the_suffix(tmp_path):
    for stem, suffix in (("p10", ".jpg"), ("p9", ".jpeg"), ("p2", ".webp"), ("p1", ".png")):
        write_pair(tmp_path, stem, halves(), suffix=suffix)
    dataset = folder(tmp_path)
    assert [pair.name for pair in dataset.pairs] == ["p1", "p2", "p9", "p10"]
    assert dataset.class_names == ("class 0", "class 1", "class 2")


def test_folder_takes_val_for_test(tmp_path):
    write_pair(tmp_path, "a", halves(), split="val")
    assert len(folder(tmp_path, "test")) == 1


def test_crop_and_flip_keep_picture_and_label_together(tmp_path):
    write_pair(tmp_path, "a", halves())
    dataset = folder(tmp_path, size=(4, 8), load_scale=2.0)
    flips = set()
    for draw in range(20):
        item = dataset[0, draw]
        assert item["image"].shape == (3, 4, 8) and item["label"].shape == (4, 8)
        red = ((item["image"][0] * 0.5 + 0.5) * 255).round().long()
        assert torch.equal(red, item["label"] * 10)
        flips.add(bool((item["label"][:, 0] == 2).all() and (item["label"][:, -1] != 2).any()))
        again = dataset[0, draw]
        assert torch.equal(item["image"], again["image"]) and torch.equal(item["label"], again["label"])
    assert flips == {True, False}
    unflipped = folder(tmp_path, size=(8, 16), flip=False)
    assert all(torch.equal(unflipped[0, draw]["label"], unflipped[0]["label"]) for draw in range(10))


def test_palette_labels_are_read_by_index(tmp_path):
    write_pair(tmp_path, "a", halves())
    grey = Image.open(tmp_path / "train/labels/a.png")
    palette = Image.fromarray(np.asarray(grey), mode="L").convert("P")
    palette.putdata(list(np.asarray(grey).ravel()))
    palette.putpalette([7, 200, 31] * 256)
    palette.save(tmp_path / "train/labels/a.png")
    assert torch.equal(folder(tmp_path)[0]["label"], torch.from_numpy(halves()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda root: (root / "train/labels/a.png").unlink(), ["a.png", "has no label"]),
        (lambda root: (root / "train/images/a.png").unlink(), ["labels/a.png", "has no picture"]),
        (lambda root: write_pair(root, "a", halves(), suffix=".jpg"), ["a.png", "same stem"]),
        (lambda root: Image.new("RGB", (16, 8)).save(root / "train/labels/a.png"), ["a.png", "colour picture"]),
        (lambda root: (root / "train/images/a.png").write_bytes(b"no picture"), ["images/a.png", "cannot be read"]),
        (lambda root: write_pair(root, "a", halves() * 100), ["labels/a.png", "100, 200", "0 to 2"]),
    ],
)
def test_bad_files_are_named(tmp_path, change, words):
    write_pair(tmp_path, "a", halves())
    write_pair(tmp_path, "b", halves())
    change(tmp_path)
    with pytest.raises(ZooError) as error:
        folder(tmp_path)[0]
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("name", ["ade20k", "deepfashion", "gta5"])
def test_missing_data_says_where_it_comes_from(tmp_path, name):
    cls = DATASETS.get(name)
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ZooError, match=rf"(?s)comes from .*zoo data make {name} --out data/{name}`"):
            cls(root=root, split="train", size=cls.default_size)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"classes": 0}, "data.classes"),
        ({"class_names": ["a"]}, "data.class_names"),
        ({"load_scale": 0.5}, "load_scale"),
    ],
)
def test_impossible_settings(tmp_path, settings, word):
    write_pair(tmp_path, "a", halves())
    with pytest.raises(ZooError, match=word):
        folder(tmp_path, **settings)
    with pytest.raises(ZooError, match='no split "dev"'):
        folder(tmp_path, "dev")
