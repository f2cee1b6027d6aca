"""A plugin for the time of one test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.small_bench import PLUGIN
from zoo import plugins
from zoo.registries import METHODS


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The path of the plugin with the method "fragile", which nobody else sees."""
    plugins.load_plugins()
    monkeypatch.setattr(plugins, "_loaded", dict(plugins._loaded))
    yield PLUGIN
    if "fragile" in METHODS.registered():
        METHODS.remove("fragile")
    sys.modules.pop("fragile", None)
