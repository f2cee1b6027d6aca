"""Sample grids and metrics during training; neither affects the training.

The networks are used in evaluation mode, and the mode of every submodule is restored; samples have their own seeds, and
every iteration seeds the global random generators.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.config import EvaluateConfig, is_toy
from zoo.data import PairedDataset, collate
from zoo.errors import ZooError
from zoo.files import cache_dir
from zoo.interfaces import Batch, Method
from zoo.visual import grid, sample_columns


def first_pictures(dataset: PairedDataset, device: torch.device, count: int = 4) -> Batch:
    """The first pictures of a dataset, without augmentation, for :func:`sample_grid`."""
    return collate([dataset[i] for i in range(min(count, len(dataset)))]).to(device)


@torch.no_grad()
def sample_grid(method: Method, batch: Batch, *, classes: int, samples: int = 4) -> Tensor:
    """Grid of pictures for fixed masks and codes, uint8 ``[3, H, W]``, to monitor training.

    One row per picture of the batch: the coloured mask, the picture, its reconstruction if the method has an encoder,
    and samples from the prior.

    Args:
        method: The method, in evaluation mode.
        batch: Pictures and masks.
        classes: Number of classes, for the colours.
        samples: S, samples per mask; one if the method has no codes.
    """
    label, image = batch.label, batch.image
    rebuilt = None if method.encoder is None else method.synthesize(label, method.encode(image, label).mu)
    samples = samples if method.code_specs else 1
    drawn = method.synthesize(label, method.sample(label, samples, seed=0)).unflatten(0, (len(image), samples))
    return grid(sample_columns(label, image, drawn, classes=classes, reconstruction=rebuilt))


def measure(method: Method, dataset: PairedDataset, settings: EvaluateConfig) -> dict[str, float]:
    """Evaluate metrics of a method in evaluation mode on test pictures, by full name; all ranks must call.

    Args:
        method: The method, without distributed wrappers.
        dataset: The test pictures.
        settings: ``train.evaluate``.

    Raises:
        ZooError: As :func:`zoo.metrics.evaluate`.
    """
    from zoo.metrics import MethodSource, evaluate  # imported here, since only runs with metrics need it

    found = evaluate(
        MethodSource(method, seed=0),
        dataset,
        metrics=_metrics(method, settings),
        allow_random=_allow_random(method),
        limit=settings.pictures,
        statistics=cache_dir() / "statistics",
    )
    return {name: result.value for name, result in found.results.items()}


def require_measurable(method: Method, dataset: PairedDataset | None, settings: EvaluateConfig) -> None:
    """Check the requirements of :func:`measure` before training.

    Raises:
        ZooError: If there are no test pictures, a metric is unknown or does not apply to the method, or weights of a
            feature network are missing.
    """
    from zoo.metrics import MethodSource, Networks, parse_metric

    if dataset is None:
        raise ZooError(
            "train.evaluate needs test pictures, but the dataset has none: add some, or leave train.evaluate out."
        )
    networks, codes = Networks(allow_random=_allow_random(method)), MethodSource(method).codes
    for name in _metrics(method, settings):
        metric = parse_metric(name).cls
        if metric.codes not in codes:
            raise ZooError(f"The metric {name} does not apply to {method.name}: leave it out of train.evaluate.")
        _ = metric(networks).network  # loads its weights


def _metrics(method: Method, settings: EvaluateConfig) -> list[str]:
    from zoo.metrics import MethodSource, applicable

    return settings.metrics or applicable(MethodSource(method), settings.samples)


def _allow_random(method: Method) -> bool:

    return is_toy(method.config.profile)
