"""A resumed run gives the numbers of an uninterrupted one, to the last bit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.zoo import engine_toy
from zoo import checkpoints
from zoo.engine import train
from zoo.errors import ZooError

TIMES = ("seconds",)

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_toy.write_pictures(tmp_path_factory.mktemp("pictures"))


def logged(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def assert_same(one: Any, other: Any, where: str = "checkpoint") -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}.{i}")
    else:
        assert one == other, where


# 3 lies within the first epoch of five iterations (and between two steps at accumulate=2), 5 between two epochs
@pytest.mark.parametrize("stop", [3, 5, 8])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ema": 0.9, "accumulate": 2},
        {"precision": "bf16", "decay_epochs": 1, "epochs": 1},
        {"decay_epochs": 3, "epochs": 2},
    ],
)
def test_resumed_equals_uninterrupted(tmp_path: Path, data: Path, stop: int, settings: dict[str, Any]):
    config = engine_toy.make_config(data, iterations=9, checkpoint_every=stop, **settings)
    whole = train(config, work_dir=tmp_path / "whole", progress=False)
    parts = tmp_path / "parts"
    train(config, work_dir=parts, progress=False)
    (parts / f"iter_{stop:06d}.pth").replace(parts / "latest.pth")  # as if the process had died after this iteration
    resumed = train(config, work_dir=parts, resume=True, progress=False)
    one, other = checkpoints.load(whole), checkpoints.load(resumed)
    assert one["progress"]["iteration"] == other["progress"]["iteration"] == 9
    assert_same({**one, "config": None}, {**other, "config": None})
    assert (one["ema"] is not None) == ("ema" in settings)
    assert len(logged(parts)) == 9
    assert logged(tmp_path / "whole") == logged(parts)


# before, at and after the restart at 6 of 9 iterations, and at the end of the first epoch of five
@pytest.mark.parametrize("stop", [3, 5, 6, 7])
def test_resumed_equals_uninterrupted_around_a_restart(tmp_path: Path, data: Path, stop: int):
    settings = {"ema": 0.9, "epochs": 1, "decay_epochs": 2}
    config = engine_toy.make_config(
        data, "engine_restarted", settings={"at": 0.6}, iterations=9, checkpoint_every=stop, **settings
    )
    whole = train(config, work_dir=tmp_path / "whole", progress=False)
    parts = tmp_path / "parts"
    train(config, work_dir=parts, progress=False)
    (parts / f"iter_{stop:06d}.pth").replace(parts / "latest.pth")
    resumed = train(config, work_dir=parts, resume=True, progress=False)
    one, other = checkpoints.load(whole), checkpoints.load(resumed)
    assert one["progress"]["averages_restarted"] == {"generator.last": 6}
    assert_same(one, other)
    assert logged(tmp_path / "whole") == logged(parts)


def test_resuming_drops_log_lines_of_iterations_that_are_trained_again(tmp_path: Path, data: Path):
    run = tmp_path / "run"
    train(engine_toy.make_config(data, iterations=4, checkpoint_every=2), work_dir=run, progress=False)
    (run / "iter_000002.pth").replace(run / "latest.pth")  # as if the process had died after iteration 4
    with (run / "log.jsonl").open("a") as log:
        log.write('{"iteration": 5, "epo')  # in the middle of a line
    train(engine_toy.make_config(data, iterations=6), work_dir=run, resume=True, progress=False)
    assert [record["iteration"] for record in logged(run)] == [1, 2, 3, 4, 5, 6]


def test_the_clock_of_the_log_goes_on(tmp_path: Path, data: Path):
    run = tmp_path / "run"
    train(engine_toy.make_config(data, iterations=3, checkpoint_every=2), work_dir=run, progress=False)
    # as if iteration 2 had come after 1000 seconds, and the process had died after iteration 3
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert 0 <= records[0]["seconds"] <= records[1]["seconds"] < 100
    slow = [record | {"seconds": 500.0 * record["iteration"]} for record in records]
    (run / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in slow))
    (run / "iter_000002.pth").replace(run / "latest.pth")
    train(engine_toy.make_config(data, iterations=4), work_dir=run, resume=True, progress=False)
    seconds = [json.loads(line)["seconds"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert seconds[:2] == [500.0, 1000.0] and 1000 < seconds[2] <= seconds[3] < 1100


def test_a_finished_run_resumes_to_itself(tmp_path: Path, data: Path):
    config = engine_toy.make_config(data, iterations=2)
    before = checkpoints.load(train(config, work_dir=tmp_path / "run", progress=False))
    after = checkpoints.load(train(config, work_dir=tmp_path / "run", resume=True, progress=False))
    assert_same(before, after)


def test_grids_do_not_disturb_training(tmp_path: Path, data: Path):
    few = train(engine_toy.make_config(data, iterations=4), work_dir=tmp_path / "few", progress=False)
    many = train(engine_toy.make_config(data, iterations=4, sample_every=1), work_dir=tmp_path / "many", progress=False)
    assert_same(checkpoints.load(few)["method"], checkpoints.load(many)["method"])


def test_another_seed_gives_other_weights(tmp_path: Path, data: Path):
    runs = [
        checkpoints.load(
            train(engine_toy.make_config(data, iterations=1, seed=s), work_dir=tmp_path / str(s), progress=False)
        )
        for s in (0, 1)
    ]
    assert not torch.equal(*(run["method"]["generator.last.weight"] for run in runs))


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"seed": 5}, "train.seed"), ({"ema": 0.5}, "train.ema"), ({"batch_size": 1, "seed": 5}, "train.batch_size")],
)
def test_resuming_with_another_config_names_the_first_difference(tmp_path: Path, data: Path, changes: Any, key: str):
    run = tmp_path / "run"
    train(engine_toy.make_config(data, iterations=1), work_dir=run, progress=False)
    with pytest.raises(ZooError, match=f"{key} = .*--work-dir"):
        train(engine_toy.make_config(data, **{"iterations": 2, **changes}), work_dir=run, resume=True, progress=False)


def test_what_only_watches_a_run_may_differ(tmp_path: Path, data: Path):
    run = tmp_path / "run"
    train(engine_toy.make_config(data, iterations=1), work_dir=run, progress=False)
    config = engine_toy.make_config(data, iterations=2, log_every=2, keep=1, checkpoint_every=1, sample_every=2)
    train(config, work_dir=run, resume=True, progress=False)
    assert checkpoints.load(run / "latest.pth")["progress"]["iteration"] == 2


def test_resuming_on_other_data_is_refused(tmp_path: Path, data: Path):
    run = tmp_path / "run"
    train(engine_toy.make_config(data, iterations=1), work_dir=run, progress=False)
    fewer = engine_toy.write_pictures(tmp_path / "fewer", train=6)
    with pytest.raises(ZooError, match=r"10 pictures.* 6 "):
        train(engine_toy.make_config(fewer, iterations=2), work_dir=run, resume=True, progress=False)


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path, data: Path):
    config = engine_toy.make_config(data, iterations=1)
    latest = train(config, work_dir=tmp_path / "run", progress=False)
    before = latest.read_bytes()
    with pytest.raises(ZooError, match="already holds a run; add --resume"):
        train(config, work_dir=tmp_path / "run", progress=False)
    assert latest.read_bytes() == before


def test_nothing_to_resume(tmp_path: Path, data: Path):
    with pytest.raises(ZooError, match=r"latest\.pth.*--resume"):
        train(engine_toy.make_config(data, iterations=1), work_dir=tmp_path / "run", resume=True, progress=False)
