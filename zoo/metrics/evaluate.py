"""Evaluation of any metrics of :data:`zoo.registries.METRICS` in one pass over a test set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from zoo.data import PairedDataset, collate
from zoo.data.standin import is_procedural
from zoo.distributed import rank, world_size
from zoo.errors import ZooError
from zoo.metrics.metric import (
    Metric,
    MetricResult,
    NamedMetric,
    ReconstructionMetric,
    SampleMetric,
    full_name,
    parse_metric,
)
from zoo.metrics.networks import Networks
from zoo.metrics.sources import PictureSource
from zoo.registries import METRICS
from zoo.visual import save_picture, to_uint8

BATCH = 8
"""Batch size of reconstructions and feature networks."""


@dataclass(frozen=True)
class Evaluation:
    """The outcome of an evaluation.

    Attributes:
        results: By metric.
        pictures: Numbers of every picture, with the columns index (in the test set), name, metric and value; metrics of
            the whole set, such as the FID, have none.
    """

    results: dict[str, MetricResult]
    pictures: pd.DataFrame


@contextmanager
def _single_precision() -> Iterator[None]:
    """Context without TF32 convolutions on GPUs, so that devices agree."""
    allowed, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = allowed


@torch.no_grad()
@_single_precision()
def evaluate(
    source: PictureSource,
    dataset: PairedDataset,
    *,
    metrics: Sequence[str],
    allow_random: bool = False,
    limit: int | None = None,
    statistics: Path | None = None,
    keep: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate a source of pictures on a dataset; every picture is synthesised once for all metrics.

    In a distributed run, every rank must call this; it evaluates every n-th batch, and all ranks get the same result.

    Args:
        source: The source of the pictures; for a method, :class:`zoo.metrics.MethodSource`.
        dataset: The test set.
        metrics: Full names.
        allow_random: Use random feature networks if trained weights are unavailable.
        limit: Evaluate only the first N pictures.
        statistics: A folder to cache the statistics of the ground truth.
        keep: A folder to save the pictures to (``real``, ``reconstruction`` and ``samples``, all PNG), if any.
        progress: Called with (pictures done, total).

    Raises:
        ZooError: A metric is unknown or does not apply to the source, there are too few pictures, or feature weights
            are missing.
    """
    networks = Networks(source.device, allow_random)
    count = len(dataset) if limit is None else min(limit, len(dataset))
    chosen = [_chosen(name, source, count) for name in metrics]
    built = {metric.name: metric.cls(networks) for metric in chosen}
    for metric in built.values():
        metric.begin(dataset, count, statistics)
    reconstructed = [metric for metric in built.values() if isinstance(metric, ReconstructionMetric)]
    sampled = [metric for metric in built.values() if isinstance(metric, SampleMetric)]
    samples = _samples_per_mask(chosen)
    for indices in _batches(count):
        pictures = collate([dataset[i] for i in indices]).to(source.device)
        real = to_uint8(pictures.image)
        _keep(keep, "real", pictures.name, real)
        if reconstructed:
            fake = source.reconstruct(pictures, indices.start)
            _keep(keep, "reconstruction", pictures.name, fake)
            for metric in reconstructed:
                metric.update(indices, real, fake)
        if sampled:
            for i, index in enumerate(indices):
                _update_mask(
                    sampled,
                    real[i],
                    index,
                    _kept(keep, pictures.name[i], source.samples(pictures.label[i : i + 1], index, samples)),
                )
        if progress is not None:
            progress(indices.stop, count)
    for metric in built.values():
        metric.merge()
    results = {
        m.name: MetricResult(m.name, built[m.name].value(), m.cls.better, *_facts(m, built[m.name], dataset, count))
        for m in chosen
    }
    return Evaluation(results, _per_picture(built, dataset))


def applicable(source: PictureSource, samples: int = 40) -> list[str]:
    """The full names of the default metrics that apply to a source, with ``samples`` per mask."""
    found = [(name, METRICS.get(name)) for name in METRICS.names()]
    return [full_name(name, samples) for name, cls in found if cls.by_default and cls.codes in source.codes]


def _chosen(name: str, source: PictureSource, images: int) -> NamedMetric:
    metric = parse_metric(name)
    if metric.cls.codes not in source.codes:
        lack = "no encoder" if metric.cls.codes == "encoded" else "no codes to draw"
        raise ZooError(f"{source.name} has {lack}, so {name} cannot be evaluated; leave that metric out.")
    if images < metric.cls.fewest_images:
        raise ZooError(
            f"The metric {name} needs at least {metric.cls.fewest_images} pictures, but got {images}; use more."
        )
    return metric


def _samples_per_mask(chosen: Sequence[NamedMetric]) -> int:
    """The number of samples per mask. Raises ZooError if it differs between metrics, since they share the samples."""
    numbers = {metric.samples: metric.name for metric in chosen if metric.cls.codes == "random"}
    if len(numbers) > 1:
        first, second = list(numbers.values())[:2]
        raise ZooError(f"{first} and {second} need different numbers of samples per mask; evaluate them separately.")
    return next(iter(numbers), 1)


def _batches(count: int) -> Iterator[range]:
    """The batches of this rank, each of consecutive pictures."""
    for first in range(rank() * BATCH, count, world_size() * BATCH):
        yield range(first, min(first + BATCH, count))


def _update_mask(metrics: Sequence[SampleMetric], real: Tensor, index: int, chunks: Iterator[Tensor]) -> None:
    for fake in chunks:
        for metric in metrics:
            metric.update(real, fake)
    for metric in metrics:
        metric.close_mask(index, real)


def _keep(folder: Path | None, kind: str, names: Sequence[str], pictures: Tensor) -> None:
    if folder is not None:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, pixels in zip(names, pictures.cpu(), strict=True):
            save_picture(folder / kind / f"{name.replace('/', '_')}.png", pixels)


def _kept(folder: Path | None, name: str, chunks: Iterator[Tensor]) -> Iterator[Tensor]:
    """Pass samples through, and write each to ``samples/<name>_<number>.png``."""
    number = 0
    for chunk in chunks:
        _keep(folder, "samples", [f"{name}_{number + i:02d}" for i in range(len(chunk))], chunk)
        number += len(chunk)
        yield chunk


def _facts(
    named: NamedMetric, metric: Metric, dataset: PairedDataset, count: int
) -> tuple[dict[str, str | int], tuple[str, ...]]:
    """Protocol and warnings of a result."""
    protocol: dict[str, str | int] = {
        "dataset": f"{dataset.name} (procedural stand-in)" if is_procedural(dataset.root) else dataset.name,
        "split": dataset.split,
        "classes": dataset.classes,
        "resolution": f"{dataset.size[0]}x{dataset.size[1]}",
        "images": count,
        "codes": "random" if metric.codes == "random" else "posterior mean of the ground truth",
        "samples": named.samples,
        "network": metric.network,
    }
    return protocol, metric.warnings()


def _per_picture(metrics: dict[str, Metric], dataset: PairedDataset) -> pd.DataFrame:
    rows = [
        (index, dataset.pairs[index].name, name, value)
        for name, metric in metrics.items()
        for index, value in metric.values.items()
    ]
    return pd.DataFrame(rows, columns=["index", "name", "metric", "value"])
