"""A figure with its title, as a file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from zoo.visual import save_picture
from zoo_bench.report.figures.sheet import FONT, GAP, LINE

DPI = 220
"""Pictures of 256 pixels keep nearly all of them where five stand in a row."""
SMALL = 8.5
"""Points of the text below the title."""
GREY = "#3a3f44"
LETTER = 0.56
"""Width of a letter as a share of its height, on the safe side of the average."""


@dataclass(frozen=True)
class FigureFile:
    """A figure with a title and a sentence or two on how to read it."""

    title: str
    text: str
    figure: Figure

    def save(self, path: Path, run: str) -> None:
        """Write a PNG atomically, with the title, ``run`` (a description of the run) and the text above the sheet."""
        width, height = self.figure.get_size_inches()
        small: dict[str, Any] = {"fontsize": SMALL, "color": GREY}
        title: dict[str, Any] = {"fontsize": FONT, "weight": "bold"}
        y = height + GAP
        # from below
        for text, style in ((self.text, small), (run, small | {"style": "italic"}), (self.title, title)):
            share = style["fontsize"] / FONT
            lines = fill(text, int(width * 72 / (style["fontsize"] * LETTER)))
            self.figure.text(GAP / width, y / height, lines, va="bottom", linespacing=1.15, **style)
            y += (lines.count("\n") + 1) * LINE * share + GAP
        file = io.BytesIO()
        # a tight box takes in what stands above the sheet
        self.figure.savefig(file, format="png", dpi=DPI, bbox_inches="tight", pad_inches=2 * GAP)
        pixels = np.array(Image.open(file).convert("RGB"))
        save_picture(path, torch.from_numpy(pixels).permute(2, 0, 1))
