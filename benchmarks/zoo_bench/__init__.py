"""The bench: methods x datasets as the tables of the paper.

``zoo_bench.load("bench/paper")`` gives the results of a bench folder as one long DataFrame, see
:class:`zoo_bench.results.Results`; ``zoo_bench.load("bench/paper").table(2)`` is Table 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo_bench.results import Results

__all__ = ["load"]


def load(out: str | Path) -> Results:
    """Load the results of a bench folder: one line per table, row, seed and metric.

    Args:
        out: The output folder of ``zoo bench``. Cells may be unfinished.

    Raises:
        ZooError: If there is no bench.
    """
    from zoo_bench.results import Results  # pandas and torch take seconds

    return Results.load(Path(out))
