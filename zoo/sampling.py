"""Pictures from a trained method, written for people to look at."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo import factory
from zoo.config import Config, resolve
from zoo.config.values import keywords
from zoo.data import PairedDataset
from zoo.data.standin import located
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.metrics.pictures import written
from zoo.registry import DATASETS
from zoo.visual import sample_columns, save_grid, save_picture

log = logging.getLogger(__name__)

GRID_ROWS = 8
"""Pictures that the overview shows; all are written one by one."""


def evaluation_pictures(method: Method, data: str, root: Path | None, split: str = "test") -> PairedDataset:
    """The pictures of a split of a dataset, none of them augmented, at the size that a loaded method was trained for.

    Without ``root`` they are those beside the pictures it was trained on, or where those are gone, at ``data/NAME``.

    Raises ZooError where the dataset has another number of classes, or nothing lies at ``root``.
    """
    trained = method.config
    assert trained is not None, "the method comes from a checkpoint"
    classes = trained.data["classes"]
    if trained.data["name"] == data:
        config = trained if root is None else _with(trained, root=root)
        if root is None and not Path(trained.data["root"]).is_dir():
            config = located(_with(config, root=Path("data") / data))
    else:
        # a dataset of any number of classes, such as "folder", is taken to have those of the checkpoint
        sets = [f"data.classes={classes}"] if "classes" in keywords(DATASETS.get(data)) else []
        config = resolve(trained.method["name"], data, trained.profile, sets, data_root=root)
        config = _with(config, size=trained.data["size"])
    if config.data["classes"] != classes:
        raise ZooError(
            f"The checkpoint has {classes} classes ({trained.data['name']}), but {data} has "
            f"{config.data['classes']}: give a dataset with the same classes."
        )
    return factory.dataset(config, split)


def _with(config: Config, **data: Any) -> Config:
    return replace(config, data={**config.data, **data})


@torch.no_grad()
def write_samples(
    method: Method,
    dataset: PairedDataset,
    *,
    samples: int,
    out: Path,
    seed: int = 0,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Draw ``samples`` pictures for each mask of a dataset: ``<name>_00.png`` ..., and ``grid.png`` of the first masks.

    A row of the grid shows the mask, the picture of the dataset and the samples, under captions. The codes of a picture
    depend on ``seed`` and its position alone. Returns the files written.
    """
    if samples > 1 and not method.code_specs:
        log.info("%s has no codes to draw, so the samples of a mask are all the same.", method.name)
    count = len(dataset) if limit is None else min(limit, len(dataset))
    device = next(method.parameters()).device
    rows: list[tuple[Tensor, Tensor, Tensor]] = []
    files: list[Path] = []
    for index in range(count):
        item = dataset[index]
        label = item["label"][None].to(device)
        drawn = method.synthesize(label, method.sample(label, samples, seed=seed + index)).float().clamp(-1, 1).cpu()
        for number, pixels in enumerate(written(drawn)):
            files.append(out / f"{Path(item['name']).name}_{number:02d}.png")
            save_picture(files[-1], pixels)
        if index < GRID_ROWS:
            rows.append((item["label"], item["image"], drawn))
        if progress is not None:
            progress(index + 1, count)
    files.append(out / "grid.png")
    label, image, drawings = (torch.stack(part) for part in zip(*rows, strict=True))
    save_grid(files[-1], sample_columns(label, image, drawings, classes=dataset.classes))
    return files
