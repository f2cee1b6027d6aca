"""The registries of the zoo. Each imports what registers names in it at its first look-up.

``@METHODS.register("clvae")`` makes a class available under that name, wherever a command or config takes one.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from zoo.plugins import load_plugins, loaded_plugins, unreported
from zoo.registry import Registry


def _core_and_plugins(package: str) -> Callable[[], None]:
    """Imports a package of the core, which registers its own names, then the plugins."""

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
"""Classes of :class:`zoo.data.StandIn`, which draw pictures that replace those of a dataset."""

CALLBACKS = Registry("callback", load_plugins, _plugins)
"""What training can call, by name, from a config."""

METRICS = Registry("metric", _core_and_plugins("zoo.metrics"), _plugins)
"""Classes of :class:`zoo.metrics.Metric`."""

TABLES = Registry("table", load_plugins, _plugins)
"""Functions without arguments that describe a table, as a dictionary with the columns that `zoo list` shows."""
