"""Callbacks: when they are called, what they see, how they end a run, and what a resumed run knows of them."""

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
import torch

from tests.zoo import engine_toy
from zoo import checkpoints
from zoo.callbacks import Callback, Run
from zoo.config import Range
from zoo.engine import plan, train
from zoo.errors import ZooError
from zoo.registries import CALLBACKS

EVENTS = ("on_start", "on_iteration", "on_log", "on_evaluation", "on_checkpoint", "on_end")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_toy.write_pictures(tmp_path_factory.mktemp("pictures"))


class Recorder(Callback):
    """Writes down its calls, and fails at one of them."""

    def __init__(self, calls: list[Any], *, fail: str = "", at: int = 0, stop_at: int = 0) -> None:
        self.calls, self.fail, self.at, self.stop_at = calls, fail, at, stop_at

    def _called(self, event: str, run: Run) -> None:
        self.calls.append((event, run.iteration))
        if event == self.fail and run.iteration == self.at:
            raise ArithmeticError("no more")
        if event == "on_iteration" and run.iteration == self.stop_at:
            run.stop("it is good enough")


for event in EVENTS:
    setattr(Recorder, event, lambda self, run, event=event: self._called(event, run))


class Counter(Callback):
    """Counts iterations, and stops the run after some of them."""

    def __init__(self, *, limit: Annotated[int, Range(at_least=1)] = 1000, step: int = 1) -> None:
        self.limit, self.step, self.count = limit, step, 0

    def on_iteration(self, run: Run) -> None:
        self.count += self.step
        if self.count >= self.limit:
            run.stop(f"counted to {self.count}")

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.count = state["count"]


CALLBACKS.register("test_counter")(Counter)


def same_weights(one: Path, other: Path) -> bool:
    first, second = (checkpoints.load(path)["method"] for path in (one, other))
    return all(torch.equal(first[key], second[key]) for key in first if key != "_extra_state")


def test_the_order_of_events(tmp_path: Path, data: Path):
    calls: list[Any] = []
    config = engine_toy.make_config(data, iterations=4, log_every=2, checkpoint_every=3)
    train(config, work_dir=tmp_path / "run", progress=False, callbacks=[Recorder(calls)])
    step = [("on_iteration", i) for i in range(1, 5)]
    logs, saves = [("on_log", 2), ("on_log", 4)], [("on_checkpoint", 3), ("on_checkpoint", 4)]
    middle = [step[0], step[1], logs[0], step[2], saves[0], step[3], logs[1], saves[1]]
    assert calls == [("on_start", 0), *middle, ("on_end", 4)]


def test_callbacks_run_in_the_order_of_the_list_after_those_of_the_config(tmp_path: Path, data: Path):
    calls: list[Any] = []

    @CALLBACKS.register("test_of_config")
    class OfConfig(Callback):
        def on_iteration(self, run: Run) -> None:
            calls.append("config")

    class Other(Callback):
        def __init__(self, word: str) -> None:
            self.word = word

        def on_iteration(self, run: Run) -> None:
            calls.append(self.word)

    config = engine_toy.make_config(data, iterations=2, callbacks=[{"name": "test_of_config"}])
    train(config, work_dir=tmp_path / "run", progress=False, callbacks=[Other("first"), Other("second")])
    assert calls == ["config", "first", "second"] * 2


def test_what_a_callback_sees(tmp_path: Path, data: Path):
    seen: list[Any] = []

    class Looker(Callback):
        def on_log(self, run: Run) -> None:
            line = json.loads((run.folder / "log.jsonl").read_text().splitlines()[-1])
            assert (line["iteration"], line["epoch"], line["losses"]) == (run.iteration, run.epoch, run.losses)
            assert run.method is engine_toy.built[-1] and run.method.training
            with run.averaged() as method:
                assert not method.training and not any(part.training for part in method.modules())
                average = method.generator.last.weight.clone()
            assert run.method.training
            seen.append((run.iteration, run.epoch, run.iterations, run.device.type, average))

        def on_checkpoint(self, run: Run) -> None:
            assert checkpoints.load(run.latest)["progress"]["iteration"] == run.iteration
            assert torch.equal(checkpoints.load(run.latest)["ema"]["generator.last.weight"], seen[-1][-1])

    config = engine_toy.make_config(data, iterations=6, ema=0.5, checkpoint_every=2)
    train(config, work_dir=tmp_path / "run", progress=False, callbacks=[Looker()])
    # five iterations are an epoch
    assert [entry[:4] for entry in seen] == [(i, 1 if i < 6 else 2, 6, "cpu") for i in range(1, 7)]


def test_callbacks_do_not_disturb_training(tmp_path: Path, data: Path):
    class Drawer(Callback):
        def on_iteration(self, run: Run) -> None:
            torch.rand(7)
            with run.averaged() as method:
                method.sample(torch.zeros(1, 8, 8, dtype=torch.int64), 2)

    config = engine_toy.make_config(data, iterations=6, ema=0.5)
    plain = train(config, work_dir=tmp_path / "plain", progress=False)
    other = train(config, work_dir=tmp_path / "other", progress=False, callbacks=[Drawer()])
    assert same_weights(plain, other)


