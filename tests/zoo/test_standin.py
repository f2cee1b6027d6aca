"""Where the pictures of a run come from when nobody gave any."""

from dataclasses import replace
from pathlib import Path

import pytest

from zoo import factory
from zoo.config import resolve
from zoo.data.standin import standin, with_standin
from zoo.errors import ZooError

SETS = ["data.size=[32, 32]", "data.standin={train: 2, test: 1, seed: 0}"]


def test_stand_in_is_drawn_once_and_read_as_the_dataset(tmp_path: Path):
    config = resolve("gaugan", "gta5", "smoke", SETS)
    folder = standin(config, tmp_path)
    drawn = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    assert standin(config, tmp_path) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")} == drawn
    assert [len(factory.dataset(config, split, root=folder)) for split in ("train", "test")] == [2, 1]
    assert [path.name for path in tmp_path.iterdir()] == [folder.name], "no leftovers"


def test_other_pictures_lie_elsewhere(tmp_path: Path):
    sets = [SETS, [SETS[0], "data.standin={train: 2, test: 1, seed: 1}"], ["data.size=[16, 16]", SETS[1]]]
    assert len({standin(resolve("gaugan", "gta5", "smoke", each), tmp_path) for each in sets}) == 3


def test_only_the_default_place_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    config = resolve("gaugan", "deepfashion", "smoke", SETS)
    found = with_standin(config, tmp_path / "cache")
    assert Path(found.data["root"]).parent == tmp_path / "cache"
    given = resolve("gaugan", "deepfashion", "smoke", SETS, data_root="elsewhere")
    assert with_standin(given) == given
    Path("data/deepfashion").mkdir(parents=True)
    assert with_standin(config) == config


def test_profiles_without_a_stand_in(tmp_path: Path):
    config = resolve("gaugan", "deepfashion", "paper")
    assert with_standin(config, tmp_path) == config
    with pytest.raises(ZooError, match=r"stand-in for deepfashion.*paper"):
        standin(config, tmp_path)


def test_datasets_without_a_stand_in(tmp_path: Path):
    config = resolve("gaugan", "deepfashion", "smoke", SETS)
    with pytest.raises(ZooError, match='no procedural stand-in for "folder"'):
        standin(replace(config, data={**config.data, "name": "folder"}), tmp_path)
