"""examples/plugin as a stranger uses it: installed from its wheel beside the zoo's, or given by path."""

import json
import shutil

import pytest
import yaml

from tests.packaging import PLUGIN, REPOSITORY, Installation, build_wheel
from zoo import checkpoints

TWO_STEPS = (
    *("--data", "deepfashion", "--profile", "smoke", "--set", "train.iterations=2"),
    *("--set", "data.standin={train: 4, test: 2, seed: 0}"),
)


@pytest.fixture(scope="module")
def zoo_alone(tmp_path_factory):
    """An environment with the zoo, built and installed as from a package index."""
    folder = tmp_path_factory.mktemp("zoo")
    return Installation(folder / "venv", build_wheel(REPOSITORY, folder / "dist"))


@pytest.fixture(scope="module")
def zoo_and_plugin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugin")
    wheels = build_wheel(REPOSITORY, folder / "zoo"), build_wheel(PLUGIN, folder / "plugin")
    return Installation(folder / "venv", *wheels)


@pytest.mark.slow
def test_the_installed_package_is_listed_and_trained(zoo_and_plugin, tmp_path):
    listed = json.loads(zoo_and_plugin.run("zoo", "list", "methods", "--json", cwd=tmp_path))
    (row,) = (row for row in listed if row["method"] == "class_colours")
    assert row["codes"] == yaml.safe_load((PLUGIN / "zoo_class_colours" / "card.yaml").read_text())["codes"]
    zoo_and_plugin.run("zoo", "train", "class_colours", *TWO_STEPS, cwd=tmp_path)
    run = tmp_path / "runs" / "class_colours-deepfashion"
    saved = checkpoints.load(run / "latest.pth")
    assert saved["config"]["method"] == {"name": "class_colours", "width": 8, "kl_weight": 0.01}
    assert saved["config"]["train"]["optimizers"]["generator"]["lr"] == 1e-3
    assert [json.loads(line)["iteration"] for line in (run / "log.jsonl").read_text().splitlines()] == [2]


@pytest.mark.slow
def test_its_own_tests_pass_where_it_is_installed(zoo_and_plugin, tmp_path):
    shutil.copytree(PLUGIN / "tests", tmp_path / "tests")
    zoo_and_plugin.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path)


@pytest.mark.slow
def test_the_package_folder_is_a_plugin_by_path(zoo_alone, tmp_path):
    folder = shutil.copytree(PLUGIN / "zoo_class_colours", tmp_path / "elsewhere" / "zoo_class_colours")
    names = [row["method"] for row in json.loads(zoo_alone.run("zoo", "list", "methods", "--json", cwd=tmp_path))]
    assert "class_colours" not in names
    zoo_alone.run("zoo", "train", "class_colours", "--plugin", str(folder), *TWO_STEPS, cwd=tmp_path)
    assert (tmp_path / "runs" / "class_colours-deepfashion" / "latest.pth").is_file()


def test_a_method_takes_less_than_a_hundred_lines():
    """The promise of the README; tests and configs are not counted."""
    assert len((PLUGIN / "zoo_class_colours" / "method.py").read_text().splitlines()) < 100
