"""Whether a claim of the paper holds for the numbers of a run, in a sentence that shows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from zoo_bench.tables import Claim

Outcome = Literal["held", "did not hold", "cannot be told"]
Better = Literal["higher", "lower"]
ROUNDING = 1e-9
"""In percent: 0.103 and 0.1 are 3 % apart, though their floats are a little more."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of one metric, by the labels of the rows that compete.

    by_seed: ``{label: {seed: value}}``. absent: why a row has no number, for those that have none. without: rows that
    cannot have one, as a method without random codes.
    """

    better: Better
    by_seed: Mapping[str, Mapping[int, float]]
    absent: Mapping[str, str]
    without: frozenset[str] = frozenset()
    digits: int = 3

    @property
    def means(self) -> dict[str, float]:
        return {label: math.fsum(found.values()) / len(found) for label, found in self.by_seed.items() if found}

    @property
    def seeds(self) -> list[int]:
        return sorted({seed for found in self.by_seed.values() for seed in found})

    def of_seed(self, seed: int) -> dict[str, float]:
        return {label: found[seed] for label, found in self.by_seed.items() if seed in found}


@dataclass(frozen=True)
class Verdict:
    """seeds: in how many seeds it held, in how many it can be told, and how many there are; None for a single seed."""

    claim: Claim
    outcome: Outcome
    reason: str
    seeds: tuple[int, int, int] | None = None
    toy: bool = False

    @property
    def detail(self) -> str:
        """What stands behind the outcome."""
        if self.seeds is None:
            return self.reason
        held, told, seeds = self.seeds
        untold = f", {seeds - told} cannot tell" if told < seeds else ""
        return f"{self.reason}; held in {held} of {seeds} seeds{untold}"

    @property
    def headline(self) -> str:
        return f"{self.outcome} (a toy run: this means nothing)" if self.toy else self.outcome

    @property
    def line(self) -> str:
        """Everything, for a page without markup."""
        return f"{self.headline}: {self.claim.text} ({self.detail})"


def judge(claim: Claim, numbers: Numbers, *, toy: bool = False) -> Verdict:
    """The verdict on the means over seeds; a claim that one known number contradicts did not hold, whatever is missing.

    Differences count at full precision; the sentence shows as many digits as tell the numbers apart.
    """
    outcome, reason = _judge(claim, numbers, numbers.means)
    seeds = None
    if len(numbers.seeds) > 1:
        single = [_judge(claim, numbers, numbers.of_seed(seed))[0] for seed in numbers.seeds]
        told = [one for one in single if one != "cannot be told"]
        seeds = (told.count("held"), len(told), len(single))
    return Verdict(claim, outcome, reason, seeds, toy)


def _judge(claim: Claim, numbers: Numbers, values: Mapping[str, float]) -> tuple[Outcome, str]:
    if claim.best is not None:
        return _best(claim.best, numbers, values)
    if claim.order:
        return _order(claim.order, claim.percent, numbers, values)
    return _alike(claim.alike, claim.percent, numbers, values)


def _best(best: str, numbers: Numbers, values: Mapping[str, float]) -> tuple[Outcome, str]:
    others = [label for label in [*numbers.by_seed] if label != best and label not in numbers.without]
    known = [label for label in others if label in values]
    missing = _missing([best, *others], numbers, values)
    if best not in values or not known:
        return "cannot be told", missing or f"no row to compare {best} with"
    pick = max if numbers.better == "higher" else min
    rival = pick(known, key=values.__getitem__)
    shown = _shown(values, numbers.digits, (best, rival))
    reason = _chain([best, rival], values, shown) + (", the best of the others" if len(others) > 1 else "")
    if not _ahead(values[best], values[rival], numbers.better):
        return "did not hold", reason
    return ("cannot be told", f"{reason} so far; {missing}") if missing else ("held", reason)


def _order(order: Sequence[str], percent: float, numbers: Numbers, values: Mapping[str, float]) -> tuple[Outcome, str]:
    known = [label for label in order if label in values]
    missing = _missing(order, numbers, values)
    if len(known) < 2:
        return "cannot be told", missing
    shown = _shown(values, numbers.digits, known)
    reason = _chain(known, values, shown)
    if percent:
        gaps = [_gap(values[a], values[b]) for a, b in pairwise(known)]
        reason += f", {' and '.join(_percent(gap, percent) for gap in gaps)} apart ({percent:g} % at least)"
    if not all(_ahead(values[a], values[b], numbers.better, percent) for a, b in pairwise(known)):
        return "did not hold", reason
    return ("cannot be told", f"{reason} so far; {missing}") if missing else ("held", reason)


def _alike(alike: Sequence[str], percent: float, numbers: Numbers, values: Mapping[str, float]) -> tuple[Outcome, str]:
    known = [label for label in alike if label in values]
    missing = _missing(alike, numbers, values)
    if len(known) < 2:
        return "cannot be told", missing
    shown = _shown(values, numbers.digits, known)
    low, high = min(values[label] for label in known), max(values[label] for label in known)
    gap = _gap(low, high)
    listed = ", ".join(f"{label} {shown(values[label])}" for label in known)
    reason = f"{listed}: {_percent(gap, percent)} apart ({percent:g} % at most)"
    if gap > percent + ROUNDING:
        return "did not hold", reason
    return ("cannot be told", f"{reason} so far; {missing}") if missing else ("held", reason)


def _ahead(a: float, b: float, better: Better, percent: float = 0.0) -> bool:
    """Whether ``a`` is better than ``b``, by ``percent`` of the smaller number at least."""
    return (a > b if better == "higher" else a < b) and _gap(a, b) >= percent - ROUNDING


def _gap(a: float, b: float) -> float:
    """How far two numbers lie apart, in percent of the smaller one."""
    low, high = sorted((a, b))
    if low == high:
        return 0.0
    return (high - low) / low * 100 if low > 0 else math.inf


def _percent(gap: float, limit: float) -> str:
    """With a digit more where rounding would hide on which side of the limit it lies."""
    digits = next((d for d in (1, 2, 3) if (round(gap, d) > limit) == (gap > limit)), 4)
    return f"{gap:.{digits}f} %"


def _missing(labels: Iterable[str], numbers: Numbers, values: Mapping[str, float]) -> str:
    absent = [f"{label} ({numbers.absent.get(label, 'not of this seed')})" for label in labels if label not in values]
    return f"no number of {', '.join(absent)}" if absent else ""


def _shown(values: Mapping[str, float], digits: int, labels: Sequence[str]) -> Callable[[float], str]:
    """A format with as many digits, up to three more, as tell unequal numbers apart."""
    distinct = {values[label] for label in labels}
    enough = (n for n in range(digits, digits + 3) if len({f"{v:.{n}f}" for v in distinct}) == len(distinct))
    places = next(enough, digits + 3)
    return lambda value: f"{value:.{places}f}"


def _chain(labels: Sequence[str], values: Mapping[str, float], shown: Callable[[float], str]) -> str:
    """``A 0.3 > B 0.2 = C 0.2``."""
    parts = [f"{labels[0]} {shown(values[labels[0]])}"]
    for a, b in pairwise(labels):
        sign = ">" if values[a] > values[b] else "<" if values[a] < values[b] else "="
        parts.append(f"{sign} {b} {shown(values[b])}")
    return " ".join(parts)
