"""The figures of a bench, drawn from stored numbers and pictures alone."""

from benchmarks.figures.drawing import Drawn, draw

__all__ = ["Drawn", "draw"]
