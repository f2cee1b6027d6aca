"""Figures 12 (ADE20K) and 13 (DeepFashion): masks in the style of other pictures (section 4.4.1)."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.codes import Codes
from zoo.editing.edits import Target, edit_style
from zoo_bench.paper_figures.context import FigureContext
from zoo_bench.paper_figures.file import FigureFile
from zoo_bench.report.figures.sheet import Row, headed, sheet

NUMBERS = {"ade20k": "Figure 12", "deepfashion": "Figure 13"}
"""The paper's figure of a dataset."""
PICTURES = 4
"""Default number of test pictures."""


def styles(
    context: FigureContext, pictures: Sequence[int], *, classes: str | None = None, layers: str | None = None
) -> list[list[Codes]]:
    """``[mask][target]``: codes of batch 1 for every mask, in the style of every picture of the same list."""
    method, found = context.editor.method, [context.picture(place) for place in pictures]
    targets = [Target(image, label, context.editor.classes(classes, within=label)) for image, label in found]
    chosen = context.editor.layers(layers)
    return [
        [edit_style(method, label, [target], layers=chosen, seed=context.seed) for target in targets]
        for _, label in found
    ]


def rows(
    context: FigureContext, pictures: Sequence[int], *, classes: str | None = None, layers: str | None = None
) -> list[Row]:
    """Targets above, masks on the left."""
    found = [context.picture(place) for place in pictures]
    targets = [None, *(context.shown(image, label) for image, label in found)]
    lines = headed([Row("", targets, below=True)], ["", *(f"target {i + 1}" for i in range(len(found)))])
    for (_, label), codes in zip(found, styles(context, pictures, classes=classes, layers=layers), strict=True):
        results = [panel for one in codes for panel in context.drawn(label, one)]
        lines.append(Row("", [context.mask(label, "" if len(lines) > 1 else "mask"), *results]))
    return lines


def draw(
    context: FigureContext,
    *,
    pictures: Sequence[int] | None = None,
    classes: str | None = None,
    layers: str | None = None,
) -> FigureFile:
    """The figure for some pictures, by default the first, each of which is a mask and a target."""
    places = range(min(PICTURES, len(context.dataset))) if pictures is None else pictures
    lines = rows(context, places, classes=classes, layers=layers)
    title = f"{NUMBERS.get(context.dataset.name, 'Figures 12 and 13')}: style-guided synthesis"
    return FigureFile(title, _text(context, classes, layers), sheet(lines))


def _text(context: FigureContext, classes: str | None, layers: str | None) -> str:
    given = "the codes"
    if classes or context.by("class"):
        given += f" of {classes}" if classes else " of the classes that both have"
    if layers:
        given += f" at the layers {layers}"
    drawn = "" if given == "the codes" else "; all others are drawn, the same ones along a row"
    return f"Each mask in the style of each target, which gives {given}{drawn}. Diagonal: a picture and its own mask."
