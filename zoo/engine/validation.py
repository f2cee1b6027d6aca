"""What is drawn and measured while a method trains; neither changes the numbers of the training.

The networks are used in evaluation mode and go back to the mode of each of their parts, draws have seeds of their own,
and every iteration seeds the global random generators anew.
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
    """The first pictures of a dataset, without augmentation: the rows of :func:`sample_grid`."""
    return collate([dataset[i] for i in range(min(count, len(dataset)))]).to(device)


@torch.no_grad()
def sample_grid(method: Method, batch: Batch, *, classes: int, samples: int = 4) -> Tensor:
    """Pictures of fixed masks with fixed codes, uint8 ``[3, H, W]``, to see how a method learns.

    A row per picture of the batch: coloured mask, the picture, its reconstruction where the method has an encoder, and
    draws of the prior.

    Args:
        method: The method, in evaluation mode.
        batch: Pictures and masks.
        classes: Number of classes, for the colours.
        samples: Draws per mask, S; one where the method has no codes.
    """
    label, image = batch.label, batch.image
    rebuilt = None if method.encoder is None else method.synthesize(label, method.encode(image, label).mu)
    samples = samples if method.code_specs else 1
    drawn = method.synthesize(label, method.sample(label, samples, seed=0)).unflatten(0, (len(image), samples))
    return grid(sample_columns(label, image, drawn, classes=classes, reconstruction=rebuilt))


def measure(method: Method, dataset: PairedDataset, settings: EvaluateConfig) -> dict[str, float]:
    """Metrics of a method in evaluation mode on test pictures, by their full names; all ranks must call.

    Args:
        method: The method, with its networks outside of their wrappers.
        dataset: The test pictures.
        settings: ``train.evaluate``.

    Raises:
        ZooError: As :func:`zoo.metrics.evaluate` does.
    """
    from zoo.metrics import MethodSource, evaluate  # imported here, because only runs that ask for metrics need it

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
    """Check what :func:`measure` needs, before the training and not after hours of it.

    Raises:
        ZooError: Where there are no test pictures, for an unknown metric or one that the method has no codes for, and
            for missing weights of a feature network.
    """
    from zoo.metrics import MethodSource, Networks, parse_metric

    if dataset is None:
        raise ZooError(
            "train.evaluate asks for metrics on test pictures, but the dataset has none: add some, or leave "
            "train.evaluate out."
        )
    networks, codes = Networks(allow_random=_allow_random(method)), MethodSource(method).codes
    for name in _metrics(method, settings):
        metric = parse_metric(name).cls
        if metric.codes not in codes:
            raise ZooError(f"{method.name} has no pictures for the metric {name}: leave it out of train.evaluate.")
        _ = metric(networks).network  # loads its weights


def _metrics(method: Method, settings: EvaluateConfig) -> list[str]:
    from zoo.metrics import MethodSource, applicable

    return settings.metrics or applicable(MethodSource(method), settings.samples)


def _allow_random(method: Method) -> bool:

    return is_toy(method.config.profile)
