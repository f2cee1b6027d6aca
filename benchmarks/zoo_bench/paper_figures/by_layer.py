"""What each layer of the codes changes in a picture (a figure that the paper does not have)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.editing.encoding import check_editable
from zoo.editing.encoding import render as synthesized
from zoo.errors import ZooError
from zoo.metrics import MethodSource
from zoo.visual import to_uint8
from zoo_bench.interventions import REDRAWN, Intervention, intervene
from zoo_bench.paper_figures.context import FigureContext
from zoo_bench.paper_figures.file import FigureFile
from zoo_bench.report.figures.pictures import interventions
from zoo_bench.showcase import Showcase, Shown

EVERYTHING = "code"
"""What is redrawn for a method whose codes have neither layers nor classes."""


def redraws(context: FigureContext, place: int) -> Intervention:
    """One picture with one layer redrawn at a time; for a method without layers one class, else everything."""
    method, (image, label) = context.editor.method, context.picture(place)
    check_editable(method)
    found = intervene(MethodSource(method, seed=context.seed), context.dataset, place, lambda pixels: pixels)
    if found:
        return found[0]  # layers come before classes
    fresh = method.sample(label, 1 + REDRAWN, seed=context.seed)
    base = fresh.rows([0]) if method.encoder is None else context.editor.codes(image, label, context.seed)
    redrawn = synthesized(method, label, fresh.rows(slice(1, None)))
    return Intervention(
        EVERYTHING,
        place,
        synthesized(method, label, base)[0].numpy(),
        np.array(["all codes"]),
        redrawn[None].numpy(),
    )


def draw(context: FigureContext, *, pictures: Sequence[int] = (0,)) -> FigureFile:
    """The figure for one picture. Raises ZooError for more."""
    if len(pictures) != 1:
        raise ZooError(f"The figure of layers shows one picture, but --pictures names {len(pictures)}: name one.")
    one, (image, label) = redraws(context, pictures[0]), context.picture(pictures[0])
    first = Shown(
        np.array([one.index]),
        np.array([context.dataset.pairs[one.index].name]),
        label.cpu().numpy(),
        to_uint8(image).cpu().numpy(),
        one.base[None],
    )
    no_samples = np.zeros((0, 0, *one.base.shape), np.uint8)
    showcase = Showcase(context.dataset.classes, first, no_samples, first, (one,))
    figure = interventions(showcase, one.axis)
    assert figure is not None, "the showcase holds the intervention"
    own = "the picture's own" if context.editor.method.encoder is not None else "those of one draw"
    what = f"one {one.axis} of them redrawn at a time"
    if one.axis == EVERYTHING:
        what = "all of them redrawn, as they have neither layers nor classes"
    text = (
        f"Unchanged: the codes are {own}. Below: {what}. Numbers: mean absolute change of a pixel, of 255. Last "
        "column: where the redraws change the picture, on one scale for all rows."
    )
    return FigureFile(f"What {'the' if one.axis == EVERYTHING else 'each'} {one.axis} does", text, figure)
