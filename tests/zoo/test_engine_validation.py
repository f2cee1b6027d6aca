"""Metrics on the test pictures while a method trains."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.zoo import engine_toy
from zoo import checkpoints, factory, registries
from zoo.callbacks import Callback, Run
from zoo.engine import log as engine_log
from zoo.engine import train
from zoo.errors import ZooError
from zoo.metrics import MethodSource, evaluate

METRICS = ["engine_error", "engine_spread_3"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_toy.write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(autouse=True, scope="module")
def toy_metrics():
    for name, metric in engine_toy.TOY_METRICS.items():
        registries.METRICS.register(name)(metric)
    yield
    for name in engine_toy.TOY_METRICS:
        registries.METRICS.remove(name)


def logged(run: Path, key: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if key in line]


@pytest.mark.parametrize("settings", [{}, {"ema": 0.5, "epochs": 1, "decay_epochs": 1}])
def test_the_numbers_are_those_of_the_checkpoint_and_disturb_nothing(
    tmp_path: Path, data: Path, settings: dict[str, Any]
):
    seen: list[Any] = []

    class Looker(Callback):
        def on_evaluation(self, run: Run) -> None:
            seen.append((run.iteration, dict(run.metrics)))

    plain = engine_toy.make_config(data, iterations=6, checkpoint_every=2, keep=9, **settings)
    measured = {"every": 2, "metrics": METRICS, "pictures": 2}
    config = engine_toy.make_config(data, iterations=6, checkpoint_every=2, keep=9, evaluate=measured, **settings)
    one = checkpoints.load(train(plain, work_dir=tmp_path / "plain", progress=False))
    run = tmp_path / "run"
    other = checkpoints.load(train(config, work_dir=run, progress=False, callbacks=[Looker()]))

    for key in one["method"]:
        if key != "_extra_state":
            assert torch.equal(one["method"][key], other["method"][key]), key
    losses = [[line["losses"] for line in logged(tmp_path / name, "losses")] for name in ("plain", "run")]
    assert losses[0] == losses[1]

    # the averaged weights where there are any, as zoo.load takes them
    lines = logged(run, "metrics")
    assert [(line["iteration"], line["epoch"]) for line in lines] == [(2, 1), (4, 1), (6, 2)]
    assert seen == [(line["iteration"], line["metrics"]) for line in lines]
    for line in lines:
        method = factory.load(run / f"iter_{line['iteration']:06d}.pth")
        found = evaluate(MethodSource(method), factory.dataset(config, "test"), metrics=METRICS, limit=2)
        assert line["metrics"] == {name: found.results[name].value for name in METRICS}

    events = EventAccumulator(str(next((run / "logs").rglob("events.out.tfevents.*")).parent)).Reload()
    for name in METRICS:
        scalars = [(event.step, event.value) for event in events.Scalars(f"metric/{name}")]
        assert scalars == [(line["iteration"], pytest.approx(line["metrics"][name])) for line in lines]
    gan = [(event.step, event.value) for event in events.Scalars("loss/gan")]
    assert gan == [(line["iteration"], pytest.approx(line["losses"]["gan"])) for line in logged(run, "losses")]


def test_a_resumed_run_measures_what_it_trains_again(tmp_path: Path, data: Path):
    config = engine_toy.make_config(
        data, iterations=6, checkpoint_every=3, evaluate={"every": 2, "metrics": METRICS, "pictures": 2}
    )
    run = tmp_path / "run"
    train(config, work_dir=run, progress=False)
    before = [(line["iteration"], line["metrics"]) for line in logged(run, "metrics")]
    (run / "iter_000003.pth").replace(run / "latest.pth")  # as if the process had died after iteration 6
    train(config, work_dir=run, resume=True, progress=False)
    assert [(line["iteration"], line["metrics"]) for line in logged(run, "metrics")] == before


@pytest.mark.parametrize(
    ("method", "metrics", "word"),
    [
        ("engine_toy", ["engine_eror"], "engine_eror"),
        ("engine_toy", ["lpips_alex_reconstruction"], "AlexNet"),  # no weights of a feature network
        ("engine_line", ["engine_spread_3"], "engine_spread_3"),  # no codes
    ],
)
def test_what_cannot_be_measured_is_said_before_the_training(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, method: str, metrics: list[str], word: str
):
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "nothing"))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    config = engine_toy.make_config(data, method, iterations=1, evaluate={"every": 1, "metrics": metrics})
    with pytest.raises(ZooError, match=word):
        train(config, work_dir=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"evaluate": {"metrics": METRICS}}, "train.evaluate.every"),
        ({"evaluate": {"every": 0}}, "train.evaluate.every"),
        ({"evaluate": {"every": 1, "pictuers": 3}}, "train.evaluate.pictures"),
        ({"trackers": ["tensorbord"]}, "train.trackers"),
        ({"callbacks": {"name": "x"}}, "train.callbacks"),
    ],
)
def test_settings_are_checked(data: Path, settings: dict[str, Any], key: str):
    with pytest.raises(ZooError, match=key):
        engine_toy.make_config(data, iterations=1, **settings)


def test_a_tracker_that_is_not_installed(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine_log, "find_spec", lambda name: None if name == "mlflow" else object())
    config = engine_toy.make_config(data, iterations=1, trackers=["tensorboard", "mlflow"])
    with pytest.raises(ZooError, match="pip install mlflow"):
        train(config, work_dir=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_run_without_trackers(tmp_path: Path, data: Path):
    train(engine_toy.make_config(data, iterations=1, trackers=[]), work_dir=tmp_path / "run", progress=False)
    assert not (tmp_path / "run" / "logs").exists()


def test_mlflow_keeps_the_numbers_in_files(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = tmp_path / "run"
    train(engine_toy.make_config(data, iterations=3, trackers=["mlflow"]), work_dir=run, progress=False)
    client = mlflow.MlflowClient((run / "logs" / "mlruns").as_uri())
    (experiment,) = client.search_experiments(filter_string="name = 'zoo'")
    (found,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(found.info.run_id, "loss/gan")
    assert [(m.step, m.value) for m in history] == [
        (line["iteration"], line["losses"]["gan"]) for line in logged(run, "losses")
    ]
    assert found.info.status == "FINISHED" and found.info.run_name == "run"


def test_wandb_offline(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = tmp_path / "run"
    train(engine_toy.make_config(data, iterations=3, trackers=["wandb"]), work_dir=run, progress=False)
    assert wandb.run is None  # finished
    assert list((run / "logs" / "wandb").glob("offline-run-*/run-*.wandb"))
