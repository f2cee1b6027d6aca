"""Training: the loop in :mod:`zoo.engine.train`, and its helpers."""

from zoo.engine.interrupt import RunInterruptedError
from zoo.engine.train import plan, train

__all__ = ["RunInterruptedError", "plan", "train"]
