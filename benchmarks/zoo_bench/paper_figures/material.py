"""Figure 15: codes moved along a direction, layer by layer (section 4.4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from zoo.codes import Codes
from zoo.editing.edits import edit_material
from zoo.editing.statistics import fit_statistics
from zoo_bench.paper_figures.context import FigureContext
from zoo_bench.paper_figures.file import FigureFile
from zoo_bench.report.figures.sheet import Panel, Row, headed, sheet

FITTED = 100
"""Test pictures that the direction is fitted to where no statistics are given; a second or two."""
AMOUNTS = (-3, -2, -1, 0, 1, 2, 3)
"""Standard deviations."""


def moves(
    context: FigureContext,
    place: int,
    *,
    classes: Sequence[int] | None,
    layers: str | None = None,
    statistics: Path | None = None,
) -> tuple[Codes, dict[int | None, Codes]]:
    """The codes of a picture (batch 1), and by layer those with this layer of ``classes`` moved by the AMOUNTS.

    The layer is None for a method without layers. The codes of the picture as a whole, which belong to no class, move
    in the last. The direction is the first principal one of ``statistics``, else of the first FITTED test pictures.
    ``zoo edit material`` with the same picture, class, layer, direction and seed draws the same.
    """
    editor, (image, label) = context.editor, context.picture(place)
    codes = editor.codes(image, label, context.seed)
    direction = _direction(context, statistics).to(editor.device)
    chosen: Sequence[int | None] = context.layers(layers) or [None]
    found: dict[int | None, Codes] = {}
    for layer in chosen:
        found[layer] = edit_material(
            codes.repeat(len(AMOUNTS)),
            direction,
            torch.tensor(AMOUNTS, dtype=torch.float32),
            classes=None if classes is None or layer == codes.layers else tuple(classes),
            layers=None if layer is None else (layer,),
        )
    return codes, found


def _direction(context: FigureContext, statistics: Path | None) -> Codes:
    if statistics is None:
        return fit_statistics(context.editor.method, context.dataset, components=1, limit=FITTED).principal(0)
    return context.editor.direction("1", statistics, context.seed)


def rows(
    context: FigureContext,
    place: int,
    *,
    classes: str | None = None,
    layers: str | None = None,
    statistics: Path | None = None,
) -> list[Row]:
    """The lines for one picture: before, then a line for each layer from fine to coarse."""
    image, label = context.picture(place)
    ids = context.classes(classes, label, 1) if classes or context.by("class") else None
    codes, along = moves(context, place, classes=ids, layers=layers, statistics=statistics)
    (unchanged,) = context.drawn(label, codes)
    before: list[Panel | None] = [context.mask(label), context.shown(image), unchanged]
    what = "all codes"
    if ids:
        what = context.editor.table.listed(ids)
        before += [None, context.mask(label, only=ids)]  # apart, as names of classes are long
    captions = ["mask", "picture", "unchanged", "", f"moved: {what}"]
    lines = []
    for layer, edited in along.items():
        panels = context.drawn(label, edited)
        title = what if layer is None else context.layer_title(layer)
        lines.append(Row(f"{title}\nchange {_change(panels):.1f}", panels))
    lines[-1] = replace(lines[-1], below=True)
    amounts = [f"{amount:+d}" if amount else "0" for amount in AMOUNTS]
    return [*headed([Row("", before, below=True)], captions), *headed(lines, amounts)]


def _change(panels: Sequence[Panel]) -> float:
    """Mean absolute difference of both ends to the middle."""
    first, middle, last = (panels[i].image.astype(np.float64) for i in (0, len(panels) // 2, -1))
    return float((np.abs(first - middle).mean() + np.abs(last - middle).mean()) / 2)


def draw(
    context: FigureContext,
    *,
    pictures: Sequence[int] = (0,),
    classes: str | None = None,
    layers: str | None = None,
    statistics: Path | None = None,
) -> FigureFile:
    """The figure for some pictures, one below the other. ``statistics``: what `zoo codes fit` wrote."""
    lines = [
        line
        for place in pictures
        for line in rows(context, place, classes=classes, layers=layers, statistics=statistics)
    ]
    whose_way = "these test pictures" if statistics is None else "the dataset"
    whose = "those of the class" if classes or context.by("class") else "they"
    each = ", one layer at a time," if context.by("layer") else ""
    text = (
        f"Unchanged: the picture from its own codes. Below: {whose}{each} moved along the first principal direction of "
        f"{whose_way}, by the given number of standard "
        "deviations. Numbers: mean absolute change of a pixel at both ends, of 255."
    )
    return FigureFile("Figure 15: material editing", text, sheet(lines))
