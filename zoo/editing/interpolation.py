"""From one picture's codes to another's in equal steps."""

from __future__ import annotations

import torch

from zoo.codes import Codes
from zoo.errors import ZooError


def interpolated(first: Codes, second: Codes, steps: int) -> Codes:
    """Codes of batch ``steps``, the first row ``first`` and the last ``second`` (both of batch 1).

    Raises ZooError for fewer than two steps.
    """
    if steps < 2:
        raise ZooError(f"An interpolation of {steps} steps has no end: give 2 steps or more.")
    return first.repeated(steps).towards(second.repeated(steps), torch.linspace(0, 1, steps))
