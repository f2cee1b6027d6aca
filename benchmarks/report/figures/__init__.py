"""The figures of a bench, drawn from stored numbers and pictures alone."""

from benchmarks.report.figures.drawing import Drawn, draw

__all__ = ["Drawn", "draw"]
