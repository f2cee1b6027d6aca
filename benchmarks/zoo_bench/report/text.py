"""Texts of a report: the kind of the run, the protocol of a table, and notes."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from zoo.config import is_toy
from zoo_bench.grid import REAL
from zoo_bench.results import FINISHED, NOT_RUN, PER_METRIC, PROTOCOL, Results, protocol_value
from zoo_bench.sources import DataGenerator


def run_kind(results: Results) -> str:
    """The kind of a run for a heading: ``TOY RUN: 64x64 procedural pictures, 20 iterations``."""
    kind = "TOY RUN" if is_toy(results.profile) else f"profile {results.profile}"
    what = _what_ran(results)
    return f"{kind}: {what}" if what else kind


def opening(results: Results) -> str:
    """The first line of a report: whether the numbers are meaningful."""
    what = _what_ran(results) or "nothing has run yet"
    if is_toy(results.profile):
        return f"TOY RUN: profile {results.profile}, {what}: these numbers are not meaningful."
    if "procedural" in what:
        return f"Profile {results.profile}, {what}: the published numbers come from other, real pictures."
    return f"Profile {results.profile}, {what}: compare numbers only where the protocols agree."


def _what_ran(results: Results) -> str:
    data = [str(value) for value in results["data"].dropna().unique()]
    if not data:
        return ""
    sizes = sorted(results["resolution"].dropna().unique(), key=lambda size: [int(n) for n in size.split("x")])
    real = sum(value == REAL for value in data)
    pictures = {0: "procedural pictures", len(data): "real pictures"}.get(real, "procedural and real pictures")
    return ", ".join([f"{' and '.join(sizes)} {pictures}".strip(), *_lengths(results)])


def _lengths(results: Results) -> list[str]:
    """Length of the training, as a list of one text or none."""
    lengths = {length for length in results["length"].dropna() if length}
    counts = sorted(int(length.split()[0]) for length in lengths if length.endswith("iterations"))
    if counts and len(counts) == len(lengths):
        several = f"{counts[0]} to {counts[-1]}" if len(counts) > 2 else " or ".join(map(str, counts))
        return [f"{several} iterations"]
    return [" or ".join(sorted(lengths))] if lengths else []


def about(results: Results) -> list[str]:
    """Sentences on devices and versions."""
    done = results[results["status"] == FINISHED]
    parts = []
    for column, sentence in (("trained on", "Trained on {}."), ("device", "Evaluated on {}.")):
        if devices := sorted(done[column].dropna().unique()):
            parts.append(sentence.format(", ".join(devices)))
    versions = dict.fromkeys(v for text in done["versions"].dropna().unique() for v in text.split(", "))
    return [*parts, *([f"Versions: {', '.join(versions)}."] if versions else [])]


def protocol(results: Results) -> list[tuple[str, str]]:
    """(which rows, how their numbers were made) for the results of one table.

    What all rows share comes first, then what groups of rows have of their own. A row that lacks one of the metrics
    agrees with the others about it. Rows without numbers are left out.
    """
    finished = results[results["status"] == FINISHED]
    labels = finished["row"].unique()
    if not len(labels):
        return []
    shared = [key for key in PROTOCOL if _agree(finished, key)]
    groups: dict[str, list[str]] = {}
    for row, part in finished.groupby("row", sort=False):
        groups.setdefault(_sentence(part, [key for key in PROTOCOL if key not in shared]), []).append(str(row))
    first = ("All rows" if len(labels) > 1 else str(labels[0]), _sentence(finished, shared))
    return [first, *((", ".join(rows), words) for words, rows in groups.items() if words)]


def _agree(part: pd.DataFrame, key: str) -> bool:
    groups = [of_metric for _, of_metric in part.groupby("title")] if key in PER_METRIC else [part]
    return all(len(group[key].unique()) == 1 for group in groups)


def _sentence(part: pd.DataFrame, keys: Iterable[str]) -> str:
    values = {key: value for key in keys if (value := protocol_value(part, key)) != "none"}
    words = dict(PROTOCOL)
    if "," in str(values.get("seed", "")):
        words["seed"] = "seeds {}"
    if values.get("data") == REAL:
        words["data"] = "{} pictures"
    if values.get("samples per mask") == 1:
        words["samples per mask"] = "{} sample per mask"
    return ", ".join(words[key].format(value) for key, value in values.items())


def notes(results: Results) -> tuple[list[str], dict[str, str]]:
    """What to know about the numbers of a table: of all its rows, and of single rows.

    The caveats that a row shares with all rows of its kind are common ones, though the generator of the pictures, which
    is not trained, cannot have those of the training.
    """
    lines: dict[str, list[str]] = {}
    for row, part in results.groupby("row", sort=False):
        texts = [*part["note"], *part["caveats"]]
        lines[str(row)] = list(dict.fromkeys(note for text in texts for note in str(text).split("; ") if note))
    finished = results[results["status"] == FINISHED]
    having = finished.loc[~finished["generator"], "row"].unique()
    if len(having) < 2:
        return [], {row: "; ".join(own) for row, own in lines.items() if own}
    common = [note for note in lines[having[0]] if all(note in lines[row] for row in having)]
    own = {row: "; ".join(note for note in all_ if note not in common) for row, all_ in lines.items()}
    return common, {row: text for row, text in own.items() if text}


def remarks(results: Results, common: Iterable[str]) -> list[str]:
    """Remarks about a table as a whole."""
    parts = [f"All rows: {'; '.join(common)}."] if (common := list(common)) else []
    if results["seed"].nunique() > 1:
        parts.append("Means over seeds ± sample standard deviation.")
    if (results["status"] == NOT_RUN).any():
        parts.append("Not every row has run: ranks and claims are based on the available numbers.")
    if results["generator"].any():
        parts.append(
            f'The row "{DataGenerator.name}" is not a method: the generator of the procedural pictures draws each mask '
            "again in other styles, like an ideal sampler of the data. It is not ranked."
        )
    return parts
