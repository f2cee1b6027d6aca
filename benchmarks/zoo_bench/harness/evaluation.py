"""The evaluation of a cell: which metrics are missing, their results, the numbers of every picture, and a showcase."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from zoo import checkpoints, factory
from zoo.config import is_toy
from zoo.environment import device_name, resolve_device
from zoo.metrics import Networks, evaluate, parse_metric, results
from zoo.metrics.networks import RANDOM_FEATURES
from zoo.metrics.results import Result
from zoo_bench.cell import Cell
from zoo_bench.showcase import Showcase

_REASONS = {"random": "has no codes to draw", "encoded": "has no encoder"}


def missing_metrics(cell: Cell, networks: Networks) -> list[str]:
    """The metrics of a cell that are still to be evaluated.

    Results from random features count as missing once ``networks`` finds the trained weights.
    """
    stored = {result.metric: result for result in results.read(cell.files.results_file)}
    return [name for name in cell.metrics if name not in stored or _outdated(stored[name], networks)]


def _outdated(result: Result, networks: Networks) -> bool:
    random = result.protocol.get("network") == RANDOM_FEATURES
    return random and parse_metric(result.metric).cls(networks).network != RANDOM_FEATURES


def require_features(cell: Cell, metrics: Sequence[str]) -> None:
    """Raises ZooError for a feature network without weights: before days of training, not after."""
    networks = Networks(allow_random=is_toy(cell.config.profile))
    for metric in metrics:
        _ = parse_metric(metric).cls(networks).network


def evaluate_cell(cell: Cell, metrics: Sequence[str], progress: Callable[[int, int], None]) -> None:
    """Evaluate ``metrics`` and add them to what the folder of the cell holds.

    ``results.jsonl`` is written last, so a number that is there has its pictures beside it.

    Args:
        cell: A cell whose source can be opened: it is trained where it has to be.
        metrics: Full names. One that the source has no pictures for gets a result without a number.
        progress: Called with (pictures done, total).
    """
    begun = time.monotonic()
    files, config = cell.files, cell.config
    source = cell.source.open(config, cell.folder, resolve_device(config.train.device))
    dataset = factory.dataset(config, "test")
    checkpoint = cell.source.checkpoint(cell.folder)
    settings = config.to_dict()["method"] if checkpoint is not None else {}
    common: dict[str, Any] = {
        "data": cell.data,
        "method": cell.source.name,
        "settings": {key: value for key, value in settings.items() if key != "name"},
        "training": cell.source.training(cell.folder),
        "seed": cell.seed,
        "profile": config.profile,
        "config": config.hash(),
        "checkpoint": "" if checkpoint is None else checkpoints.digest(checkpoint)[:12],
        "device": device_name(source.device),
        "versions": results.package_versions(),
    }
    possible = [metric for metric in metrics if parse_metric(metric).cls.codes in source.codes]
    found: dict[str, Result] = {}
    if possible:
        evaluation = evaluate(
            source,
            dataset,
            metrics=possible,
            allow_random=is_toy(config.profile),
            statistics=cell.folder.parent.parent / "statistics",
            progress=progress,
        )
        pictures = _merge_pictures(files.pictures_file, possible, evaluation.pictures)
        Showcase.collect(source, dataset, pictures).save(files.showcase_file)
        seconds = round(time.monotonic() - begun, 3)
        for name, r in evaluation.results.items():
            found[name] = Result(name, r.value, r.better, r.protocol, warnings=r.warnings, seconds=seconds, **common)
    for name in metrics:
        if name not in possible:
            metric = parse_metric(name).cls
            reason = f"{source.name} {_REASONS[metric.codes]}"
            found[name] = Result(name, None, metric.better, {}, warnings=(reason,), seconds=0.0, **common)
    stored = [result for result in results.read(files.results_file) if result.metric not in found]
    results.write(files.results_file, [*stored, *found.values()])


def _merge_pictures(path: Path, metrics: Sequence[str], new: pd.DataFrame) -> pd.DataFrame:
    """Write the numbers of every picture for ``metrics``, beside those of other metrics that the file holds."""
    if path.is_file():
        before = pd.read_parquet(path)
        new = pd.concat([before[~before["metric"].isin(metrics)], new], ignore_index=True)
    results.write_pictures(path, new)
    return new
