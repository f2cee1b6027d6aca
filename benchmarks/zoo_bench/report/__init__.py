"""The report: tables, claims and figures, made from what the cells have stored."""

from zoo_bench.report.write import Report, write

__all__ = ["Report", "write"]
