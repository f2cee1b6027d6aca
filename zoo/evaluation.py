"""A checkpoint put to the test pictures of a dataset: numbers as lines of JSON, and files beside them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from zoo import checkpoints
from zoo.data import PairedDataset
from zoo.data.procedural import is_procedural
from zoo.distributed import is_main
from zoo.engine.record import device_name
from zoo.interfaces import Method
from zoo.metrics import MethodSource, applicable, evaluate
from zoo.metrics.results import Result, package_versions, training_facts, write, write_pictures

RANDOM_PROFILE = "smoke"
"""The only profile whose numbers may come from random feature networks."""


def evaluate_checkpoint(
    method: Method,
    pictures: PairedDataset,
    checkpoint: Path,
    *,
    metrics: Sequence[str] | None = None,
    samples: int = 40,
    seed: int = 0,
    limit: int | None = None,
    out: Path | None = None,
    keep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """The numbers of a method that was loaded from ``checkpoint``, over the first ``limit`` test pictures.

    metrics: full names; by default all that it has pictures for, with ``samples`` per mask. out: a folder for
    ``results.jsonl`` and ``pictures.parquet`` (the number of every picture), and with ``keep`` for the pictures
    themselves. Errors as in :func:`zoo.metrics.evaluate`. Under torchrun every rank calls this and takes its share.
    """
    begun = time.monotonic()
    config = method.config
    assert config is not None, "the method comes from a checkpoint"
    source = MethodSource(method, seed=seed)
    found = evaluate(
        source,
        pictures,
        metrics=metrics or applicable(source, samples),
        allow_random=config.profile == RANDOM_PROFILE,
        limit=limit,
        statistics=cache() / "statistics",
        keep=out if keep else None,
        progress=progress,
    )
    results = [
        Result(
            metric=name,
            value=result.value,
            better=result.better,
            protocol=result.protocol,
            data="procedural stand-in" if is_procedural(pictures.root) else "real",
            method=method.name,
            settings={key: value for key, value in config.to_dict()["method"].items() if key != "name"},
            training=training_facts(checkpoint),
            seed=seed,
            profile=config.profile or "none",
            config=config.hash(),
            checkpoint=checkpoints.digest(checkpoint)[:12],
            device=device_name(source.device),
            seconds=round(time.monotonic() - begun, 3),
            warnings=result.warnings,
            versions=package_versions(),
        )
        for name, result in found.results.items()
    ]
    if out is not None and is_main():
        write(out / "results.jsonl", results)
        write_pictures(out / "pictures.parquet", found.pictures)
    return results


def cache() -> Path:
    """Where the zoo keeps what it can compute again: the folder in ``ZOO_CACHE``, else ``zoo`` in the user's cache."""
    if "ZOO_CACHE" in os.environ:
        return Path(os.environ["ZOO_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zoo"
