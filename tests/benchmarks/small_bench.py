"""Benches of a few quick cells, run in this process or as a command in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

PLUGIN = Path(__file__).with_name("fragile.py")
SETS = (
    "train.iterations=2",
    "train.batch_size=2",
    "train.checkpoint_every=1",
    "train.keep=2",
    "train.log_every=1",
    "train.sample_every=1000",
    "data.size=[32, 32]",
    "data.standin={train: 2, test: 2, seed: 0}",
)
METRICS = ("diversity_lpips_alex_3", "top1_lpips_alex_3_l1")
TABLE = """
title: fragile runs
dataset: deepfashion
toy_samples: 3
metrics: ["diversity_lpips_alex_{samples}", "top1_lpips_alex_{samples}_l1"]
rows:
"""


def tables(path: Path, *rows: str) -> Path:
    """A folder with the table "1" of fragile runs; rows are given as settings, and called "row" and their number."""
    lines = [f"  - {{label: row{n}, method: fragile, settings: {{{row}}}}}" for n, row in enumerate(rows)]
    path.mkdir(parents=True, exist_ok=True)
    (path / "1.yaml").write_text(TABLE + "\n".join(lines) + "\n")
    return path


def results(folder: Path) -> dict[str, float]:
    """The numbers of a cell, by metric."""
    lines = (folder / "results.jsonl").read_text().splitlines()
    return {entry["metric"]: entry["value"] for entry in map(json.loads, lines)}


def all_results(out: Path) -> dict[str, dict[str, float]]:
    """The numbers of a bench, by cell and metric."""
    return {path.parent.name: results(path.parent) for path in sorted(out.glob("cells/*/results.jsonl"))}


def pictures(folder: Path) -> pd.DataFrame:
    frame = pd.read_parquet(folder / "pictures.parquet")
    return frame.sort_values(["metric", "index"]).reset_index(drop=True)


PROGRAM = """
import sys, zoo_bench.tables as tables
from pathlib import Path
tables.TABLES = Path(sys.argv.pop(1))
tables.available = lambda files: tables.read(tables.TABLES, check=False)
from zoo import cli
cli.main()
"""


def start(source: Path, *words: object, cwd: Path) -> subprocess.Popen[str]:
    """``zoo bench WORDS`` over the tables of ``source``, in a process of its own, without weights or network."""
    empty = str(cwd / "no_weights")
    environment = os.environ | {"ZOO_WEIGHTS": empty, "TORCH_HOME": empty, "ZOO_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(source), "bench", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True)


def until(condition: Callable[[], object], seconds: float = 300.0) -> None:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def logged(folder: Path) -> list[dict[str, float]]:
    """The whole lines of a training log."""
    path = folder / "log.jsonl"
    text = path.read_text() if path.is_file() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]
