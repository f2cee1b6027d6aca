"""Figures of pictures: reconstructions, samples, and redrawn parts of the codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo_bench.cell import CellFolder
from zoo_bench.interventions import Intervention
from zoo_bench.report.figures.sheet import Pixels, Row, headed, mask, panel, sheet
from zoo_bench.showcase import Showcase

MASKS = 2
"""Masks of a sheet of samples."""
MOST_COLUMNS = 6
"""A sheet with more has the methods in its rows instead."""

Shown = Sequence[tuple[str, Showcase]]
"""Rows of a table that have pictures: label and pictures."""


def shown(cells: Mapping[str, CellFolder]) -> Shown:
    """The rows of a table (label to cell) that have pictures, as far as they show the same masks."""
    found = [(label, showcase) for label, cell in cells.items() if (showcase := cell.showcase) is not None]
    return [(label, one) for label, one in found if np.array_equal(one.first.label, found[0][1].first.label)]


def reconstructions(rows: Shown) -> Figure | None:
    """A row per mask: mask, ground truth, and the reconstruction of each method."""
    rows = [(label, one) for label, one in rows if len(one.first.reconstruction)]
    if not rows:
        return None
    first = rows[0][1]
    masks = [mask(label, first.classes) for label in first.first.label]
    columns: list[tuple[str, Sequence[Pixels]]] = [("mask", masks), ("ground truth", list(first.first.image))]
    columns += [(label, list(one.first.reconstruction)) for label, one in rows]
    if len(columns) > MOST_COLUMNS:
        return sheet([Row(title, [panel(p) for p in pictures]) for title, pictures in columns])
    lines = [Row("", [panel(pictures[n]) for _, pictures in columns]) for n in range(len(masks))]
    return sheet(headed(lines, [title for title, _ in columns]))


def samples(rows: Shown) -> Figure | None:
    """For each mask a row per method with samples in the columns; the mask is set into the first picture."""
    rows = [(label, one) for label, one in rows if len(one.samples)]
    if not rows:
        return None
    first = rows[0][1]
    _, height, width = first.first.image[0].shape
    across = 4 if width > 1.5 * height else 6
    lines = []
    for number in range(min(MASKS, len(first.samples))):
        inset = mask(first.first.label[number], first.classes)
        for position, (label, one) in enumerate(rows):
            last = number + 1 < MASKS and position + 1 == len(rows)
            drawn = one.samples[number][:across]
            insets = [inset if position == i == 0 else None for i in range(len(drawn))]
            lines.append(Row(label, [panel(p, i) for p, i in zip(drawn, insets, strict=True)], below=last))
    return sheet(headed(lines, [f"sample {i + 1}" for i in range(across)]))


def worst(showcase: Showcase) -> Figure | None:
    """The pictures with the greatest LPIPS to their reconstruction."""
    found = showcase.worst
    if not len(found.reconstruction):
        return None
    lines = [
        Row(
            f"LPIPS {found.value[n]:.3f}",
            [
                panel(mask(found.label[n], showcase.classes)),
                panel(found.image[n]),
                panel(found.reconstruction[n]),
            ],
        )
        for n in range(len(found.index))
    ]
    return sheet(headed(lines, ["mask", "ground truth", "reconstruction"]), width=6.0)


def interventions(showcase: Showcase, axis: str) -> Figure | None:
    """A row per part of the codes: redraws of this part alone, and where they change the picture."""
    one = next((found for found in showcase.interventions if found.axis == axis), None)
    if one is None:
        return None
    place = int(np.flatnonzero(showcase.first.index == one.index)[0])
    changes = _changes(one)
    brightest = max(float(change.max()) for change in changes) or 1.0
    before = {
        "mask": mask(showcase.first.label[place], showcase.classes),
        "ground truth": showcase.first.image[place],
        "unchanged": one.base,
    }
    first = Row("", [panel(pixels, caption=title) for title, pixels in before.items()], below=True)
    lines = []
    for part, redrawn, change in zip(one.parts, one.redrawn, changes, strict=True):
        where = np.repeat((change / brightest * 255).astype(np.uint8)[None], 3, axis=0)
        lines.append(Row(f"{part}\nchange {change.mean():.1f}", [*map(panel, redrawn), panel(where)]))
    columns = [f"redraw {i + 1}" for i in range(one.redrawn.shape[1])]
    return sheet([first, *headed(lines, [*columns, "where"])])


def _changes(one: Intervention) -> list[NDArray[np.float64]]:
    """For each part the mean absolute difference to the unchanged picture, ``[H, W]`` in 0..255."""
    return [np.abs(redrawn.astype(np.float64) - one.base).mean(axis=(0, 1)) for redrawn in one.redrawn]
