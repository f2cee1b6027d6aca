"""Evaluation of a trained method on the test pictures of a dataset, with results as a table and as files.

:mod:`zoo.metrics` computes the numbers; this module adds the protocol to each of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from zoo import checkpoints
from zoo.config import is_toy
from zoo.data import PairedDataset
from zoo.data.standin import is_procedural
from zoo.distributed import is_main
from zoo.environment import device_name
from zoo.files import cache_dir
from zoo.interfaces import Method
from zoo.metrics import MethodSource, applicable, results
from zoo.metrics import evaluate as measure
from zoo.metrics.results import Result
from zoo.trained import evaluation_pictures, open_method

SAMPLES = 40
"""Default number of samples per mask, as in the tables."""


def evaluate(
    method: Method | Path | str,
    *,
    data: str,
    data_root: Path | str | None = None,
    metrics: Sequence[str] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    limit: int | None = None,
    out: Path | str | None = None,
    keep: bool = False,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Evaluate a method, or the checkpoint at a path, on the test pictures of a dataset.

    Under torchrun or Slurm, every rank must call this and evaluates its share of the pictures.

    Args:
        method: A method, or the path of a checkpoint.
        data: Name of the dataset.
        data_root: Folder of the dataset; by default that of the training, or ``data/NAME``.
        metrics: Full names, such as ``diversity_lpips_alex_40``; by default all that apply to the method.
        samples: Samples per mask, S, for the default metrics.
        seed: Seed of the random codes.
        limit: Use only the first N test pictures.
        out: Folder for ``results.jsonl`` and ``pictures.parquet`` (the numbers of every picture).
        keep: Whether to write the pictures themselves to ``out`` as well.
        device: Device for a checkpoint.
        progress: Called with (pictures done, total).

    Returns:
        One row per metric, with the columns ``metric``, ``value``, ``better`` ("lower" or "higher"), those of the
        protocol (``dataset``, ``split``, ``classes``, ``resolution``, ``images``, ``codes``, ``samples``, ``network``)
        and ``warnings`` (a list).

    Raises:
        ZooError: As :func:`zoo.metrics.evaluate`, for an invalid checkpoint, and for a dataset that does not fit it.
    """
    opened = open_method(method, device)
    found = evaluate_method(
        opened,
        evaluation_pictures(opened, data, None if data_root is None else Path(data_root)),
        None if isinstance(method, Method) else Path(method),
        metrics=metrics,
        samples=samples,
        seed=seed,
        limit=limit,
        out=None if out is None else Path(out),
        keep=keep,
        progress=progress,
    )
    return pd.DataFrame(
        [
            {"metric": r.metric, "value": r.value, "better": r.better, **r.protocol, "warnings": list(r.warnings)}
            for r in found
        ]
    )


def evaluate_method(
    method: Method,
    pictures: PairedDataset,
    checkpoint: Path | None,
    *,
    metrics: Sequence[str] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    limit: int | None = None,
    out: Path | None = None,
    keep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """As :func:`evaluate`, for a method and a dataset that are already loaded.

    Args:
        method: The method.
        pictures: The test pictures.
        checkpoint: The file that the method was loaded from, if any, for the results.
        metrics: As for :func:`evaluate`, like all other arguments.
        samples: Samples per mask.
        seed: Of the random codes.
        limit: Number of pictures.
        out: Folder for the results.
        keep: Whether to write the pictures to ``out`` as well.
        progress: Called with (pictures done, total).
    """
    begun = time.monotonic()
    config = method.config
    source = MethodSource(method, seed=seed)
    found = measure(
        source,
        pictures,
        metrics=metrics or applicable(source, samples),
        allow_random=is_toy(config.profile),
        limit=limit,
        statistics=cache_dir() / "statistics",
        keep=out if keep else None,
        progress=progress,
    )
    shared: dict[str, Any] = {
        "data": "procedural stand-in" if is_procedural(pictures.root) else "real",
        "method": method.name,
        "settings": {key: value for key, value in config.to_dict()["method"].items() if key != "name"},
        "training": {} if checkpoint is None else results.training_facts(checkpoint),
        "seed": seed,
        "profile": config.profile or "none",
        "config": config.hash(),
        "checkpoint": "" if checkpoint is None else checkpoints.digest(checkpoint)[:12],
        "device": device_name(source.device),
        "seconds": round(time.monotonic() - begun, 3),
        "versions": results.package_versions(),
    }
    rows = [
        Result(metric=name, value=r.value, better=r.better, protocol=r.protocol, warnings=r.warnings, **shared)
        for name, r in found.results.items()
    ]
    if out is not None and is_main():
        results.write(out / "results.jsonl", rows)
        results.write_pictures(out / "pictures.parquet", found.pictures)
    return rows
