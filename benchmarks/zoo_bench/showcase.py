"""A few pictures of a cell for the figures, selected during evaluation and stored in one compressed file."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zoo.data import PairedDataset, collate
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo.metrics import MethodSource, PictureSource, parse_metric
from zoo.visual import to_uint8
from zoo_bench.interventions import Intervention, intervene

Array = NDArray[Any]
FIRST, WORST, SAMPLES, EDITED = 4, 4, 8, 2
"""How many masks, worst reconstructions, samples per mask, and masks whose codes are edited."""
LONGEST = 256
"""Larger pictures are kept at this size of their longer side: they are for pages, not for metrics."""
WORST_BY = "lpips_alex_reconstruction"


@dataclass(frozen=True)
class Shown:
    """Some test pictures, M of them.

    index ``[M]`` (place in the test set), name ``[M]``, label ``[M, H, W]``, image uint8 ``[M, 3, H, W]``;
    reconstruction, as image, or of length 0 for a method without any; value ``[M]``, or length 0.
    """

    index: Array
    name: Array
    label: Array
    image: Array
    reconstruction: Array
    value: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Showcase:
    """The pictures of a cell that the figures show.

    ``classes`` is the number of classes of the labels, ``first`` the first masks of the test set, and ``samples`` uint8
    ``[M, S, 3, H, W]`` the first S samples that the metrics saw of each of them, or of length 0. ``worst`` has the
    worst reconstructions, worst first, and ``interventions`` what single parts of the codes change.
    """

    classes: int
    first: Shown
    samples: Array
    worst: Shown
    interventions: tuple[Intervention, ...] = ()

    @classmethod
    def collect(cls, source: PictureSource, dataset: PairedDataset, pictures: pd.DataFrame) -> Showcase:
        """Draw the pictures; ``pictures`` holds the number of every picture, as an evaluation gives it."""
        first = list(range(min(FIRST, len(dataset))))
        worst = pictures[pictures["metric"] == WORST_BY].astype({"value": float}).nlargest(WORST, "value")
        interventions: list[Intervention] = []
        if isinstance(source, MethodSource):
            for index in first[:EDITED]:
                interventions += intervene(source, dataset, index, _small)
        return cls(
            dataset.classes,
            _shown(source, dataset, first),
            _samples(source, dataset, first, _samples_per_mask(pictures)),
            _shown(source, dataset, worst["index"].tolist(), worst["value"].tolist()),
            tuple(interventions),
        )

    def save(self, path: Path) -> None:
        """Write one compressed npz atomically."""
        parts: dict[str, Any] = {"first": self.first, "worst": self.worst}
        parts |= {f"interventions.{number}": one for number, one in enumerate(self.interventions)}
        arrays = {f"{name}.{f.name}": getattr(part, f.name) for name, part in parts.items() for f in fields(part)}
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, classes=self.classes, samples=self.samples, **arrays)

    @classmethod
    def load(cls, path: Path) -> Showcase:
        """Read what :meth:`save` wrote. Raises ZooError for a missing, truncated or other file."""
        try:
            with np.load(path, allow_pickle=False) as file:
                content = {key: file[key] for key in file.files}

            def arrays(part: str) -> dict[str, Any]:
                names = (key for key in content if key.startswith(f"{part}."))
                return {key.removeprefix(f"{part}."): content[key] for key in names}

            count = len({key.split(".")[1] for key in content if key.startswith("interventions.")})
            interventions = [Intervention.of(arrays(f"interventions.{number}")) for number in range(count)]
            shown = (Shown(**arrays("first")), content["samples"], Shown(**arrays("worst")))
            return cls(int(content["classes"]), *shown, tuple(interventions))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ZooError(
                f"The pictures in {path} cannot be read ({error}): delete the file and run the same `zoo bench` again."
            ) from error


def _shown(
    source: PictureSource, dataset: PairedDataset, indices: Sequence[int], values: Sequence[float] = ()
) -> Shown:
    height, width = dataset.size
    items = [dataset[index] for index in indices]
    labels = torch.stack([item["label"] for item in items]) if items else torch.zeros(0, height, width)
    images = torch.stack([to_uint8(item["image"]) for item in items]) if items else _none(dataset)
    rebuilt = []
    if "encoded" in source.codes:
        for index, item in zip(indices, items, strict=True):
            rebuilt.append(source.reconstruct(collate([item]).to(source.device), index)[0].cpu())
    return Shown(
        np.array(indices, np.int64),
        np.array([item["name"] for item in items], np.str_),
        _small_label(labels).numpy(),
        _small(images).numpy(),
        _small(torch.stack(rebuilt) if rebuilt else _none(dataset)).numpy(),
        np.array(values, np.float64),
    )


def _samples(source: PictureSource, dataset: PairedDataset, indices: Sequence[int], samples: int) -> Array:
    """All samples of a mask are asked for, as the metrics did, since fewer would have other codes."""
    if "random" not in source.codes or not indices:
        return np.zeros((0, 0, 3, *dataset.size), np.uint8)
    rows = []
    for index in indices:
        label = dataset[index]["label"][None].to(source.device)
        drawn = (picture for chunk in source.samples(label, index, samples) for picture in chunk.cpu())
        rows.append(_small(torch.stack(list(islice(drawn, SAMPLES)))))
    return torch.stack(rows).numpy()


def _samples_per_mask(pictures: pd.DataFrame) -> int:
    """How many samples of a mask the metrics saw; where none wanted any, as many as are kept."""
    metrics = [parse_metric(name) for name in pictures["metric"].unique()]
    return max((metric.samples for metric in metrics if metric.cls.codes == "random"), default=SAMPLES)


def _none(dataset: PairedDataset) -> Tensor:
    return torch.zeros(0, 3, *dataset.size, dtype=torch.uint8)


def _small(pictures: Tensor) -> Tensor:
    """uint8 ``[B, 3, H, W]``, or smaller with the same proportions."""
    height, width = pictures.shape[-2:]
    size = _small_size(height, width)
    if size == (height, width) or not len(pictures):
        return pictures
    resized = F.interpolate(pictures.float(), size, mode="bilinear", antialias=True, align_corners=False)
    return resized.round().clamp(0, 255).to(torch.uint8)


def _small_label(labels: Tensor) -> Tensor:
    """int32 ``[B, H, W]`` at the size of the pictures."""
    size = _small_size(*labels.shape[-2:])
    if size != tuple(labels.shape[-2:]) and len(labels):
        labels = F.interpolate(labels[:, None].float(), size, mode="nearest")[:, 0]
    return labels.to(torch.int32)


def _small_size(height: int, width: int) -> tuple[int, int]:
    scale = min(1.0, LONGEST / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
