"""Class colours: an example of a plugin for the zoo."""

from zoo_class_colours.method import ClassColours

__all__ = ["ClassColours"]
