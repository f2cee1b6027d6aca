"""One pass over a test set that computes any of the metrics of :mod:`zoo.metrics.protocols`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from zoo.codes import Codes
from zoo.data import PairedDataset, collate
from zoo.data.procedural import is_procedural
from zoo.errors import ZooError
from zoo.interfaces import Batch, Method
from zoo.metrics.pictures import written
from zoo.metrics.protocols import Metric, MetricResult, Networks, ReconstructionMetric, SampleMetric
from zoo.registry import METRICS
from zoo.visual import to_pixels


@torch.no_grad()
def evaluate(
    method: Method,
    dataset: PairedDataset,
    *,
    metrics: Sequence[str],
    samples: int = 40,
    seed: int = 0,
    device: torch.device | str = "cpu",
    batch: int = 8,
    allow_random: bool = False,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, MetricResult]:
    """Evaluate a method on the first ``limit`` pictures of a dataset (all by default); results by metric name.

    Reconstructions use the posterior means of the codes of the ground truth (a method without codes has one picture per
    mask, which is judged as it is). Random codes are drawn from (``seed``, index of the picture), so the samples of a
    picture depend neither on ``batch``, the most pictures synthesised at once, nor on ``limit``. The method is moved to
    ``device``; afterwards it is in the training or evaluation mode that it came in. ``progress`` is called with
    (pictures done, pictures in all).

    Raises ZooError for an unknown metric, for too few samples or pictures, for missing feature weights (unless
    ``allow_random``), and where reconstructions are asked of a method that has codes but no encoder.
    """
    networks = Networks(device, allow_random)
    count = len(dataset) if limit is None else min(limit, len(dataset))
    chosen = [_build(name, networks, samples, count) for name in metrics]
    reconstructed = [metric for metric in chosen if isinstance(metric, ReconstructionMetric)]
    sampled = [metric for metric in chosen if isinstance(metric, SampleMetric)]
    training = method.training
    method.to(device).eval()
    try:
        for first, pictures in _batches(dataset, count, batch):
            pictures = pictures.to(device)
            real = to_pixels(pictures.image)
            if reconstructed:
                fake = written(method.synthesize(pictures.label, _codes_of_truth(method, pictures, seed)))
                for metric in reconstructed:
                    metric.update(real, fake)
            if sampled:
                for i in range(len(pictures)):
                    chunks = _samples(method, pictures.label[i : i + 1], samples, _seed_of(seed, first + i), batch)
                    _judge_mask(sampled, real[i], chunks)
            if progress is not None:
                progress(first + len(pictures), count)
    finally:
        method.train(training)
    return {m.name: MetricResult(m.name, m.value(), m.better, _protocol(m, dataset, count, samples)) for m in chosen}


def _build(name: str, networks: Networks, samples: int, images: int) -> Metric:
    metric: Metric = METRICS.get(name)(networks)
    if metric.codes == "random" and samples < metric.fewest_samples:
        raise ZooError(f"The metric {name} needs at least {metric.fewest_samples} samples per mask, but got {samples}.")
    if images < metric.fewest_images:
        raise ZooError(f"The metric {name} needs at least {metric.fewest_images} pictures, but got {images}; use more.")
    return metric


def _batches(dataset: PairedDataset, count: int, size: int) -> Iterator[tuple[int, Batch]]:
    for first in range(0, count, size):
        yield first, collate([dataset[i] for i in range(first, min(first + size, count))])


def _codes_of_truth(method: Method, pictures: Batch, seed: int) -> Codes:
    if not method.code_specs:
        return method.sample(pictures.label, 1, seed=seed)
    return method.encode(pictures.image, pictures.label).mu


def _samples(method: Method, label: Tensor, samples: int, seed: int, chunk: int) -> Iterator[Tensor]:
    """The samples of one mask ``[1, H, W]`` in uint8 chunks of at most ``chunk``; only codes exist all at once."""
    codes = method.sample(label, samples, seed=seed)
    for first in range(0, samples, chunk):
        yield written(method.synthesize(label, codes.rows(slice(first, first + chunk))))


def _judge_mask(metrics: Sequence[SampleMetric], real: Tensor, chunks: Iterator[Tensor]) -> None:
    for fake in chunks:
        for metric in metrics:
            metric.update(real, fake)
    for metric in metrics:
        metric.close_mask(real)


def _seed_of(seed: int, index: int) -> int:
    """An independent seed for every (seed, picture), below 2^63 as torch wants it."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _protocol(metric: Metric, dataset: PairedDataset, count: int, samples: int) -> dict[str, str | int]:
    random = metric.codes == "random"
    return {
        "dataset": f"{dataset.name} (procedural stand-in)" if is_procedural(dataset.root) else dataset.name,
        "split": dataset.split,
        "classes": dataset.classes,
        "resolution": f"{dataset.size[0]}x{dataset.size[1]}",
        "images": count,
        "codes": "random" if random else "posterior mean of the ground truth",
        "samples": samples if random else 1,
        "network": metric.network,
    }
