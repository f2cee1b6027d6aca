"""What the figures are drawn from: a trained method, its test pictures, and the names of their classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zoo.codes import Codes
from zoo.config import is_toy
from zoo.data import PairedDataset
from zoo.data.standin import is_procedural
from zoo.editing.editor import Editor
from zoo.editing.encoding import render
from zoo.errors import ZooError
from zoo.metrics.results import training_facts
from zoo.trained import evaluation_pictures
from zoo.visual import to_uint8
from zoo_bench.report.figures.sheet import Panel, Pixels, mask, panel

PALE = 0.15
"""Share of their colour that classes keep which a mask does not highlight."""


@dataclass(frozen=True)
class FigureContext:
    """A trained method, its test pictures, and the seed of all draws. Masks and pictures have batch size 1."""

    editor: Editor
    dataset: PairedDataset
    seed: int

    @classmethod
    def load(
        cls,
        checkpoint: Path,
        *,
        data: str | None = None,
        data_root: Path | None = None,
        names: str | None = None,
        device: str = "auto",
        seed: int = 0,
    ) -> FigureContext:
        """A checkpoint with test pictures.

        Args:
            checkpoint: The file.
            data: Name of a dataset; by default the one that it was trained on.
            data_root: Folder of the dataset; by default that of the training.
            names: A table of class names that ships with the zoo.
            device: cpu, cuda, or auto.
            seed: Seed of all draws.

        Raises:
            ZooError: As :meth:`Editor.load` and :func:`evaluation_pictures` do.
        """
        editor = Editor.load(checkpoint, device=device, names=names)
        dataset = evaluation_pictures(editor.method, data or editor.method.config.data["name"], data_root)
        dataset.class_names = editor.table.names
        return cls(editor, dataset, seed)

    @property
    def run(self) -> str:
        """What was run, for a heading: ``TOY RUN: clvae, deepfashion, 64x64 procedural pictures, 20 iterations``."""
        method, (height, width) = self.editor.method, self.dataset.size
        profile, trained = method.config.profile, method.config.data["name"]
        kind = "TOY RUN: " if is_toy(profile) else "" if profile is None else f"profile {profile}: "
        drawn = "procedural" if is_procedural(self.dataset.root) else "real"
        shown = [] if trained == self.dataset.name else [f"trained on {trained}"]
        iterations = training_facts(self.editor.checkpoint)["iterations"]
        length = [] if iterations == "unknown" else [f"{iterations} iterations"]
        return kind + ", ".join([method.name, *shown, self.dataset.name, f"{height}x{width} {drawn} pictures", *length])

    def picture(self, place: int) -> tuple[Tensor, Tensor]:
        """Picture ``[1, 3, H, W]`` and label ``[1, H, W]`` at a place in the test set. Raises ZooError for none."""
        if not 0 <= place < len(self.dataset):
            raise ZooError(
                f"There is no test picture {place}: {self.dataset.name} has {len(self.dataset)}, at the places 0 to "
                f"{len(self.dataset) - 1}."
            )
        item = self.dataset[place]
        return item["image"][None].to(self.editor.device), item["label"][None].to(self.editor.device)

    def by(self, axis: str) -> bool:
        """Whether the codes have a "class" or "layer" axis."""
        return any(spec.axis(axis) for spec in self.editor.method.code_specs.values())

    def classes(self, words: str | None, label: Tensor, most: int) -> tuple[int, ...]:
        """The named classes of a mask, or its ``most`` largest, the largest first."""
        chosen = self.editor.classes(words, within=label)
        if chosen is not None:
            return chosen
        ids, areas = label.unique(return_counts=True)
        return tuple(ids[areas.argsort(descending=True, stable=True)[:most]].tolist())

    def layers(self, words: str | None) -> list[int]:
        """The named layers, or all: 0 (finest) to L - 1, and L for the codes of the picture as a whole."""
        chosen = self.editor.layers(words)
        if chosen is not None:
            return list(chosen)
        codes = self._any_codes()
        return [*range(codes.layers), *([codes.layers] if codes.layers and codes.global_names else [])]

    def layer_title(self, layer: int) -> str:
        """What a layer is called beside a row."""
        codes = self._any_codes()
        ends = {codes.layers: f" ({' and '.join(codes.global_names)})"}
        if codes.layers > 1:
            ends |= {0: " (finest)", codes.layers - 1: " (coarsest)"}
        return f"layer {layer}{ends.get(layer, '')}"

    def _any_codes(self) -> Codes:
        return Codes.normal(self.editor.method.code_specs, 1)

    def drawn(self, label: Tensor, codes: Codes) -> list[Panel]:
        """A panel for each row of ``codes``."""
        return [panel(pixels) for pixels in render(self.editor.method, label, codes).numpy()]

    def shown(self, image: Tensor, label: Tensor | None = None, caption: str = "") -> Panel:
        """The picture of the dataset, with its mask set into the corner where one is given."""
        return panel(to_uint8(image)[0].cpu().numpy(), None if label is None else self._coloured(label), caption)

    def mask(self, label: Tensor, caption: str = "", *, only: tuple[int, ...] | None = None) -> Panel:
        """The mask in colours; ``only`` highlights some classes; the others are pale."""
        pixels = self._coloured(label)
        if only is not None:
            pale = 255 - PALE * (255 - pixels.astype(np.float64))
            where: NDArray[np.bool_] = np.isin(label[0].cpu().numpy(), only)
            pixels = np.where(where, pixels, pale.round().astype(np.uint8))
        return panel(pixels, caption=caption)

    def _coloured(self, label: Tensor) -> Pixels:
        return mask(label[0].cpu().numpy(), self.dataset.classes)
