"""The registry class, based on mmengine's Registry, with helpful error messages.

The registries themselves are in :mod:`zoo.registries`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from mmengine.registry import Registry as MMRegistry

from zoo.errors import ZooError, nearest

T = TypeVar("T")


class Registry:
    """A named set of classes or functions.

    Args:
        kind: What an entry is called in messages, such as "method".
        populate: Imports the modules that register entries. It is called before every lookup, and must return
            immediately if it has finished or is already running.
        describe_missing: Text that the error for an unknown name adds in brackets, such as the loaded plugins.
    """

    instances: ClassVar[list[Registry]] = []
    """Every registry of this process; a plugin that fails to import is removed from all of them."""

    def __init__(
        self, kind: str, populate: Callable[[], object] = lambda: None, describe_missing: Callable[[], str] = lambda: ""
    ) -> None:
        self.kind = kind
        self._populate = populate
        self.describe_missing = describe_missing
        self._registry = MMRegistry(f"zoo {kind}", scope="zoo")
        self.instances.append(self)

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that registers a class or function and sets the attribute ``name`` of a class.

        Raises:
            ZooError: Another object has the name.
        """

        def add(item: T) -> T:
            known = self._registry.module_dict.get(name)
            if known is not None and known is not item:
                raise ZooError(
                    f'Two {self.kind}s are called "{name}": {_origin(known)} and {_origin(item)}; rename one of them.'
                )
            self._registry.register_module(name=name, module=item, force=True)
            if isinstance(item, type):
                item.name = name  # type: ignore[attr-defined]
            return item

        return add

    def get(self, name: str) -> Any:
        """Look up an object.

        Raises:
            ZooError: The name is unknown; the message suggests similar names.
        """
        if name in self:
            return self._registry.module_dict[name]
        known = ", ".join(self.names()) or "none"
        details = self.describe_missing()
        hint = nearest(name, self.names())
        raise ZooError(
            f'There is no {self.kind} "{name}"{hint or "."} Known: {known}{f" ({details})" if details else ""}.'
        )

    def names(self) -> list[str]:
        """All names, sorted."""
        self._populate()
        return sorted(self._registry.module_dict)

    def registered(self) -> dict[str, Any]:
        """The current entries, without importing anything."""
        return dict(self._registry.module_dict)

    def remove(self, name: str) -> None:
        """Remove a name, as of a plugin whose import failed half-way."""
        self._registry.module_dict.pop(name, None)

    def __contains__(self, name: str) -> bool:
        self._populate()
        return name in self._registry.module_dict


def _origin(item: Any) -> str:
    return f"{getattr(item, '__module__', '?')}.{getattr(item, '__qualname__', item)}"
