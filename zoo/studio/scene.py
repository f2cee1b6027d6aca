"""The scene of a request: a mask with codes, the input of every action of the page.

Letters: S samples, H x W picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from zoo.codes import Codes
from zoo.editing.edit_file import EditFile
from zoo.editing.encoding import render
from zoo.editing.masks import repainted
from zoo.editing.pasting import PasteBack, paste_region
from zoo.studio.models import StudioModel
from zoo.studio.store import UNKNOWN, OpenedPicture


@dataclass(frozen=True)
class Paste:
    """The opened picture is pasted back outside the edit.

    Attributes:
        opened: The picture.
        classes: Classes whose codes were edited; the edit also shows where the mask was changed.
        feather: Width of the fading border, in pixels of the model.
    """

    opened: OpenedPicture
    classes: tuple[int, ...]
    feather: int

    def back(self, label: Tensor) -> PasteBack:
        """What pictures of a mask ``[1, H, W]`` (on the CPU) are pasted back onto, at the size of the model."""
        return PasteBack(self.opened.pixels, paste_region(self.opened.label, label, self.classes), self.feather)

    def back_onto_file(self, label: Tensor) -> PasteBack:
        """As :meth:`back`, at the size of the picture's file."""
        own = self.opened.original_label
        painted = repainted(own[0], self.opened.label[0], label[0])[None]
        return PasteBack(self.opened.original, paste_region(own, painted, (*self.classes, UNKNOWN)), self.feather)


@dataclass(frozen=True)
class Scene:
    """A mask with codes.

    Attributes:
        model: The model that paints it.
        label: The mask ``[1, H, W]``, on the model's device.
        codes: Codes of batch 1, on the model's device.
        paste: What is pasted back, if anything.
    """

    model: StudioModel
    label: Tensor
    codes: Codes
    paste: Paste | None = None

    def pictures(self, codes: Codes | None = None) -> Tensor:
        """Draw the scene, with its codes or others of batch S: uint8 ``[S, 3, H, W]`` on the CPU."""
        pixels = render(self.model.method, self.label, self.codes if codes is None else codes)
        return pixels if self.paste is None else self.paste.back(self.label.cpu()).onto(pixels)

    def edit(self) -> EditFile:
        """The scene as an edit file, pasted back at the size of the picture's file."""
        label = self.label.cpu()
        pixels = render(self.model.method, self.label, self.codes)
        paste = None if self.paste is None else self.paste.back_onto_file(label)
        return EditFile(
            mask=label[0],
            codes=self.codes.to("cpu"),
            result=(pixels if paste is None else paste.onto(pixels))[0],
            checkpoint=self.model.digest,
            method=self.model.method.name,
            paste=paste,
        )
