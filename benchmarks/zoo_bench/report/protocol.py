"""What the numbers of a table are numbers of: the protocol in words, stand-ins by name, and the kind of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zoo.config import is_toy
from zoo.metrics import NamedMetric
from zoo.metrics.networks import RANDOM_FEATURES
from zoo.metrics.results import Result
from zoo_bench.grid import REAL, STAND_IN
from zoo_bench.stored import StoredCell

PROTOCOL = (
    "data",
    "split",
    "classes",
    "resolution",
    "images",
    "samples per mask",
    "features",
    "perceptual trunk",
    "iterations",
    "seed",
    "profile",
)
"""Columns that say what a row's numbers are numbers of; ``features`` and ``perceptual trunk`` name the networks behind
the metrics and behind the training loss."""


_PER_METRIC = {
    "split": "split",
    "classes": "classes",
    "resolution": "resolution",
    "images": "images",
    "samples per mask": "samples",
    "features": "network",
}
"""Columns that the protocol of each number gives, and what they are called there."""


def facts(found: Sequence[Result], metrics: Mapping[str, NamedMetric]) -> dict[str, Any]:
    """The protocol columns of a row, from its results; where they differ, all values in one text."""
    if not found:
        return {}
    return {
        "data": _one([result.data for result in found]),
        **{column: _listed(_by_metric(found, key, metrics)) for column, key in _PER_METRIC.items()},
        "perceptual trunk": _one([result.training.get("trunk") or "none" for result in found]),
        "iterations": _one([result.training.get("iterations", "none") for result in found]),
        "seed": _one([result.seed for result in found]),
        "profile": _one([result.profile for result in found]),
    }


def _by_metric(found: Iterable[Result], key: str, metrics: Mapping[str, NamedMetric]) -> dict[str, list[Any]]:
    """The distinct values of a part of the protocol, by the titles of the metrics that have numbers."""
    values: dict[str, list[Any]] = {}
    for result in found:
        if result.protocol:
            of_metric = values.setdefault(metrics[result.metric].cls.title, [])
            if result.protocol[key] not in of_metric:
                of_metric.append(result.protocol[key])
    return values


def _listed(values: Mapping[str, Sequence[Any]]) -> Any:
    """One value where all metrics agree, else each with the metrics that it belongs to."""
    titles: dict[Any, list[str]] = {}
    for title, of_metric in values.items():
        for value in of_metric:
            titles.setdefault(value, []).append(title)
    if len(titles) < 2:
        return next(iter(titles), "none")
    return ", ".join(f"{value} ({', '.join(named)})" for value, named in titles.items())


def _one(values: Sequence[Any]) -> Any:
    distinct = list(dict.fromkeys(values))
    return distinct[0] if len(distinct) == 1 else ", ".join(map(str, distinct))


_WORDS = {
    "data": "{}",
    "split": "{} split",
    "classes": "{} classes",
    "resolution": "{}",
    "images": "{} images",
    "samples per mask": "{} samples per mask",
    "features": "features {}",
    "perceptual trunk": "perceptual trunk {}",
    "iterations": "{} iterations",
    "seed": "seed {}",
    "profile": "profile {}",
}


def sentences(
    rows: Sequence[tuple[str, Sequence[Result]]], metrics: Mapping[str, NamedMetric]
) -> list[tuple[str, str]]:
    """(who, protocol) for rows given as (label, results): what all share first, then what groups of rows have of their
    own. Rows without numbers have no protocol, and a row that lacks a metric agrees with the others about it.
    """
    told = [(label, found) for label, found in rows if any(result.protocol for result in found)]
    if not told:
        return []
    everything = [result for _, found in told for result in found]
    agreed: dict[str, Any] = {}
    for column, key in _PER_METRIC.items():
        values = _by_metric(everything, key, metrics)
        if all(len(of_metric) == 1 for of_metric in values.values()):
            agreed[column] = _listed(values)
    return _grouped([(label, facts(found, metrics) | agreed) for label, found in told])


def _grouped(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, str]]:
    shared = [key for key in PROTOCOL if len({found[key] for _, found in rows}) == 1]
    groups: dict[str, list[str]] = {}
    for label, found in rows:
        groups.setdefault(_words(found, [key for key in PROTOCOL if key not in shared]), []).append(label)
    parts = [("All rows" if len(rows) > 1 else rows[0][0], _words(rows[0][1], shared))]
    return parts + [(", ".join(labels), words) for words, labels in groups.items() if words]


def _words(found: Mapping[str, Any], keys: Iterable[str]) -> str:
    words = dict(_WORDS)
    if "," in str(found["seed"]):
        words["seed"] = "seeds {}"
    if found["data"] == REAL:
        words["data"] = "{} pictures"
    if found["samples per mask"] == 1:
        words["samples per mask"] = "{} sample per mask"
    return ", ".join(words[key].format(found[key]) for key in keys if found[key] != "none")


def stand_ins(result: Result) -> tuple[str, ...]:
    """What stands in for the real thing in a number, in sentences without an end."""
    trunk = str(result.training.get("trunk") or "")
    return (
        *((f"pictures: {STAND_IN}, drawn by a program",) if result.data.startswith(STAND_IN) else ()),
        *((f"metric on {RANDOM_FEATURES}",) if result.protocol.get("network") == RANDOM_FEATURES else ()),
        *((f"trained with the perceptual loss of {trunk}",) if "random" in trunk or "stand-in" in trunk else ()),
    )


def run_of(cells: Sequence[StoredCell], profile: str) -> str:
    """The kind of a run for a heading: ``TOY RUN: 64x64 procedural pictures, 20 iterations``."""
    kind = "TOY RUN" if is_toy(profile) else f"profile {profile}"
    parts = [f"{_sizes(cells)} {_pictures(cells)}".strip(), *_lengths(cells)]
    return f"{kind}: {', '.join(parts)}" if cells else kind


def opening(cells: Sequence[StoredCell], profile: str) -> str:
    """The first line of a report: whether the numbers mean anything."""
    what = ", ".join([f"{_sizes(cells)} {_pictures(cells)}", *_lengths(cells)]) if cells else "nothing has run yet"
    if is_toy(profile):
        return f"TOY RUN: profile {profile}, {what}: these numbers say nothing about the methods."
    if any(cell.drawn for cell in cells):
        return f"Profile {profile}, {what}: the published numbers come from other, real pictures."
    return f"Profile {profile}, {what}: compare numbers only where the protocols agree."


def _sizes(cells: Sequence[StoredCell]) -> str:
    return " and ".join(f"{height}x{width}" for height, width in sorted({c.size for c in cells if c.size}))


def _pictures(cells: Sequence[StoredCell]) -> str:
    drawn = [cell.drawn for cell in cells]
    return "procedural pictures" if all(drawn) else "procedural and real pictures" if any(drawn) else "real pictures"


def _lengths(cells: Sequence[StoredCell]) -> list[str]:
    """How long was trained, in one part, or none where nothing says so."""
    lengths = {cell.length for cell in cells if cell.length}
    counts = sorted(int(length.split()[0]) for length in lengths if length.endswith("iterations"))
    if counts and len(counts) == len(lengths):
        several = f"{counts[0]} to {counts[-1]}" if len(counts) > 2 else " or ".join(map(str, counts))
        return [f"{several} iterations"]
    return [" or ".join(sorted(lengths))] if lengths else []
