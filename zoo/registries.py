"""The registries of the zoo. Each imports the modules that register its entries at the first lookup.

``@METHODS.register("clvae")`` makes a class available under that name in all commands and configs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from zoo.plugins import load_plugins, loaded_plugins, unreported
from zoo.registry import Registry


def _core_and_plugins(package: str) -> Callable[[], None]:
    """A function that imports a package of the core, which registers its own entries, and then the plugins."""

    def populate() -> None:
        import_module(package)
        load_plugins()

    return populate


def _plugins() -> str:
    return "; ".join(["plugins loaded: " + (", ".join(loaded_plugins()) or "none"), *unreported()])


METHODS = Registry("method", load_plugins, _plugins)
"""Classes of :class:`zoo.interfaces.Method`."""

DATASETS = Registry("dataset", _core_and_plugins("zoo.data"), _plugins)
"""Classes of :class:`zoo.data.PairedDataset`."""

STANDINS = Registry("stand-in", load_plugins, _plugins)
"""Classes of :class:`zoo.data.StandIn`, which draw procedural pictures to replace a dataset."""

CALLBACKS = Registry("callback", load_plugins, _plugins)
"""Classes of :class:`zoo.callbacks.Callback` that configs can use by name."""

METRICS = Registry("metric", _core_and_plugins("zoo.metrics"), _plugins)
"""Classes of :class:`zoo.metrics.Metric`."""

TABLES = Registry("table", load_plugins, _plugins)
"""Functions without arguments that return a table's row for `zoo list` as a dictionary."""
