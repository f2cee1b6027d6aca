"""What is left to evaluate of a cell, and its evaluation: results, the numbers of every picture, and a showcase."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from zoo import checkpoints, factory
from zoo.config import is_toy
from zoo.environment import device_name, device_of
from zoo.metrics import MethodSource, Networks, PictureSource, evaluate, parse_metric, results
from zoo.metrics.networks import RANDOM_FEATURES
from zoo.metrics.results import Result, training_facts
from zoo_bench.grid import DATA, Cell
from zoo_bench.redraw import RedrawnSource
from zoo_bench.showcase import Showcase


def usable(cell: Cell, networks: Networks) -> dict[str, Result]:
    """The stored results that answer for the metrics of a cell, by metric.

    Those from random features answer only where ``networks`` has no trained ones either.
    """
    found = {result.metric: result for result in results.read(cell.results) if result.metric in cell.metrics}
    return {name: result for name, result in found.items() if not _outdated(result, networks)}


def _outdated(result: Result, networks: Networks) -> bool:
    random = result.protocol.get("network") == RANDOM_FEATURES
    return random and parse_metric(result.metric).cls(networks).network != RANDOM_FEATURES


def missing(cell: Cell, networks: Networks) -> list[str]:
    """The metrics of a cell that are still to be evaluated, where ``networks`` could be used for that."""
    have = usable(cell, networks)
    return [metric for metric in cell.metrics if metric not in have]


def require_features(cell: Cell, metrics: Sequence[str]) -> None:
    """Raises ZooError for a feature network without weights: before days of training, not after."""
    networks = Networks(allow_random=is_toy(cell.config.profile))
    for metric in metrics:
        _ = parse_metric(metric).cls(networks).network


def judge(cell: Cell, metrics: Sequence[str], progress: Callable[[int, int], None]) -> None:
    """Evaluate ``metrics`` and add them to what the folder of the cell holds.

    ``results.jsonl`` is written last, so a number that is there has its pictures beside it. ``progress`` is called with
    (pictures done, pictures in all).
    """
    begun = time.monotonic()
    source, dataset = _source(cell), factory.dataset(cell.config, "test")
    asked = [metric for metric in metrics if parse_metric(metric).cls.codes in source.codes]
    shared = _shared(cell, source)
    found: dict[str, Result] = {}
    if asked:
        evaluation = evaluate(
            source,
            dataset,
            metrics=asked,
            allow_random=is_toy(cell.config.profile),
            statistics=cell.folder.parent.parent / "statistics",
            progress=progress,
        )
        pictures = _merge(cell.folder / "pictures.parquet", asked, evaluation.pictures)
        Showcase.collect(source, dataset, pictures).save(cell.folder / "showcase.npz")
        seconds = round(time.monotonic() - begun, 3)
        for name, r in evaluation.results.items():
            found[name] = Result(name, r.value, r.better, r.protocol, warnings=r.warnings, seconds=seconds, **shared)
    for name in metrics:
        if name not in asked:
            metric, lack = parse_metric(name).cls, f"{source.name} {_LACKS[parse_metric(name).cls.codes]}"
            found[name] = Result(name, None, metric.better, {}, warnings=(lack,), seconds=0.0, **shared)
    stored = [result for result in results.read(cell.results) if result.metric not in found]
    results.write(cell.results, [*stored, *found.values()])


_LACKS = {"random": "has no codes to draw", "encoded": "has no encoder"}


def _source(cell: Cell) -> PictureSource:
    device = device_of(cell.config.train.device)
    if cell.method == DATA:
        return RedrawnSource(cell.config, seed=cell.seed, device=device)
    method = factory.load(cell.checkpoint, device=device)
    return MethodSource(method, seed=cell.seed)


def _shared(cell: Cell, source: PictureSource) -> dict[str, Any]:
    """What all results of one evaluation say alike."""
    config, drawn = cell.config, cell.method == DATA
    return {
        "data": cell.data,
        "method": cell.method,
        "settings": {} if drawn else {k: v for k, v in config.to_dict()["method"].items() if k != "name"},
        "training": {} if drawn else _training(cell),
        "seed": cell.seed,
        "profile": config.profile,
        "config": config.hash(),
        "checkpoint": "" if drawn else checkpoints.digest(cell.checkpoint)[:12],
        "device": device_name(source.device),
        "versions": results.package_versions(),
    }


def _training(cell: Cell) -> dict[str, Any]:
    """What the run of the checkpoint says of itself, or the file of a given one."""
    facts = training_facts(cell.checkpoint)
    if cell.given is not None:
        facts |= {"given": str(cell.given.path), "seed": cell.given.config.train.seed}
        facts["iterations"] = "unknown" if cell.given.iteration is None else cell.given.iteration
    return facts


def _merge(path: Path, metrics: Sequence[str], new: pd.DataFrame) -> pd.DataFrame:
    """Write the numbers of every picture for ``metrics``, beside those of other metrics that the file holds."""
    if path.is_file():
        before = pd.read_parquet(path)
        new = pd.concat([before[~before["metric"].isin(metrics)], new], ignore_index=True)
    results.write_pictures(path, new)
    return new
