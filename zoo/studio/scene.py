"""A mask with codes: what every action on the page starts from.

Letters: S samples, H x W picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from zoo.codes import Codes
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


@dataclass(frozen=True)
class OpenedPicture:
    """A picture as it was opened: uint8 ``[3, H, W]`` with its label ``[1, H, W]``, on the CPU."""

    pixels: Tensor
    label: Tensor

    @property
    def nbytes(self) -> int:
        return ENTRY + self.pixels.nbytes + self.label.nbytes


@dataclass(frozen=True)
class Paste:
    """The opened picture is seen outside of ``classes`` and of what was painted anew."""

    opened: OpenedPicture
    classes: tuple[int, ...]
    feather: int

    def back(self, label: Tensor) -> PasteBack:
        """For pictures that are painted for a label ``[1, H, W]`` on the CPU."""
        return PasteBack(self.opened.pixels, paste_region(self.opened.label, label, self.classes), self.feather)


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
        back = self.pasted_back
        return pixels if back is None else back.onto(pixels)

    @property
    def pasted_back(self) -> PasteBack | None:
        return None if self.paste is None else self.paste.back(self.label.cpu())
