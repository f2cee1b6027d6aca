"""Class colours: an example of a plugin for the zoo. Importing it registers a method, a dataset and a metric."""

from zoo_class_colours.dataset import Shapes
from zoo_class_colours.method import ClassColours
from zoo_class_colours.metric import ReconstructionL1

__all__ = ["ClassColours", "ReconstructionL1", "Shapes"]
