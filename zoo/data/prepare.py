"""Conversion of original downloads to the layouts that the datasets read; an interrupted run can be continued.

A dataset that can be prepared has a class method ``prepare(source, out, progress, **settings)``; this module contains
the shared code.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.config.values import Setting, check_mapping, parameters
from zoo.data.class_tables import Colour
from zoo.data.parallel import Progress, map_threads
from zoo.data.transforms import BROKEN_FILE, unreadable
from zoo.errors import ZooError, nearest
from zoo.files import atomic_file
from zoo.registries import DATASETS


@dataclass
class PrepareReport:
    """The outcome of a preparation.

    Attributes:
        written: Number of pairs (or files, for a dataset whose files are used unchanged) written to the layout.
        kept: Number of those that already existed.
        dropped: For each omitted pair, one sentence with the reason.
    """

    written: int = 0
    kept: int = 0
    dropped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PairJob:
    """A picture and label of a download, and their output files."""

    image: Path
    label: Path
    out_image: Path
    out_label: Path


def preparable() -> list[str]:
    """Names of the datasets that have a class method ``prepare``."""
    return [name for name in DATASETS.names() if hasattr(DATASETS.get(name), "prepare")]


def prepare(name: str, source: Path, out: Path, *, progress: Progress | None = None, **settings: Any) -> PrepareReport:
    """Convert the download of a dataset to its layout.

    Files are written atomically, and existing ones are kept.

    Args:
        name: The dataset.
        source: The download; see the dataset's class method ``prepare`` for the expected content.
        out: Output folder.
        progress: Called with (done, total).
        settings: Keywords of the dataset's ``prepare``.

    Returns:
        What was written, and which pictures were dropped.

    Raises:
        ZooError: The dataset is unknown or cannot be prepared, a setting is unknown or has the wrong type, or
            ``source`` does not contain the download.
    """
    dataset = DATASETS.get(name)
    if not hasattr(dataset, "prepare"):
        raise ZooError(
            f'The dataset "{name}" cannot be prepared{nearest(name, preparable()) or "."} These can be: '
            f"{', '.join(preparable())}."
        )
    source = Path(source)
    if not source.exists():
        raise ZooError(f"There is no folder {source}: give the folder of the {name} download.")
    known = prepare_settings(name)
    checked = check_mapping(settings, known, "", lambda key: f"the preparation of {name}")
    return dataset.prepare(source, Path(out), progress, **checked)


def prepare_settings(name: str) -> dict[str, Setting]:
    """Settings of a dataset's ``prepare``, with their types and defaults."""
    found = parameters(DATASETS.get(name).prepare)
    return {key: setting for key, setting in found.items() if key not in ("source", "out", "progress")}


def class_ids(path: Path, colours: Sequence[Colour], other: int | None = None) -> NDArray[np.uint8]:
    """Class ids of a label map that is stored in class colours or as grey values.

    Args:
        path: The file.
        colours: The colour of every class.
        other: Id for all other colours.

    Returns:
        uint8 ``[H, W]``.

    Raises:
        ZooError: The file cannot be read, or contains another colour while ``other`` is None.
    """
    try:
        with Image.open(path) as file:
            if file.mode == "L":
                grey = np.asarray(file)
                if grey.max() < len(colours) + (other is not None):
                    return grey.copy()
            rgb = np.asarray(file.convert("RGB")).astype(np.int32)
    except BROKEN_FILE as error:
        raise ZooError(unreadable(path, error)) from error
    codes = rgb @ np.array([1 << 16, 1 << 8, 1], np.int32)
    known = np.array([r << 16 | g << 8 | b for r, g, b in colours])
    order = np.argsort(known)
    place = np.searchsorted(known[order], codes).clip(max=len(known) - 1)
    found = known[order][place] == codes
    if other is None and not found.all():
        strange = int(codes[~found][0])
        colour = (strange >> 16, strange >> 8 & 255, strange & 255)
        raise ZooError(
            f"The label {path} contains the colour {colour} of no class: download the file again or remove it."
        )
    return np.where(found, order[place], 0 if other is None else other).astype(np.uint8)


def convert_pairs(
    jobs: list[PairJob], convert: Callable[[PairJob], tuple[Image.Image, Image.Image]], progress: Progress | None
) -> PrepareReport:
    """Write the picture and label of every job, in threads.

    Args:
        jobs: The pairs to convert; existing files are kept.
        convert: Returns picture and label of a job, or raises ZooError to drop it.
        progress: Called with (done, total).

    Raises:
        ZooError: No picture could be used.
    """

    def work(job: PairJob) -> str | None:
        if job.out_image.exists() and job.out_label.exists():
            return "kept"
        try:
            image, label = convert(job)
        except ZooError as error:
            return str(error)
        write_binary(job.out_label, lambda file: label.save(file, "PNG"))
        write_binary(
            job.out_image,
            lambda file: image.save(file, "JPEG" if job.out_image.suffix == ".jpg" else "PNG", quality=95),
        )
        return None

    report = PrepareReport()
    for result in map_threads(work, jobs, progress):
        report.written += result is None
        report.kept += result == "kept"
        if result not in (None, "kept"):
            report.dropped.append(str(result))
    if jobs and not report.written and not report.kept:
        raise ZooError(f"None of the {len(jobs)} pictures could be used. The first one: {report.dropped[0]}")
    return report


def link_or_copy(path: Path, target: Path) -> None:
    """Hard-link a file, or copy it if the file system does not support hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:
        with path.open("rb") as original:
            write_binary(target, partial(shutil.copyfileobj, original))


def write_binary(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file atomically, with a function that takes the open file."""
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        write(file)
