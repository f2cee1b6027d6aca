"""Comparison of a publication's claims with the numbers of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from zoo_bench.results import NOT_APPLICABLE
from zoo_bench.tables import Claim

CONFIRMED, NOT_CONFIRMED, INCONCLUSIVE = "confirmed", "not confirmed", "inconclusive"
ROUNDING = 1e-9
"""Tolerance in percent: 0.103 and 0.1 are 3 % apart, though their floats are a little more."""


def evaluate(claim: Claim, numbers: pd.DataFrame) -> tuple[str, str]:
    """The outcome of a claim and the numbers behind it, in a sentence.

    A claim that one known number contradicts is not confirmed, whatever is missing; where a missing number could still
    decide, it is inconclusive. Means over seeds are compared at full precision, and printed with as many digits as tell
    them apart.

    Args:
        claim: The claim.
        numbers: Lines of :class:`zoo_bench.results.Results` of its metric, one per row and seed, for the rows that are
            compared; the columns row, seed, value, status, better and digits are used.

    Returns:
        One of CONFIRMED, NOT_CONFIRMED and INCONCLUSIVE, and the detail. With several seeds the detail counts in how
        many of them the claim is confirmed.
    """
    outcome, detail = _Comparison(claim, numbers).outcome()
    seeds = sorted(numbers.loc[numbers["value"].notna(), "seed"].unique())
    if len(seeds) > 1:
        rows = numbers["row"].unique()
        single = []
        for seed in seeds:
            of_seed = numbers[numbers["seed"] == seed].set_index("row").reindex(rows).reset_index()
            single.append(_Comparison(claim, of_seed).outcome()[0])
        unclear = single.count(INCONCLUSIVE)
        detail += f"; {CONFIRMED} in {single.count(CONFIRMED)} of {len(seeds)} seeds"
        detail += f", {INCONCLUSIVE} in {unclear}" if unclear else ""
    return outcome, detail


class _Comparison:
    """The means of the rows for one claim."""

    def __init__(self, claim: Claim, numbers: pd.DataFrame) -> None:
        self.claim = claim
        self.higher = (numbers["better"] == "higher").any()
        self.digits = int(numbers["digits"].max())
        means = numbers.groupby("row", sort=False)["value"].mean().dropna()
        self.values = {str(row): float(mean) for row, mean in means.items()}
        self.labels = [str(label) for label in numbers["row"].unique()]
        self.status = numbers.groupby("row", sort=False)["status"].first().to_dict()

    def outcome(self) -> tuple[str, str]:
        if self.claim.best is not None:
            return self._best(self.claim.best)
        labels = self.claim.order or self.claim.alike
        known = [label for label in labels if label in self.values]
        if len(known) < 2:
            return INCONCLUSIVE, self._missing(labels)
        contradicted, detail = self._order(known) if self.claim.order else self._alike(known)
        return self._conclude(contradicted, detail, labels)

    def _best(self, best: str) -> tuple[str, str]:
        others = [label for label in self.labels if label != best and self.status.get(label) != NOT_APPLICABLE]
        known = [label for label in others if label in self.values]
        if best not in self.values or not known:
            return INCONCLUSIVE, self._missing([best, *others]) or f"no row to compare {best} with"
        rival = (max if self.higher else min)(known, key=self.values.__getitem__)
        detail = self._chain([best, rival]) + (", the best of the others" if len(others) > 1 else "")
        return self._conclude(not self._better(best, rival), detail, [best, *others])

    def _order(self, known: Sequence[str]) -> tuple[bool, str]:
        percent, pairs = self.claim.percent, list(pairwise(known))
        detail = self._chain(known)
        if percent:
            gaps = " and ".join(_percent(self._gap(a, b), percent) for a, b in pairs)
            detail += f", {gaps} apart ({percent:g} % at least)"
        return not all(self._better(a, b) and self._gap(a, b) >= percent - ROUNDING for a, b in pairs), detail

    def _alike(self, known: Sequence[str]) -> tuple[bool, str]:
        percent = self.claim.percent
        gap = self._gap(min(known, key=self.values.__getitem__), max(known, key=self.values.__getitem__))
        texts = self._texts(known)
        listed = ", ".join(f"{label} {texts[label]}" for label in known)
        return gap > percent + ROUNDING, f"{listed}: {_percent(gap, percent)} apart ({percent:g} % at most)"

    def _conclude(self, contradicted: bool, detail: str, labels: Sequence[str]) -> tuple[str, str]:
        missing = self._missing(labels)
        if contradicted:
            return NOT_CONFIRMED, detail
        return (INCONCLUSIVE, f"{detail} so far; {missing}") if missing else (CONFIRMED, detail)

    def _better(self, a: str, b: str) -> bool:
        return self.values[a] > self.values[b] if self.higher else self.values[a] < self.values[b]

    def _gap(self, a: str, b: str) -> float:
        """How far two numbers are apart, in percent of the smaller one."""
        low, high = sorted((self.values[a], self.values[b]))
        if low == high:
            return 0.0
        return (high - low) / low * 100 if low > 0 else math.inf

    def _missing(self, labels: Sequence[str]) -> str:
        missing = [f"{label} ({self._reason(label)})" for label in labels if label not in self.values]
        return f"no number of {', '.join(missing)}" if missing else ""

    def _reason(self, label: str) -> str:
        status = self.status.get(label)
        return "has no such pictures" if status == NOT_APPLICABLE else status if isinstance(status, str) else "not run"

    def _texts(self, labels: Sequence[str]) -> dict[str, str]:
        """The numbers with as many digits, up to three more, as tell unequal ones apart."""
        distinct = {self.values[label] for label in labels}
        places = range(self.digits, self.digits + 4)
        enough = next((n for n in places if len({f"{v:.{n}f}" for v in distinct}) == len(distinct)), places[-1])
        return {label: f"{self.values[label]:.{enough}f}" for label in labels}

    def _chain(self, labels: Sequence[str]) -> str:
        """``A 0.3 > B 0.2 = C 0.2``."""
        texts = self._texts(labels)
        parts = [f"{labels[0]} {texts[labels[0]]}"]
        for a, b in pairwise(labels):
            sign = ">" if self.values[a] > self.values[b] else "<" if self.values[a] < self.values[b] else "="
            parts.append(f"{sign} {b} {texts[b]}")
        return " ".join(parts)


def _percent(gap: float, limit: float) -> str:
    """With more digits where rounding would hide on which side of the limit it lies."""
    digits = next((d for d in (1, 2, 3) if (round(gap, d) > limit) == (gap > limit)), 4)
    return f"{gap:.{digits}f} %"