def test_a_callback_stops_the_run_which_is_saved_and_can_go_on(tmp_path: Path, data: Path):
    calls: list[Any] = []
    run = tmp_path / "run"
    config = engine_toy.make_config(data, iterations=9)
    latest = train(config, work_dir=run, progress=False, callbacks=[Recorder(calls, stop_at=4)])
    assert checkpoints.load(latest)["progress"]["iteration"] == 4
    assert calls[-2:] == [("on_checkpoint", 4), ("on_end", 4)]
    record = json.loads((run / "record.json").read_text())
    assert (record["trained"], record["iterations"], record["stopped"]) == (4, 9, "it is good enough")
    resumed = train(config, work_dir=run, resume=True, progress=False)
    assert json.loads((run / "record.json").read_text())["stopped"] is None
    assert same_weights(resumed, train(config, work_dir=tmp_path / "whole", progress=False))


@pytest.mark.parametrize(
    ("event", "at", "saved"),
    [("on_start", 0, None), ("on_iteration", 3, 2), ("on_log", 4, 2), ("on_checkpoint", 4, 4), ("on_end", 6, 6)],
)
def test_a_callback_that_raises_leaves_a_run_that_can_go_on(
    tmp_path: Path, data: Path, event: str, at: int, saved: int | None
):
    config = engine_toy.make_config(data, iterations=6, ema=0.5, checkpoint_every=2)
    calls: list[Any] = []
    run = tmp_path / "run"
    with pytest.raises(ArithmeticError) as raised:
        train(config, work_dir=run, progress=False, callbacks=[Recorder(calls, fail=event, at=at)])
    assert all(word in raised.value.__notes__[0] for word in ("Recorder", event, str(run)))
    assert calls[-1] == ("on_end", at)
    assert json.loads((run / "record.json").read_text())["trained"] == at
    assert not [path for path in run.iterdir() if path.name.startswith(".")]
    assert (run / "latest.pth").exists() == (saved is not None)
    if saved is not None:
        assert checkpoints.load(run / "latest.pth")["progress"]["iteration"] == saved
    resumed = train(config, work_dir=run, resume=saved is not None, progress=False)
    assert same_weights(resumed, train(config, work_dir=tmp_path / "whole", progress=False))
    logged = [json.loads(line)["iteration"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert logged == list(range(1, 7))


def test_on_end_is_given_the_error(tmp_path: Path, data: Path):
    errors: list[Any] = []

    class Ending(Callback):
        def on_end(self, run: Run) -> None:
            errors.append(run.error)

    config = engine_toy.make_config(data, iterations=3, settings={"fail_at": 2})
    with pytest.raises(ZooError, match="diverged") as raised:
        train(config, work_dir=tmp_path / "run", progress=False, callbacks=[Ending()])
    train(engine_toy.make_config(data, iterations=1), work_dir=tmp_path / "well", progress=False, callbacks=[Ending()])
    assert errors == [raised.value, None]


def test_the_state_of_callbacks_is_resumed(tmp_path: Path, data: Path):
    entries = [{"name": "test_counter"}, {"name": "test_counter", "step": 10}]
    config = engine_toy.make_config(data, iterations=6, checkpoint_every=4, callbacks=entries)
    run = tmp_path / "run"
    train(config, work_dir=run, progress=False)
    (run / "iter_000004.pth").replace(run / "latest.pth")  # as if the process had died after this iteration
    assert checkpoints.load(run / "latest.pth")["callbacks"] == {
        "test_counter": {"count": 4},
        "test_counter 2": {"count": 40},
    }
    # one of them is left out, and one is new
    other = engine_toy.make_config(data, iterations=6, callbacks=[{"name": "test_counter", "limit": 5}])
    calls: list[Any] = []
    latest = train(other, work_dir=run, resume=True, progress=False, callbacks=[Recorder(calls)])
    content = checkpoints.load(latest)
    assert content["callbacks"] == {"test_counter": {"count": 5}} and content["progress"]["iteration"] == 5
    assert calls[0] == ("on_start", 4)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "test_countr"}, ["callback", "test_countr", '"test_counter"']),
        ({"name": "test_counter", "limt": 3}, ["train.callbacks.0.limt", '"train.callbacks.0.limit"']),
        ({"name": "test_counter", "limit": 0}, ["train.callbacks.0.limit", "at least 1"]),
        ({"limit": 3}, ["train.callbacks.0", "name"]),
    ],
)
def test_a_callback_that_a_config_gets_wrong(tmp_path: Path, data: Path, entry: dict[str, Any], words: list[str]):
    config = engine_toy.make_config(data, iterations=1, callbacks=[entry])
    for start in (plan, lambda config: train(config, work_dir=tmp_path / "run", progress=False)):
        with pytest.raises(ZooError) as raised:
            start(config)
        assert all(word in str(raised.value) for word in words), raised.value
    assert not (tmp_path / "run").exists()
