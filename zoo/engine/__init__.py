"""Training on mmengine's Runner: the loop, its hooks, exact resume, and distribution."""

from zoo.engine.interrupt import RunInterruptedError
from zoo.engine.train import plan, train

__all__ = ["RunInterruptedError", "plan", "train"]
