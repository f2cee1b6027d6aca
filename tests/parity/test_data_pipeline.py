"""The tensors of the three datasets are the official ones, to the last bit."""

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from zoo.data import PairedDataset
from zoo.data.rarity import rarity_draws
from zoo.data.transforms import draw_params
from zoo.registries import DATASETS


def _sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


@pytest.fixture(scope="module")
def fixtures(golden_dir) -> list[dict]:
    found = [json.loads(path.read_text()) for path in sorted(golden_dir.glob("g_*.json"))]
    if not found:
        pytest.skip(f"{golden_dir} holds no g_*.json")
    return found


def _entries(fixtures, split):
    """Every entry with its dataset's name and the load scale that its options ask for."""
    for data in fixtures:
        for name, entries in data.get(split, {}).items():
            options = data["opts"][f"{name}_train" if split == "train" else name]
            cropped = options["preprocess_mode"] == "resize_and_crop"
            scale = options["load_size"] / options["crop_size"] if cropped else 1.0
            yield from ((name, scale, entry) for entry in entries)


def _picture(samples_dir: Path, name: str, scale: float, split: str, entry: dict) -> tuple[PairedDataset, int]:
    root = samples_dir / name
    settings = {"rarity": "off"} if name == "gta5" else {}
    size = tuple(entry["image_shape"][1:])
    dataset = DATASETS.get(name)(root=root, split=split, size=size, load_scale=scale, **settings)
    return dataset, [pair.name for pair in dataset.pairs].index(Path(entry["path"]).stem)


def _agrees(image: torch.Tensor, label: torch.Tensor, entry: dict) -> None:
    assert list(image.shape) == entry["image_shape"] and [1, *label.shape] == entry["label_shape"]
    assert _sha(image.numpy()) == entry["image_sha256_f32"]
    assert _sha(label.numpy().astype(np.uint8)) == entry["label_long_sha256_u8"]


def test_test_pictures(fixtures, samples_dir):
    for name, scale, entry in _entries(fixtures, "test"):
        dataset, index = _picture(samples_dir, name, scale, "test", entry)
        item = dataset[index]
        _agrees(item["image"], item["label"], entry)
        counts = {str(i): n for i, n in enumerate(item["label"].flatten().bincount().tolist()) if n}
        assert counts == entry["label_hist"]


def test_training_pictures_under_the_official_seeds(fixtures, samples_dir):
    for name, scale, entry in _entries(fixtures, "train"):
        dataset, index = _picture(samples_dir, name, scale, "train", entry)
        params = draw_params(random.Random(entry["python_random_seed"]), dataset.loaded, dataset.size)
        assert [params.crop_x, params.crop_y] == entry["params"]["crop_pos"]
        assert params.flip == entry["params"]["flip"]
        item = dataset[index, entry["python_random_seed"]]
        _agrees(item["image"], item["label"], entry)


def test_ade20k_is_loaded_larger_by_default(fixtures, samples_dir):
    """The class's own load scale is the one of the official options."""
    for data in fixtures:
        options = data.get("opts", {}).get("ade20k_train")
        if options is None:
            continue
        crop = options["crop_size"]
        dataset = DATASETS.get("ade20k")(root=samples_dir / "ade20k", split="train", size=(crop, crop))
        assert dataset.loaded == (options["load_size"],) * 2


def test_rarity_sampling_order(fixtures):
    for data in fixtures:
        case = data.get("gta_sampling")
        if case is None:
            continue
        bins = np.array([case["bins"][str(c)] for c in case["objectid"]])
        drawn = rarity_draws(bins, case["K"], np.random.RandomState(case["np_seed"]).rand(case["K"]))
        assert drawn[:40] == case["first40"]
        assert {str(i): drawn.count(i) for i in set(drawn)} == case["counts"]
