"""An example of a plugin for the zoo; importing it registers a method, a dataset, a metric and a table."""

from pathlib import Path

from zoo_bench.tables import register
from zoo_class_colours.dataset import Shapes
from zoo_class_colours.method import ClassColours
from zoo_class_colours.metric import ReconstructionL1

__all__ = ["ClassColours", "ReconstructionL1", "Shapes"]

register(Path(__file__).parent / "tables")
