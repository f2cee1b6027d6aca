"""What the page has been given names for: codes and opened pictures, in bounded memory."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Protocol, TypeVar

from zoo.errors import ZooError


class UnknownError(ZooError):
    """A request names something that is not here."""


class Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


Kind = TypeVar("Kind", bound=Sized)


class Store:
    """Values by handle; those that were not used for longest are forgotten once all take more than ``capacity`` bytes.

    Belongs to one thread.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.nbytes = 0
        self._values: OrderedDict[str, Sized] = OrderedDict()

    def put(self, value: Sized) -> str:
        """A new handle for ``value``, which is kept even where it is larger than the store."""
        handle = secrets.token_hex(16)
        self._values[handle] = value
        self.nbytes += value.nbytes
        while self.nbytes > self.capacity and len(self._values) > 1:
            _, oldest = self._values.popitem(last=False)
            self.nbytes -= oldest.nbytes
        return handle

    def get(self, handle: str, kind: type[Kind]) -> Kind:
        """The value of a handle. Raises UnknownError where it is forgotten, or was never given for this kind."""
        value = self._values.get(handle)
        if not isinstance(value, kind):
            raise UnknownError(
                "The studio no longer holds the codes or the picture of this step: open the picture or a download "
                "again."
            )
        self._values.move_to_end(handle)
        return value
