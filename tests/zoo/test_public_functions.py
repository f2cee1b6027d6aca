"""zoo.train, zoo.evaluate and zoo.sample: what the commands do, from Python."""

import json
from pathlib import Path

import pytest
from PIL import Image

import zoo
from tests.zoo import engine_toy
from zoo import checkpoints, registries
from zoo.metrics import MethodSource
from zoo.metrics import evaluate as measure
from zoo.trained import evaluation_pictures

SETS = ["data.size=[8, 8]", "data.classes=4", "train.iterations=3", "train.batch_size=2", "train.device=cpu"]


@pytest.fixture(autouse=True, scope="module")
def toy_metrics():
    for name, metric in engine_toy.TOY_METRICS.items():
        registries.METRICS.register(name)(metric)
    yield
    for name in engine_toy.TOY_METRICS:
        registries.METRICS.remove(name)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_toy.write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A run of three iterations, stopped after two by a callback and resumed."""

    class Stop(zoo.Callback):
        def on_iteration(self, run):
            if run.iteration == 2:
                run.stop("enough")

    which = {"data": "folder", "profile": "smoke", "data_root": data, "sets": SETS, "seed": 5, "progress": False}
    folder = tmp_path_factory.mktemp("run") / "run"
    first = zoo.train("engine_toy", **which, work_dir=folder, callbacks=[Stop()])
    assert checkpoints.load(first)["progress"]["iteration"] == 2
    latest = zoo.train("engine_toy", **which, work_dir=folder, resume=True)
    assert first == latest == folder / "latest.pth"
    return latest


def test_train(checkpoint: Path, data: Path):
    content = checkpoints.load(checkpoint)
    assert content["progress"]["iteration"] == 3
    assert content["config"]["train"]["seed"] == 5 and content["config"]["data"]["root"] == str(data)


def test_evaluate_gives_a_row_per_metric(checkpoint: Path, data: Path, tmp_path: Path):
    names = ["engine_error", "engine_spread_3"]
    frame = zoo.evaluate(checkpoint, data="folder", metrics=names, limit=2, device="cpu", out=tmp_path)
    assert frame["metric"].tolist() == names and frame["better"].tolist() == ["lower", "higher"]
    assert frame["images"].tolist() == [2, 2] and frame["samples"].tolist() == [1, 3]
    assert set(frame.columns) >= {"dataset", "split", "classes", "resolution", "codes", "network", "warnings"}
    method = zoo.load(checkpoint)
    found = measure(MethodSource(method), evaluation_pictures(method, "folder", data), metrics=names, limit=2)
    assert frame["value"].tolist() == [found.results[name].value for name in names]
    stored = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [(line["metric"], line["value"]) for line in stored] == list(zip(names, frame["value"], strict=True))
    assert stored[0]["checkpoint"] == checkpoints.digest(checkpoint)[:12] and stored[0]["training"]["iterations"] == 3

    # a method that is open already gives the same numbers
    again = zoo.evaluate(method, data="folder", metrics=names, limit=2)
    assert again["value"].tolist() == frame["value"].tolist()


def test_sample_writes_what_the_method_draws(checkpoint: Path, tmp_path: Path):
    files = zoo.sample(checkpoint, data="folder", samples=2, out=tmp_path, limit=2, seed=3, device="cpu")
    assert [file.name for file in files] == ["0_00.png", "0_01.png", "1_00.png", "1_01.png", "grid.png"]
    assert all(Image.open(file).size == (8, 8) for file in files[:-1])
    method = zoo.load(checkpoint).train()
    again = zoo.sample(method, data="folder", samples=2, out=tmp_path / "again", limit=2, seed=3)
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in files]


def test_a_method_without_a_config_is_refused(tmp_path: Path):
    method = engine_toy.Toy(classes=4, size=(8, 8))
    for use in (zoo.evaluate, lambda *a, **k: zoo.sample(*a, out=tmp_path, **k)):
        with pytest.raises(zoo.ZooError, match="has no config"):
            use(method, data="folder")
