"""A run from config to checkpoint: its numbers, its files, and how it ends when something is wrong."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import zoo
from tests.zoo import engine_toy
from zoo import checkpoints, factory
from zoo.codes import Codes
from zoo.data import EpochSampler
from zoo.engine import plan, train
from zoo.errors import ZooError
from zoo.interfaces import Batch
from zoo.registries import METHODS

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_toy.write_pictures(tmp_path_factory.mktemp("pictures"))


@METHODS.register("engine_cusp")
class Cusp(engine_toy.Line):
    """The norm of a table that starts at zero: a loss of 0 with a gradient of 0 / 0."""

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        loss = self.generator(batch.label, Codes({}, {}, len(batch))).square().sum().sqrt()
        optimizers["generator"].update_params(loss)
        return {"loss": loss.detach()}


@METHODS.register("engine_multiplier")
class Multiplier(engine_toy.Line):
    """Says by the kind of a product in which precision its steps run."""

    found: ClassVar[list[torch.dtype]] = []

    def begin_epoch(self, epoch: int, pictures: Iterable[Batch], optimizers: Mapping[str, Any]) -> None:
        self.found.append((torch.ones(2, 2) @ torch.ones(2, 2)).dtype)

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        self.found.append((torch.ones(2, 2) @ torch.ones(2, 2)).dtype)
        return super().train_step(batch, optimizers)


def table(path: Path) -> torch.Tensor:
    weights: torch.Tensor = checkpoints.load(path)["method"]["generator.table"]
    return weights


def test_least_squares_against_adam_in_numpy(tmp_path: Path, data: Path):
    """Three iterations of engine_line, with gradient and Adam written out in float64."""
    rates = {"generator": {"lr": 0.1, "betas": [0.5, 0.9]}}
    config = engine_toy.make_config(data, "engine_line", iterations=3, optimizers=rates)
    dataset = factory.dataset(config, "train")
    keys = list(EpochSampler(dataset, seed=0, batch_size=2).batches(0))
    w, m, v = np.zeros((4, 3)), np.zeros((4, 3)), np.zeros((4, 3))
    losses = []
    for step in (1, 2, 3):
        items = [dataset[key] for key in keys[step - 1]]
        image = np.stack([item["image"].permute(1, 2, 0).double().numpy() for item in items])
        label = np.stack([item["label"].numpy() for item in items])
        error = w[label] - image
        losses.append((error**2).mean())
        gradient = np.stack([error[label == c].sum(0) for c in range(4)]) * 2 / error.size
        m, v = 0.5 * m + 0.5 * gradient, 0.9 * v + 0.1 * gradient**2
        w = w - 0.1 * (m / (1 - 0.5**step)) / (np.sqrt(v / (1 - 0.9**step)) + 1e-8)
    latest = train(config, work_dir=tmp_path / "run", progress=False)
    assert table(latest).double().numpy() == pytest.approx(w, abs=1e-5)
    logged = [json.loads(line)["losses"]["loss"] for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert logged == pytest.approx(losses, rel=1e-5)


def test_accumulating_two_batches_equals_one_of_twice_the_size(tmp_path: Path, data: Path):
    small = engine_toy.make_config(data, "engine_line", iterations=4, accumulate=2)
    large = engine_toy.make_config(data, "engine_line", iterations=2, batch_size=4)
    one = table(train(small, work_dir=tmp_path / "small", progress=False))
    other = table(train(large, work_dir=tmp_path / "large", progress=False))
    assert one.abs().min() > 0
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


def test_log_means_over_the_iterations_between_records(tmp_path: Path, data: Path):
    losses = {}
    for every in (1, 2):
        run = tmp_path / str(every)
        train(engine_toy.make_config(data, "engine_line", iterations=5, log_every=every), work_dir=run, progress=False)
        records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        losses[every] = {record["iteration"]: record["losses"]["loss"] for record in records}
    single = losses[1]
    expected = {2: (single[1] + single[2]) / 2, 4: (single[3] + single[4]) / 2, 5: single[5]}
    assert losses[2] == pytest.approx(expected, rel=1e-5)


def test_average_of_the_weights_against_its_formula(tmp_path: Path, data: Path):
    config = engine_toy.make_config(data, iterations=6, ema=0.3, accumulate=2, checkpoint_every=1, keep=10)
    latest = train(config, work_dir=tmp_path / "run", progress=False)
    first = checkpoints.load(tmp_path / "run" / "iter_000001.pth")
    key = "generator.last.weight"
    average = first["method"][key].double()  # accumulate=2: no step yet
    assert torch.equal(first["ema"][key], first["method"][key])
    for update, iteration in enumerate((2, 4, 6), start=1):
        decay = min(0.3, (1 + update) / (10 + update))
        weight = checkpoints.load(tmp_path / "run" / f"iter_{iteration:06d}.pth")["method"][key].double()
        average = decay * average + (1 - decay) * weight
    content = checkpoints.load(latest)
    torch.testing.assert_close(content["ema"][key].double(), average, rtol=1e-5, atol=1e-7)
    assert {name.split(".")[0] for name in content["ema"]} == {"generator", "encoder"}
    buffer = "generator.body.1.running_mean"
    assert torch.equal(content["ema"][buffer], content["method"][buffer])
    assert torch.equal(zoo.load(latest).state_dict()[key], content["ema"][key])
    assert torch.equal(zoo.load(latest, ema=False).state_dict()[key], content["method"][key])


def test_files_of_a_run(tmp_path: Path, data: Path):
    config = engine_toy.make_config(data, iterations=5, checkpoint_every=1, keep=2, sample_every=2)
    run = tmp_path / "run"
    assert train(config, work_dir=run, progress=False) == run / "latest.pth"
    names = {path.name for path in run.iterdir()}
    assert names == {
        *("config.yaml", "latest.pth", "iter_000004.pth", "iter_000005.pth"),
        *("log.jsonl", "record.json", "samples", "logs"),
    }
    assert yaml.safe_load((run / "config.yaml").read_text()) == config.to_dict()
    assert {path.name for path in (run / "samples").iterdir()} == {f"iter_{i:06d}.png" for i in (2, 4, 5)}
    # three test pictures of 8 x 8; mask, picture, reconstruction and four draws
    assert Image.open(run / "samples" / "iter_000005.png").size == (7 * 10 + 2, 3 * 10 + 2)
    assert len(list((run / "logs").rglob("events.out.tfevents.*"))) == 1
    record = json.loads((run / "record.json").read_text())
    assert record["data"]["train"] == 10 and record["data"]["test"] == 3
    assert record["iterations"] == record["trained"] == 5
    assert record["versions"]["torch"] == torch.__version__
    assert record["vgg"] is None and record["seconds"] > 0
    assert checkpoints.load(run / "latest.pth")["config"] == config.to_dict()


def test_progress_goes_to_standard_error(tmp_path: Path, data: Path, capfd: pytest.CaptureFixture[str]):
    train(engine_toy.make_config(data, iterations=2), work_dir=tmp_path / "run")
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.strip().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["iteration 1/2", "iteration 2/2"]
    assert all(name in lines[0] for name in ("gan", "pixel", "judged", "left"))


def test_the_console_and_the_log_count_alike(tmp_path: Path, data: Path, capfd: pytest.CaptureFixture[str]):
    train(engine_toy.make_config(data, iterations=6, log_every=5), work_dir=tmp_path / "run")
    shown = [line.split("  ")[:2] for line in capfd.readouterr().err.strip().splitlines()]
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [[f"iteration {r['iteration']}/6", f"epoch {r['epoch']}"] for r in records] == shown
    # five iterations are an epoch
    assert [(r["iteration"], r["epoch"]) for r in records] == [(5, 1), (6, 2)]


def test_the_plan_of_a_run(data: Path):
    planned = plan(engine_toy.make_config(data, epochs=3, decay_epochs=1, accumulate=2))
    assert planned["iterations"] == 20 and planned["iterations_per_epoch"] == 5
    assert planned["pictures_per_update"] == 4
    # generator: conv 3*3*(4+3)*6+6, batch norm 12, conv 6*3+3; encoder: 3*3*3*6+6; discriminator: 27+1
    assert planned["parameters"] == {"generator": 384 + 12 + 21, "encoder": 168, "discriminator": 28}
    where = {"root": str(data), "procedural": False}
    assert planned["data"] == {"name": "folder", "classes": 4, "size": [8, 8], "train": 10, **where}
    assert planned["optimizers"]["discriminator"]["lr"] == 4e-4
    json.dumps(planned)


@pytest.mark.parametrize("settings", [{"precision": "bf16"}, {"channels_last": True}, {"deterministic": True}])
def test_settings_of_speed_stay_close_to_the_plain_run(tmp_path: Path, data: Path, settings: dict[str, Any]):
    losses = []
    for name, chosen in (("plain", {}), ("other", settings)):
        config = engine_toy.make_config(data, iterations=3, **chosen)
        train(config, work_dir=tmp_path / name, progress=False)
        losses.append(json.loads((tmp_path / name / "log.jsonl").read_text().splitlines()[-1])["losses"]["pixel"])
    torch.use_deterministic_algorithms(False)
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


@pytest.mark.parametrize(("precision", "kind"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_epochs_are_prepared_in_the_precision_of_the_steps(tmp_path: Path, data: Path, precision: str, kind: Any):
    Multiplier.found.clear()
    config = engine_toy.make_config(data, "engine_multiplier", iterations=1, precision=precision)
    train(config, work_dir=tmp_path, progress=False)
    assert Multiplier.found == [kind, kind]


def test_worker_processes_give_the_same_numbers(tmp_path: Path, data: Path):
    runs = [
        train(engine_toy.make_config(data, iterations=6, workers=w), work_dir=tmp_path / str(w), progress=False)
        for w in (0, 2)
    ]
    one, other = (checkpoints.load(path)["method"] for path in runs)
    assert all(torch.equal(one[key], other[key]) for key in one if key != "_extra_state")


def test_nan_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path: Path, data: Path):
    config = engine_toy.make_config(data, iterations=8, settings={"fail_at": 5}, checkpoint_every=2, log_every=3)
    run = tmp_path / "run"
    with pytest.raises(ZooError, match=r"iteration 6 .*pixel = nan.*latest\.pth"):
        train(config, work_dir=run, progress=False)
    content = checkpoints.load(run / "latest.pth")
    assert content["progress"]["iteration"] == 4
    assert all(value.isfinite().all() for value in content["method"].values() if isinstance(value, torch.Tensor))
    assert not (run / "iter_000006.pth").exists()


def test_nan_is_found_before_a_checkpoint_that_comes_before_the_log(tmp_path: Path, data: Path):
    config = engine_toy.make_config(data, iterations=8, settings={"fail_at": 1}, checkpoint_every=1, log_every=100)
    with pytest.raises(ZooError, match=r"iteration 1 .*no checkpoint"):
        train(config, work_dir=tmp_path / "run", progress=False)
    assert not list((tmp_path / "run").glob("*.pth"))


def test_infinite_weights_are_never_saved(tmp_path: Path, data: Path):
    """The loss of an iteration is that of the weights before it: finite, though the step has just ruined them."""
    config = engine_toy.make_config(data, "engine_cusp", iterations=1)
    with pytest.raises(ZooError, match="the weights are NaN or infinite"):
        train(config, work_dir=tmp_path / "run", progress=False)
    assert not list((tmp_path / "run").glob("*.pth"))


def test_bad_data_stops_before_the_first_step(tmp_path: Path):
    root = engine_toy.write_pictures(tmp_path / "data")
    Image.fromarray(np.full((8, 8), 200, np.uint8)).save(root / "train" / "labels" / "3.png")
    with pytest.raises(ZooError, match=r"3\.png holds the class id 200"):
        train(engine_toy.make_config(root, iterations=1), work_dir=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_an_optimiser_without_settings(tmp_path: Path, data: Path):
    config = engine_toy.make_config(data, optimizers={"generators": {"lr": 1e-4}})
    with pytest.raises(ZooError, match=r'group "generator".*did you mean "generators"'):
        train(config, work_dir=tmp_path / "run", progress=False)


def test_a_device_that_is_not_there(tmp_path: Path, data: Path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ZooError, match="torch sees no GPU"):
        train(engine_toy.make_config(data, device="cuda"), work_dir=tmp_path / "run", progress=False)


@pytest.mark.slow
def test_compiled_networks_train_to_the_same_weights(tmp_path: Path, data: Path):
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("torch.compile needs a C++ compiler")
    runs = []
    for compiled in (False, True):
        config = engine_toy.make_config(data, "engine_line", iterations=2, compile=compiled)
        runs.append(checkpoints.load(train(config, work_dir=tmp_path / str(compiled), progress=False)))
    torch.testing.assert_close(runs[0]["method"], runs[1]["method"])
