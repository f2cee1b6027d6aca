"""Figure 14: single classes of a picture redrawn, all others kept (section 4.4.2)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from zoo.codes import Codes
from zoo.editing.edits import edit_object
from zoo.editing.encoding import render as synthesized
from zoo.editing.pasting import paste_back, region_of
from zoo.visual import to_uint8
from zoo_bench.paper_figures.context import FigureContext
from zoo_bench.paper_figures.file import FigureFile
from zoo_bench.report.figures.sheet import Row, headed, panel, sheet

CLASSES = 3
"""Number of largest classes of a picture that are redrawn."""


def edits(
    context: FigureContext,
    place: int,
    *,
    classes: str | None = None,
    layers: str | None = None,
    samples: int = 4,
) -> tuple[Codes, dict[int, Codes]]:
    """The codes of a picture (batch 1), and by class those of ``samples`` redraws of this class alone.

    ``zoo edit object`` with the same picture, class and seed draws the same.
    """
    editor, (image, label) = context.editor, context.picture(place)
    codes = editor.codes(image, label, context.seed)
    chosen = editor.layers(layers)
    return codes, {
        k: edit_object(editor.method, label, codes, classes=[k], layers=chosen, samples=samples, seed=context.seed + 1)
        for k in context.classes(classes, label, CLASSES)
    }


def pasted(edited: Tensor, image: Tensor, label: Tensor, class_id: int) -> Tensor:
    """Edited pictures uint8 ``[S, 3, H, W]`` with the pixels of ``image`` outside the class."""
    return paste_back(edited, to_uint8(image).cpu(), region_of(label[0], [class_id]).cpu())


def rows(
    context: FigureContext, place: int, *, classes: str | None = None, layers: str | None = None, samples: int = 4
) -> list[Row]:
    """The lines for one picture: before, then two for each class, synthesised throughout and pasted back."""
    image, label = context.picture(place)
    codes, redraws = edits(context, place, classes=classes, layers=layers, samples=samples)
    (rebuilt,) = context.drawn(label, codes)
    before = headed([Row("", [context.mask(label), context.shown(image), rebuilt])], ["mask", "picture", "unchanged"])
    lines = [Row("", before[0].panels, below=True)]
    for k, changed in redraws.items():
        name = context.editor.table.names[k]
        edited = synthesized(context.editor.method, label, changed)
        kept = pasted(edited, image, label, k)
        lines.append(Row(name, [context.mask(label, only=(k,)), *map(panel, edited.numpy())]))
        lines.append(Row(f"{name} (pasted back)", [None, *map(panel, kept.numpy())], below=True))
    captions = ["where", *(f"redraw {i + 1}" for i in range(samples))]
    return [lines[0], *headed(lines[1:], captions)]


def draw(
    context: FigureContext,
    *,
    pictures: Sequence[int] = (0,),
    classes: str | None = None,
    layers: str | None = None,
    samples: int = 4,
) -> FigureFile:
    """The figure for some pictures, one below the other."""
    lines = [
        line for place in pictures for line in rows(context, place, classes=classes, layers=layers, samples=samples)
    ]
    text = (
        "Unchanged: the picture from its own codes. Below: the codes of one class redrawn, all others kept. Pasted "
        "back: outside the class, the pixels of the picture itself."
    )
    return FigureFile("Figure 14: object editing", text, sheet(lines))
