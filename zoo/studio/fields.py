"""The fields of a request, checked one by one: a page of another version, or another program, gets a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zoo.errors import ZooError

LARGEST_SEED = 2**53 - 1
"""The largest whole number that JavaScript holds exactly."""


class Fields:
    """A JSON object. Every reader raises ZooError for a field that is missing or of another type."""

    def __init__(self, values: Mapping[str, Any], place: str = "The request") -> None:
        self.values = values
        self.place = place

    @classmethod
    def parse(cls, text: str | bytes, place: str = "The request") -> Fields:
        return cls(_mapping(decoded(text, place), place), place)

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def text(self, key: str) -> str:
        value = self._get(key)
        if not isinstance(value, str):
            raise self._wrong(key, value, "must be text")
        return value

    def whole(self, key: str, *, least: int = 0, most: int = LARGEST_SEED) -> int:
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._wrong(key, value, f"must be a whole number from {least} to {most}")
        return value

    def number(self, key: str, *, least: float = -1e6, most: float = 1e6) -> float:
        value = self._get(key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(key, value, "must be a number")
        if not least <= value <= most:  # which no infinity is, nor what is no number
            raise self._wrong(key, value, f"must be from {least:g} to {most:g}")
        return float(value)

    def indices(self, key: str) -> tuple[int, ...] | None:
        """A list of whole numbers from 0; None for null and for a field that is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        sound = isinstance(value, list) and all(isinstance(i, int) and not isinstance(i, bool) for i in value)
        if not sound or any(not 0 <= i <= LARGEST_SEED for i in value) or len(value) > 10_000:
            raise self._wrong(key, value, "must be null or a list of whole numbers")
        return tuple(sorted(set(value)))

    def fields(self, key: str) -> Fields:
        """An object within this one."""
        place = f'The field "{key}"'
        return Fields(_mapping(self._get(key), place), place)

    def _get(self, key: str) -> Any:
        value = self.values.get(key)
        if value is None:
            raise ZooError(f'{self.place} lacks "{key}": reload the page, which may be older than the studio.')
        return value

    def _wrong(self, key: str, value: Any, what: str) -> ZooError:
        shown = json.dumps(value, default=str)
        shown = shown if len(shown) <= 40 else shown[:40] + "..."
        return ZooError(f'{self.place} has "{key}": {shown}, which {what}.')


def decoded(text: str | bytes, place: str) -> Any:
    """The value of a JSON text. Raises ZooError for anything else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{place} is no JSON: reload the page, which may be older than the studio.") from error


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ZooError(f"{place} must be a JSON object: reload the page, which may be older than the studio.")
    return value
