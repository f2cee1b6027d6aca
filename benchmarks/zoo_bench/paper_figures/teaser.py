"""Figure 1: samples of a mask, then one class of them at a time, then one layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from zoo.codes import Codes
from zoo_bench.paper_figures.context import FigureContext
from zoo_bench.paper_figures.file import FigureFile
from zoo_bench.report.figures.sheet import Row, headed, sheet

CLASSES = 3
"""Number of largest classes of a mask that are shown."""


@dataclass(frozen=True)
class Part:
    """The first sample with one class or one layer of each of the samples; all of it where neither is named."""

    codes: Codes
    class_id: int | None = None
    layer: int | None = None


def parts(codes: Codes, classes: Sequence[int], layers: Sequence[int]) -> Iterator[Part]:
    """From the codes of S samples of a mask; row s of every part holds what sample s gives."""
    first = codes.rows([0] * codes.batch_size)
    yield Part(codes)
    for k in classes:
        yield Part(first.replace(codes, classes=[k]), class_id=k)
    for layer in layers:
        yield Part(first.replace(codes, layers=[layer]), layer=layer)


def rows(
    context: FigureContext, place: int, *, classes: str | None = None, layers: str | None = None, samples: int = 5
) -> list[Row]:
    """The lines for one mask, without captions."""
    method, (_, label) = context.editor.method, context.picture(place)
    codes = method.sample(label, samples if method.code_specs else 1, seed=context.seed)
    ids = context.classes(classes, label, CLASSES) if classes or context.by("class") else ()
    found = []
    for part in parts(codes, ids, context.layers(layers)):
        first, title = None, "all codes"
        if part.class_id is not None:
            first, title = context.mask(label, only=(part.class_id,)), context.editor.table.names[part.class_id]
        elif part.layer is not None:
            title = context.layer_title(part.layer)
        else:
            first = context.mask(label)
        found.append(Row(title, [first, *context.drawn(label, part.codes)]))
    return found


def draw(
    context: FigureContext,
    *,
    pictures: Sequence[int] = (0,),
    classes: str | None = None,
    layers: str | None = None,
    samples: int = 5,
) -> FigureFile:
    """The figure for some masks, one below the other."""
    lines: list[Row] = []
    for place in pictures:
        *before, last = rows(context, place, classes=classes, layers=layers, samples=samples)
        lines += [*before, replace(last, below=True)]
    columns = ["mask", *(f"sample {i + 1}" for i in range(len(lines[0].panels) - 1))]
    return FigureFile("Figure 1: many pictures for one mask", _text(context), sheet(headed(lines, columns)))


def _text(context: FigureContext) -> str:
    if not context.editor.method.code_specs:
        return "This method has no codes, and so one picture for each mask."
    parts = " or one ".join(axis for axis in ("class", "layer") if context.by(axis))
    if not parts:
        return "Samples with all codes drawn."
    return (
        f"First row: samples with all codes drawn. Below: sample 1 with the codes of one {parts} of the sample above; "
        "all its other codes are kept."
    )
