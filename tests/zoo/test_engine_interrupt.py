"""Ctrl-C and SIGTERM, sent to a real process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.zoo import engine_toy
from zoo import checkpoints
from zoo.engine import train

PROGRAM = [sys.executable, "-m", "tests.zoo.engine_toy"]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("number", "word"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_saves_the_run_and_says_how_to_go_on(tmp_path: Path, number: int, word: str):
    root = engine_toy.write_pictures(tmp_path / "data")
    # with reading processes, and the signal sent to all, as a terminal and Slurm do
    config = engine_toy.make_config(root, iterations=100_000, workers=2)
    path, run = tmp_path / "config.json", tmp_path / "run"
    path.write_text(json.dumps(config.to_dict()))
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(
        [*PROGRAM, path, run], cwd=REPOSITORY, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while not (run / "log.jsonl").exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    last = err.strip().splitlines()[-1]
    saved = checkpoints.load(run / "latest.pth")["progress"]["iteration"]
    assert last.startswith(f"interrupted: Stopped by {word} after iteration {saved} of 100000;")
    assert str(run / "latest.pth") in last and "--resume" in last
    logged = [json.loads(line)["iteration"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert logged == list(range(1, saved + 1))

    # going on from there gives what an uninterrupted run gives
    end = saved + 3
    resumed = train(engine_toy.make_config(root, iterations=end, workers=2), work_dir=run, resume=True, progress=False)
    whole = train(engine_toy.make_config(root, iterations=end), work_dir=tmp_path / "whole", progress=False)
    one, other = checkpoints.load(resumed)["method"], checkpoints.load(whole)["method"]
    assert all(torch.equal(one[key], other[key]) for key in one if key != "_extra_state")


def test_signals_act_as_ever_after_a_run(tmp_path: Path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    root = engine_toy.write_pictures(tmp_path / "data")
    train(engine_toy.make_config(root, iterations=1), work_dir=tmp_path / "run", progress=False)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
