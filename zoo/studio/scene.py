"""A mask with codes: what every action on the page starts from.

Letters: S samples, H x W picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from zoo.codes import Codes
from zoo.editing.edit_file import EditFile
from zoo.editing.masks import repainted
from zoo.editing.objects import PasteBack, paste_region
from zoo.editing.synthesis import pictures
from zoo.studio.models import StudioModel

ENTRY = 64
"""Bytes that an entry of the store takes beside its tensors, so that empty codes count, too."""


@dataclass(frozen=True)
class KeptCodes:
    """Codes of batch 1 on the CPU, and the id of the model that they belong to."""

    model: str
    codes: Codes

    @property
    def nbytes(self) -> int:
        return ENTRY + sum(tensor.nbytes for tensor in self.codes.values())


UNKNOWN = -1
"""In the label of a picture: where its own class is not known, and the edit shows whatever is painted."""


@dataclass(frozen=True)
class OpenedPicture:
    """A picture uint8 ``[3, H, W]`` with its label ``[1, H, W]``: as the model sees it, and as its file has it; on the
    CPU. The label of the file is int16, since there are many of its pixels, but at most 256 classes.
    """

    pixels: Tensor
    label: Tensor
    original: Tensor
    original_label: Tensor

    @property
    def nbytes(self) -> int:
        return ENTRY + sum(t.nbytes for t in (self.pixels, self.label, self.original, self.original_label))


@dataclass(frozen=True)
class Paste:
    """The opened picture is seen outside of ``classes`` and of what was painted anew."""

    opened: OpenedPicture
    classes: tuple[int, ...]
    feather: int

    def back(self, label: Tensor) -> PasteBack:
        """For pictures that are painted for a label ``[1, H, W]`` on the CPU, at the size of the model."""
        return PasteBack(self.opened.pixels, paste_region(self.opened.label, label, self.classes), self.feather)

    def back_onto_file(self, label: Tensor) -> PasteBack:
        """The same at the size of the picture's file."""
        own = self.opened.original_label
        painted = repainted(own[0], self.opened.label[0], label[0])[None]
        return PasteBack(self.opened.original, paste_region(own, painted, (*self.classes, UNKNOWN)), self.feather)


@dataclass(frozen=True)
class Scene:
    """model; label ``[1, H, W]`` and codes of batch 1 on its device; and what is pasted back, if anything."""

    model: StudioModel
    label: Tensor
    codes: Codes
    paste: Paste | None = None

    def pictures(self, codes: Codes | None = None) -> Tensor:
        """What the scene looks like, or would with other codes of batch S: uint8 ``[S, 3, H, W]`` on the CPU."""
        pixels = pictures(self.model.method, self.label, self.codes if codes is None else codes)
        return pixels if self.paste is None else self.paste.back(self.label.cpu()).onto(pixels)

    def edit(self) -> EditFile:
        """What is kept of the scene: pasted back at the size of the file that the picture came from."""
        label = self.label.cpu()
        pixels = pictures(self.model.method, self.label, self.codes)
        paste = None if self.paste is None else self.paste.back_onto_file(label)
        return EditFile(
            mask=label[0],
            codes=self.codes.to("cpu"),
            result=(pixels if paste is None else paste.onto(pixels))[0],
            checkpoint=self.model.digest,
            method=self.model.method.name,
            paste=paste,
        )
