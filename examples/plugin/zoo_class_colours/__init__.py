"""Class colours: an example of a method for the zoo, in one file."""

from zoo_class_colours.method import ClassColours

__all__ = ["ClassColours"]
