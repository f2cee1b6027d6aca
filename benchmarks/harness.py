"""The harness: trains what is missing, judges it, and has the tables written. No cell's failure stops another one."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import report, results
from benchmarks.given import digest, find
from benchmarks.grid import Cell, Choices, lay_out
from benchmarks.results import Result
from benchmarks.tables import TABLES, read
from zoo import checkpoints, factory
from zoo.engine import RunInterruptedError, train
from zoo.engine.distribution import device_of
from zoo.engine.folder import RunFolder, write_text
from zoo.engine.record import device_name
from zoo.errors import ZooError
from zoo.metrics import evaluate
from zoo.metrics.networks import RANDOM_FEATURES
from zoo.metrics.protocols import Networks
from zoo.plugins import load_plugins
from zoo.registry import METRICS

log = logging.getLogger(__name__)

RANDOM_PROFILE = "smoke"
"""The only profile whose numbers may come from random feature networks."""


@dataclass
class Outcome:
    """What became of a cell: its results by metric, and why some are missing."""

    results: dict[str, Result] = field(default_factory=dict)
    failure: str = ""


def run(
    tables: Sequence[str],
    *,
    profile: str,
    data_root: Path | None = None,
    out: Path,
    seed: int | None = None,
    sets: Sequence[str] = (),
    given: Sequence[Path] = (),
    plugins: Sequence[Path] = (),
    source: Path = TABLES,
    progress: bool = True,
) -> int:
    """Fill the tables of these names (``["all"]`` for every one) and return how many of their cells failed.

    Finished cells below ``out/cells`` are reused, unfinished ones resumed, failed ones tried again. Writes
    ``out/report.md`` and ``out/table<name>.csv`` and prints the tables; ``progress`` tells on standard error what goes
    on. data_root: the folder of the datasets, or of the one dataset that is asked for; without it a profile with
    ``data.standin`` draws stand-ins below ``out/data``, another one reads ``data/<name>``. sets: further settings
    (``"train.iterations=5"``) of all runs. given: checkpoints, or folders of them, that take the place of training in
    the rows that they fit. source: the tables file.

    Raises ZooError for choices that make no sense at all, and RunInterruptedError after Ctrl-C, when all is saved.
    """
    load_plugins(plugins)
    bench = read(source)
    chosen, evaluation = bench.choose(tables), bench.evaluation(profile)
    grid = lay_out(chosen, Choices(profile, out, data_root, seed, sets), find(given))
    outcomes = {}
    for number, (key, cell) in enumerate(grid.cells.items(), 1):
        tell = _teller(f"[{number}/{len(grid.cells)}] {cell.title} ({key})", progress)
        outcomes[key] = _attempt(cell, evaluation.samples, tell, progress)
    written = report.build(chosen, grid, outcomes, profile)
    written.save(out)
    written.show()
    return sum(bool(outcome.failure) for outcome in outcomes.values()) + len(grid.failures)


Tell = Callable[[str], None]


def _attempt(cell: Cell, samples: int, tell: Tell, progress: bool) -> Outcome:
    """Train and judge one cell as far as that is still to be done."""
    outcome = Outcome()
    try:
        stored = results.read(cell.results)
        outcome.results = {r.metric: r for r in stored if _usable(r, cell, samples)}
        missing = [metric for metric in cell.metrics if metric not in outcome.results]
        if not missing:
            tell("finished before")
            return outcome
        if cell.config.profile != RANDOM_PROFILE:
            _require_features(missing)
        if cell.given is None:
            _train(cell, tell, progress)
        new = _judge(cell, missing, samples, tell)
        results.write(cell.results, [*(r for r in stored if r.metric not in new), *new.values()])
        outcome.results |= new
    except RunInterruptedError as error:
        raise RunInterruptedError(f"{str(error).split(', continue')[0]}; the same bench command continues.") from error
    except ZooError as error:
        outcome.failure = str(error)
    except Exception as error:  # whatever a plugin does wrong, the other cells go on
        cell.folder.mkdir(parents=True, exist_ok=True)
        trace = cell.folder / "error.txt"
        write_text(trace, traceback.format_exc())
        text = " ".join(str(error).split())[:300]
        outcome.failure = f"{type(error).__name__}: {text} (traceback in {trace})"
    if outcome.failure:
        tell(f"failed: {outcome.failure}")
    return outcome


def _require_features(metrics: Sequence[str]) -> None:
    """Raises ZooError for a feature network without weights: before days of training, not after."""
    networks = Networks()
    log.debug("feature networks: %s", [METRICS.get(metric)(networks).network for metric in metrics])


def _train(cell: Cell, tell: Tell, progress: bool) -> None:
    """Bring the run of a cell to its end, from its last checkpoint where it has one."""
    folder = RunFolder(cell.folder)
    resume = folder.latest.is_file()
    if resume and folder.record.is_file():
        planned = json.loads(folder.record.read_text())["iterations"]
        if checkpoints.load(folder.latest)["progress"]["iteration"] >= planned:
            return
    tell("resuming" if resume else "training")
    train(cell.config, work_dir=cell.folder, resume=resume, progress=progress)


def _judge(cell: Cell, metrics: Sequence[str], samples: int, tell: Tell) -> dict[str, Result]:
    config, begun = cell.config, time.monotonic()
    tell("evaluating")
    device = device_of(config.train.device)
    found = evaluate(
        factory.load(cell.checkpoint, device=device),
        factory.dataset(config, "test"),
        metrics=metrics,
        samples=samples,
        seed=config.train.seed,
        device=device,
        allow_random=config.profile == RANDOM_PROFILE,
        progress=_seldom(tell),
    )
    shared: dict[str, Any] = {
        "data": cell.data,
        "method": config.method["name"],
        "settings": {key: value for key, value in config.to_dict()["method"].items() if key != "name"},
        "training": _training(cell),
        "seed": config.train.seed,
        "profile": config.profile,
        "config": config.hash(),
        "checkpoint": digest(cell.checkpoint)[:12],
        "device": device_name(device),
        "versions": results.package_versions(),
        "seconds": round(time.monotonic() - begun, 3),
    }
    return {
        name: Result(name, r.value, r.better, r.protocol, warnings=results.warnings_of(r), **shared)
        for name, r in found.items()
    }


def _training(cell: Cell) -> dict[str, Any]:
    """Iterations, perceptual trunk and more of the run's record; "unknown" where a given checkpoint has none."""
    facts: dict[str, Any] = {"iterations": "unknown", "trunk": "unknown"}
    record = cell.checkpoint.with_name("record.json")
    if record.is_file():
        content = json.loads(record.read_text())
        keys = ("iterations", "trunk", "seed", "pictures_per_update", "precision", "device", "seconds")
        facts |= {key: content[key] for key in keys if key in content}
    if cell.given is not None:
        facts |= {"given": str(cell.given.path), "seed": cell.given.config.train.seed}
        facts["iterations"] = "unknown" if cell.given.iteration is None else cell.given.iteration
    return facts


def _usable(result: Result, cell: Cell, samples: int) -> bool:
    """Whether a stored number answers the present question; random features only for want of trained ones."""
    metric = METRICS.get(result.metric)
    if metric.codes == "random" and result.protocol["samples"] != samples:
        return False
    if result.protocol["network"] != RANDOM_FEATURES:
        return True
    return bool(metric(Networks(allow_random=True)).network == RANDOM_FEATURES)


def _teller(title: str, progress: bool) -> Tell:
    def tell(text: str) -> None:
        if progress:
            print(f"{title}: {text}", file=sys.stderr, flush=True)

    return tell


def _seldom(tell: Tell, seconds: float = 15.0) -> Callable[[int, int], None]:
    """Progress of an evaluation, in a line every ``seconds`` at most."""
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            tell(f"evaluated {done} of {total} pictures")

    return progress
