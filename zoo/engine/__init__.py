"""Training: the loop in :mod:`zoo.engine.train`, and the helpers that it calls."""

from zoo.engine.interrupt import RunInterruptedError
from zoo.engine.train import plan, train

__all__ = ["RunInterruptedError", "plan", "train"]
