"""Sheets of pictures with titles for rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import fill
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from zoo.visual import colour_labels, to_uint8

Pixels = NDArray[np.uint8]
WIDTH, DPI = 7.0, 110
FONT = 10.5
"""Inches, dots per inch and points; text is legible even on the screen of a phone."""
HIGHEST = 1.5
"""Inches of a picture, however few stand in a row."""
GAP, LINE = 0.05, 0.18
"""Inches between pictures, and from one line of text to the next."""


@dataclass(frozen=True)
class Panel:
    """A picture uint8 ``[H, W, 3]``; inset: a smaller one in its lower left corner; caption: what stands above it."""

    image: Pixels
    inset: Pixels | None = None
    caption: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a sheet, titled on the left; None leaves a place empty. below: more room under it, between groups."""

    title: str
    panels: Sequence[Panel | None]
    below: bool = False


def headed(rows: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    """The rows with a caption for every column, above the first row."""
    first = rows[0]
    panels = [
        None if panel is None else replace(panel, caption=title)
        for panel, title in zip(first.panels, columns, strict=False)
    ]
    return [replace(first, panels=panels), *rows[1:]]


def sheet(rows: Sequence[Row], width: float = WIDTH) -> Figure:
    """All pictures at one size, in a figure of at most ``width`` inches."""
    left = max(_inches(line) for row in rows for line in _wrapped(row.title).split("\n")) + 2 * GAP
    count = max(len(row.panels) for row in rows)
    shape = next(panel.image.shape for row in rows for panel in row.panels if panel is not None)
    each = min((width - left - GAP * count) / count, HIGHEST * shape[1] / shape[0])
    high = each * shape[0] / shape[1]
    width = left + (each + GAP) * count
    captions = [[_caption(panel, each) for panel in row.panels] for row in rows]
    above = [max(text.count("\n") + 1 if text else 0 for text in texts) * LINE for texts in captions]
    inside = [max(high, (_wrapped(row.title).count("\n") + 1) * LINE) for row in rows]
    below = [GAP * (4 if row.below else 1) for row in rows]
    height = GAP + sum(above) + sum(inside) + sum(below)
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")

    def write(x: float, y: float, text: str, **style: Any) -> None:
        figure.text(x / width, 1 - y / height, text, fontsize=FONT, linespacing=1.1, **style)

    y = GAP
    for row, texts, before, room, after in zip(rows, captions, above, inside, below, strict=True):
        y += before
        write(left - GAP, y + room / 2, _wrapped(row.title), ha="right", va="center")
        for column, (panel, text) in enumerate(zip(row.panels, texts, strict=True)):
            if panel is not None:
                x = left + column * (each + GAP)
                write(x + each / 2, y - GAP, text, ha="center", va="baseline")
                top = y + (room - high) / 2
                _show(figure.add_axes((x / width, 1 - (top + high) / height, each / width, high / height)), panel)
        y += room + after
    return figure


def _show(axes: Axes, panel: Panel) -> None:
    height, width = panel.image.shape[:2]
    axes.imshow(panel.image, interpolation="nearest" if width < 100 else "antialiased")
    _frame(axes, "#C8CCD0", 0.6)  # some pictures are white at their sides
    if panel.inset is not None:
        inset = axes.inset_axes((0.02, 0.02 * width / height, 0.36, 0.36))
        inset.imshow(panel.inset, interpolation="nearest")
        _frame(inset, "white", 1.5)


def _frame(axes: Axes, colour: str, width: float) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(colour)
        spine.set_linewidth(width)


def _wrapped(title: str) -> str:
    lines = title.replace(" (", "\n(").split("\n")
    return "\n".join(fill(line, 13, break_long_words=False, break_on_hyphens=False) for line in lines)


def _caption(panel: Panel | None, width: float) -> str:
    """Wrapped to about the width of the picture, in inches."""
    text = "" if panel is None else panel.caption
    letters = int(len(text) * width / max(_inches(text), width))
    return fill(text, max(4, letters), break_long_words=False)


def _inches(text: str) -> float:
    return float(TextPath((0, 0), text, size=FONT).get_extents().width) / 72 if text.strip() else 0.0


def panel(pixels: NDArray[Any], inset: NDArray[Any] | None = None, caption: str = "") -> Panel:
    """From uint8 ``[3, H, W]``."""
    return Panel(_last(pixels), None if inset is None else _last(inset), caption)


def mask(label: NDArray[Any], classes: int) -> Pixels:
    """Label ``[H, W]`` in colours, uint8 ``[3, H, W]``."""
    coloured: Pixels = to_uint8(colour_labels(torch.from_numpy(label).long()[None], classes=classes))[0].numpy()
    return coloured


def _last(pixels: NDArray[Any]) -> Pixels:
    return np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
