"""The figures of a bench, drawn from stored numbers and pictures alone."""

from zoo_bench.report.figures.drawing import Drawn, draw

__all__ = ["Drawn", "draw"]
