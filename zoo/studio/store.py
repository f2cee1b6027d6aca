"""Codes and opened pictures by handle, in bounded memory."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor

from zoo.codes import Codes
from zoo.errors import ZooError

ENTRY_BYTES = 64
"""Bytes of an entry beside its tensors, so that empty codes count, too."""

UNKNOWN = -1
"""Class of pixels of an opened picture whose original class is unknown; the edit is always shown there."""


class UnknownError(ZooError):
    """A request names something that the studio does not have."""


@dataclass(frozen=True)
class KeptCodes:
    """Codes of batch 1 on the CPU, and the id of the model that they belong to."""

    model: str
    codes: Codes

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return ENTRY_BYTES + sum(tensor.nbytes for tensor in self.codes.values())


@dataclass(frozen=True)
class OpenedPicture:
    """A picture with its label, on the CPU.

    Attributes:
        pixels: uint8 ``[3, H, W]`` at the size of the model.
        label: int64 ``[1, H, W]`` at the size of the model.
        original: uint8 ``[3, H, W]`` at the size of the file.
        original_label: int16 ``[1, H, W]`` at the size of the file, which may be large.
    """

    pixels: Tensor
    label: Tensor
    original: Tensor
    original_label: Tensor

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return ENTRY_BYTES + sum(t.nbytes for t in (self.pixels, self.label, self.original, self.original_label))


class Sized(Protocol):
    """What a store holds."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""


Kind = TypeVar("Kind", bound=Sized)


class Store:
    """Values by handle; the least recently used are dropped while all take more than ``capacity`` bytes.

    Not thread-safe.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.nbytes = 0
        self._values: OrderedDict[str, Sized] = OrderedDict()

    def put(self, value: Sized) -> str:
        """A new handle for a value, which is kept even if it is larger than ``capacity``."""
        handle = secrets.token_hex(16)
        self._values[handle] = value
        self.nbytes += value.nbytes
        while self.nbytes > self.capacity and len(self._values) > 1:
            _, oldest = self._values.popitem(last=False)
            self.nbytes -= oldest.nbytes
        return handle

    def get(self, handle: str, kind: type[Kind]) -> Kind:
        """The value of a handle. Raises UnknownError if it was dropped, or is of another kind."""
        value = self._values.get(handle)
        if not isinstance(value, kind):
            raise UnknownError(
                "The studio no longer holds the codes or the picture of this step: open the picture or a download "
                "again."
            )
        self._values.move_to_end(handle)
        return value
