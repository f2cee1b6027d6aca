"""Writes procedural datasets in the folders, names and formats of the real ones."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.data.palettes import DEEPFASHION_COLOURS
from zoo.data.parallel import each, each_apart
from zoo.data.procedural.painting import paint
from zoo.data.procedural.scenes import check, layout
from zoo.errors import ZooError

Progress = Callable[[int, int], None]
SPLITS = ("train", "test")
MANY = 400
"""From this many pictures on, drawing is worth the start of further processes."""
MARKER = "PROCEDURAL.txt"
"""A file at the root of every procedural dataset, so that no report can take its pictures for real ones."""


def draw(
    name: str, split: str, index: int, seed: int, size: tuple[int, int] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Picture ``index`` of a split: image [H,W,3] and label [H,W], both uint8; the same arguments give the same arrays.

    Layout and style come from separate seeds. Raises ZooError for an unknown name or split, or a size under 16 pixels.
    """
    if split not in SPLITS:
        raise ZooError(f'A procedural dataset has the splits train and test, not "{split}".')
    if seed < 0:
        raise ZooError(f"The seed of a procedural dataset is {seed}: give an integer of 0 or more.")
    drawn = layout(name, (seed, SPLITS.index(split), index, 0), size)
    return paint(drawn, (seed, SPLITS.index(split), index, 1)), drawn.label


def is_procedural(root: Path) -> bool:
    """Whether :func:`make` wrote the dataset at ``root``."""
    return (root / MARKER).is_file()


def paths(name: str, split: str, index: int) -> tuple[Path, Path]:
    """Where the real dataset would keep picture ``index`` and its label, relative to its root."""
    test = split == "test"
    if name == "ade20k":
        folder, stem = (
            ("validation", f"ADE_val_{index + 1:08d}") if test else ("training", f"ADE_train_{index + 1:08d}")
        )
        return Path("images", folder, f"{stem}.jpg"), Path("annotations", folder, f"{stem}.png")
    if name == "deepfashion":
        stem = f"id_{index + 1 + 500_000 * test:08d}_01_1_front"
        return Path(split, f"{stem}.jpg"), Path(split, f"{stem}_label.png")
    file = f"{index + 1 + 100_000 * test:08d}.png"
    return Path("RGB256Full", split, file), Path("LabelgrayFull20", split, file)


def make(
    name: str,
    out: Path,
    *,
    train: int,
    test: int,
    seed: int,
    size: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write ``train`` + ``test`` pictures to ``out`` in the layout of the real dataset ``name``.

    ``size`` is (H, W); ``progress(done, total)`` is called after each picture. The folder appears under its name only
    when it is complete. Raises ZooError where ``out`` is in use, or an argument makes no sense.
    """
    check(name, size)
    if train < 0 or test < 0 or train + test == 0:
        raise ZooError(
            f"{train} training and {test} test pictures were asked for: give counts of 0 or more that are not both 0."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ZooError(
            f"{out} exists and is not an empty folder: choose another place for the {name} stand-in, or remove it."
        )
    # One name per process: two that draw the same stand-in at once must not write into one folder.
    partial = out.with_name(f"{out.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _fill(partial, name, {"train": train, "test": test}, seed, size, progress)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fill(
    root: Path,
    name: str,
    counts: dict[str, int],
    seed: int,
    size: tuple[int, int] | None,
    progress: Progress | None,
) -> None:
    for split in counts:
        for path in paths(name, split, 0):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
    pictures = [(split, index) for split, count in counts.items() for index in range(count)]
    write = partial(_write, root, name, seed, size)
    spread = each_apart if len(pictures) >= MANY else partial(each, threads=1)
    for _ in spread(write, pictures, progress):
        pass
    (root / MARKER).write_text(f"Drawn by the zoo (zoo data make {name} --seed {seed}): these are not photographs.\n")
    if name == "deepfashion":
        (root / "color_palette.txt").write_text(json.dumps(DEEPFASHION_COLOURS))


def _write(root: Path, name: str, seed: int, size: tuple[int, int] | None, which: tuple[str, int]) -> None:
    """Draw one picture of a dataset, named by split and index, and write its two files."""
    image, label = draw(name, *which, seed, size)
    picture, annotation = (root / path for path in paths(name, *which))
    Image.fromarray(image).save(picture, quality=95)
    Image.fromarray(label).save(annotation)
