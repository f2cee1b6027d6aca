"""Layers of codes as people write them: 0 (fine texture) ... last (the look of the whole picture)."""

from __future__ import annotations

import re

from zoo.errors import ZooError

MOST = 999


def layer_indices(text: str) -> tuple[int, ...]:
    """Numbers and ranges, such as "0-2" or "0,3,5", ascending. Raises ZooError for anything else."""
    found: set[int] = set()
    for word in text.split(","):
        bounds = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", word)
        if bounds is None:
            raise ZooError(f'"{text}" names no layers: give numbers or ranges such as 0-2 or 0,3.')
        first, last = int(bounds[1]), int(bounds[2] or bounds[1])
        if max(first, last) > MOST:
            raise ZooError(f'"{text}" names layers above {MOST}, which no method has: give numbers such as 0-2 or 0,3.')
        found.update(range(first, last + 1))
    if not found:
        raise ZooError(f'"{text}" names no layers: a range goes from the lower to the higher number, such as 0-2.')
    return tuple(sorted(found))
