"""Two processes on gloo, as torchrun and Slurm start them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.zoo import engine_toy
from zoo import checkpoints
from zoo.distributed import launcher, rank, unwrap_ddp, unwrapped, world_size
from zoo.engine import train

REPOSITORY = Path(__file__).resolve().parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def prepare(folder: Path, method: str = "engine_toy", **settings: Any) -> tuple[Path, Path, dict[str, str]]:
    """Pictures, the file of a config for them, and the environment of a process that trains it."""
    root = folder / "data"
    if not root.exists():
        engine_toy.write_pictures(root)
    path = folder / f"{method}.json"
    path.write_text(json.dumps(engine_toy.make_config(root, method, **settings).to_dict()))
    env = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return root, path, env


def torchrun(path: Path, run: Path, env: dict[str, str], *options: str) -> None:
    command = [*TORCHRUN, f"--master-port={free_port()}", "-m", "tests.zoo.engine_toy", path, run, *options]
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def slurm(path: Path, run: Path, env: dict[str, str], *options: str) -> None:
    """The variables that srun sets for two tasks; it is not installed where the tests run."""
    env = env | {"SLURM_NTASKS": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    command = [sys.executable, "-m", "tests.zoo.engine_toy", path, run, *options]
    tasks = [
        subprocess.Popen(command, cwd=REPOSITORY, env=env | {"SLURM_PROCID": i, "SLURM_LOCALID": i}) for i in ("0", "1")
    ]
    assert [task.wait(timeout=120) for task in tasks] == [0, 0]


@pytest.mark.slow
def test_two_ranks_train_one_run(tmp_path: Path):
    measured = {"every": 3, "metrics": ["engine_error", "engine_spread_3"]}
    _, path, env = prepare(tmp_path, iterations=3, ema=0.5, evaluate=measured)
    run = tmp_path / "run"
    torchrun(path, run, env)
    # one set of files
    assert sorted(p.name for p in run.glob("*.pth")) == ["iter_000003.pth", "latest.pth"]
    assert len(list((run / "logs").rglob("events.out.tfevents.*"))) == 1
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [1, 2, 3, 3]
    assert lines[-1]["metrics"].keys() == {"engine_error", "engine_spread_3"}
    assert json.loads((run / "record.json").read_text())["ranks"] == 2
    # equal weights on both ranks, which each of them wrote down, and keys as from one process
    ranks = [torch.load(f"{run}.rank{i}.pth", weights_only=True) for i in (0, 1)]
    assert all(torch.equal(ranks[0][key], ranks[1][key]) for key in ranks[0])
    content = checkpoints.load(run / "latest.pth")["method"]
    assert all(torch.equal(ranks[0][key], content[key]) for key in ranks[0])
    assert not any("module" in key for key in content)

    # continuing, now under Slurm, gives what all iterations at once give
    _, path, env = prepare(tmp_path, iterations=5, ema=0.5)
    slurm(path, run, env, "--resume")
    torchrun(path, tmp_path / "whole", env)
    one, other = (checkpoints.load(folder / "latest.pth") for folder in (run, tmp_path / "whole"))
    assert one["progress"]["iteration"] == other["progress"]["iteration"] == 5
    for part in ("method", "ema"):
        assert one[part].keys() == other[part].keys()
        assert all(torch.equal(one[part][k], other[part][k]) for k in one[part] if "running" not in k and k[0] != "_")


@pytest.mark.slow
def test_a_method_that_forgets_to_freeze_trains_the_same_weights_on_two_ranks(tmp_path: Path):
    runs = []
    for name in ("engine_toy", "engine_forgetful"):
        _, path, env = prepare(tmp_path, name, iterations=3, accumulate=2)
        torchrun(path, tmp_path / name, env)
        runs.append(checkpoints.load(tmp_path / name / "latest.pth")["method"])
    assert all(torch.equal(runs[0][key], runs[1][key]) for key in runs[0] if key != "_extra_state")


@pytest.mark.slow
def test_two_ranks_equal_one_process_with_their_batches_together(tmp_path: Path):
    root, path, env = prepare(tmp_path, "engine_line", iterations=2)
    torchrun(path, tmp_path / "two", env)
    single = engine_toy.make_config(root, "engine_line", iterations=2, batch_size=4)
    one = checkpoints.load(train(single, work_dir=tmp_path / "one", progress=False))
    two = checkpoints.load(tmp_path / "two" / "latest.pth")
    torch.testing.assert_close(one["method"], two["method"], rtol=1e-5, atol=1e-8)
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two")]
    losses = [[json.loads(line)["losses"]["loss"] for line in log] for log in logs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, ("none", 0, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, ("pytorch", 1, 2)),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}, ("slurm", 3, 4)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, ("none", 0, 1)),
        ({"RANK": "0", "WORLD_SIZE": "2", "SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, ("pytorch", 0, 2)),
    ],
)
def test_the_launcher_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, env: Any, expected: Any):
    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert (launcher(), rank(), world_size()) == expected


def test_a_module_of_one_process_is_bare_already():
    method = engine_toy.Toy(classes=4, size=(8, 8))
    assert unwrap_ddp(method) is method
    with unwrapped(method) as same:
        assert same.generator is method.generator
