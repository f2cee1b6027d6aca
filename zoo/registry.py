"""Registries: names to classes, on mmengine's Registry, with errors that help.

``@METHODS.register("clvae")`` makes a class buildable under that name; an unknown name is answered with near misses and
the plugins that were loaded. Each registry fills itself on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from mmengine.registry import Registry as MMRegistry

from zoo.errors import ZooError, nearest

T = TypeVar("T")


class Registry:
    """A named set of classes or functions; ``kind`` is the word used in messages ("method").

    ``populate`` imports what registers names here. It is called before every look-up, so that ``METHODS.get("clvae")``
    works in a fresh interpreter, and must return at once when its work is done or under way.
    """

    def __init__(self, kind: str, populate: Callable[[], object] = lambda: None) -> None:
        self.kind = kind
        self._populate = populate
        self._registry = MMRegistry(f"zoo {kind}", scope="zoo")

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator. Raises ZooError when the name is taken by another object."""

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
        """The registered object. Raises ZooError for an unknown name, with near misses and the state of the plugins."""
        if name in self:
            return self._registry.module_dict[name]
        from zoo.plugins import loaded_plugins, untold

        known = ", ".join(self.names()) or "none"
        plugins = "; ".join(["plugins loaded: " + (", ".join(loaded_plugins()) or "none"), *untold()])
        hint = nearest(name, self.names())
        raise ZooError(f'There is no {self.kind} "{name}"{hint or "."} Known: {known} ({plugins}).')

    def names(self) -> list[str]:
        """All names, sorted."""
        self._populate()
        return sorted(self._registry.module_dict)

    def registered(self) -> dict[str, Any]:
        """What is registered at this moment, without looking for more."""
        return dict(self._registry.module_dict)

    def remove(self, name: str) -> None:
        """Forget a name; for a plugin that broke half-way through its import."""
        self._registry.module_dict.pop(name, None)

    def __contains__(self, name: str) -> bool:
        self._populate()
        return name in self._registry.module_dict


def _origin(item: Any) -> str:
    return f"{getattr(item, '__module__', '?')}.{getattr(item, '__qualname__', item)}"


def _plugins() -> None:
    from zoo.plugins import load_plugins

    load_plugins()


def _core_and_plugins(package: str) -> Callable[[], None]:
    """Importing a package of the core registers what comes with the zoo; plugins add to it."""

    def populate() -> None:
        import_module(package)
        _plugins()

    return populate


METHODS = Registry("method", _plugins)
DATASETS = Registry("dataset", _core_and_plugins("zoo.data"))
METRICS = Registry("metric", _core_and_plugins("zoo.metrics"))
CALLBACKS = Registry("callback", _plugins)
TABLES = Registry("table", _plugins)
"""Functions without arguments that describe a table, as a dictionary with the columns that `zoo list` shows."""
