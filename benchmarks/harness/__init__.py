"""The harness: which cells are missing, who runs them where, and how far they are."""

from benchmarks.harness.session import Session, run

__all__ = ["Session", "run"]
