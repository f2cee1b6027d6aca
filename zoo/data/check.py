"""Checks of a dataset's files before training."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.data.base import SPLITS, PairedDataset, out_of_range, partner_problems
from zoo.data.file_facts import Facts, facts_of
from zoo.data.pairing import Pair
from zoo.data.parallel import Progress
from zoo.errors import ZooError
from zoo.registries import DATASETS

SHOWN = 20
"""Maximum number of problems listed in a summary."""


@dataclass
class CheckReport:
    """The outcome of a check.

    Attributes:
        name: The dataset.
        root: Its folder.
        classes: The number of classes given by the user, if the dataset has no fixed one.
        counts: Pairs per split.
        problems: Messages; any of them prevents training.
        notes: Informational messages.
    """

    name: str
    root: Path
    classes: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def summary(self) -> str:
        """Counts, problems (the first 20) and notes, one per line."""
        counts = ", ".join(f"{count} {split}" for split, count in self.counts.items())
        lines = [f"{self.name} in {self.root}: {counts} pairs"]
        lines += [f"problem: {sentence}" for sentence in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"... and {len(self.problems) - SHOWN} more problems")
        lines += [f"note: {sentence}" for sentence in self.notes]
        lines.append(
            "No problems found." if self.ok else f"{len(self.problems)} problem{'s'[: len(self.problems) != 1]} found."
        )
        return "\n".join(lines)

    def raise_problems(self) -> None:
        """Raise ZooError with the first problem and the number of others, if there are problems."""
        if self.problems:
            more = len(self.problems) - 1
            classes = "" if self.classes is None else f" --classes {self.classes}"
            where = f"`zoo data check {self.name} --data-root {self.root}{classes}` lists them"
            rest = f" ({more} more problem{'s'[: more != 1]}: {where})" if more else ""
            raise ZooError(self.problems[0].rstrip(".") + rest + ".")


def check(
    name: str,
    root: Path,
    size: tuple[int, int] | None = None,
    *,
    splits: tuple[str, ...] = SPLITS,
    quick: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> CheckReport:
    """Read every file of a dataset and report problems.

    Args:
        name: The dataset.
        root: Its folder.
        size: (H, W) of training, for a note on distorted pictures.
        splits: The splits to check.
        quick: Skip files that have not changed since an earlier check.
        progress: Called with (done, total).
        settings: Settings of the dataset. A dataset without a fixed number of classes needs ``classes``; otherwise ids
            are reported but not checked.

    Raises:
        ZooError: The dataset is unknown.
    """
    dataset: type[PairedDataset] = DATASETS.get(name)
    root = Path(root)
    own = isinstance(getattr(dataset, "classes", None), int)
    report = CheckReport(name, root, None if own else settings.get("classes"))
    listings = {split: dataset.listing(root, split) for split in splits}
    pairs = [pair for listing in listings.values() for pair in listing.pairs]
    report.counts = {split: len(listing.pairs) for split, listing in listings.items()}
    wrong = dataset.wrong_release(root) if root.is_dir() else None
    if wrong:
        report.problems.append(wrong)
    for split, listing in listings.items():
        if listing.empty and split == "train" and not wrong:
            report.problems.append(dataset.nothing_at(root, split))
        elif listing.empty and split != "train":
            report.notes.append(
                f"There are no {split} pictures in {dataset.folders(root, split)[0]}, so nothing can be evaluated."
            )
        report.problems += partner_problems(listing)
    facts = facts_of(
        root, [pair.image for pair in pairs], [pair.label for pair in pairs], fresh=not quick, progress=progress
    )
    classes = settings.get("classes") or getattr(dataset, "classes", None)
    _check_files(report, pairs, facts, classes)
    _check_labels(report, dataset, pairs, facts, classes)
    _note_shapes(report, pairs, facts, size or dataset.default_size)
    return report


def _check_files(report: CheckReport, pairs: list[Pair], facts: dict[Path, Facts], classes: int | None) -> None:
    for pair in pairs:
        image, label = facts[pair.image], facts[pair.label]
        report.problems += [fact.fault for fact in (image, label) if fact.fault]
        if not label.fault and classes is not None and (label.ids[0] < 0 or label.ids[-1] >= classes):
            report.problems.append(out_of_range(pair.label, label.ids, classes))
        # both are resized to one size, so different resolutions are harmless, but different shapes shift all borders
        if image.width and label.width and abs(image.width / image.height * label.height / label.width - 1) > 0.02:
            report.problems.append(
                f"The picture {pair.image} is {image.width}x{image.height} but its label is "
                f"{label.width}x{label.height}: give them the same shape."
            )


def _check_labels(
    report: CheckReport, dataset: type[PairedDataset], pairs: list[Pair], facts: dict[Path, Facts], classes: int | None
) -> None:
    labels = [facts[pair.label] for pair in pairs]
    colour = any(fact.mode in ("RGB", "RGBA", "CMYK", "YCbCr") for fact in labels)
    outside = sum(classes is not None and fact.ids[-1:] >= (classes,) for fact in labels)
    if dataset.release_hint and (colour or 2 * outside > len(labels)):
        report.problems.insert(0, dataset.release_hint)
    palette = sum(fact.mode == "P" for fact in labels)
    if palette:
        report.notes.append(
            f"{palette} of {len(labels)} labels are palette images: their indices are read as class ids."
        )
    ids = sorted({i for fact in labels for i in fact.ids})
    if classes is None and ids:
        report.notes.append(f"The labels use the ids {ids[0]} to {ids[-1]}: set data.classes to {ids[-1] + 1} or more.")
    elif classes is not None and ids:
        used = sum(0 <= i < classes for i in ids)
        report.notes.append(f"{used} of the {classes} classes occur.")


def _note_shapes(report: CheckReport, pairs: list[Pair], facts: dict[Path, Facts], size: tuple[int, int]) -> None:
    shapes = Counter((facts[pair.image].width, facts[pair.image].height) for pair in pairs if facts[pair.image].width)
    squeezed = sum(n for (width, height), n in shapes.items() if abs(width / height * size[0] / size[1] - 1) > 0.02)
    if squeezed:
        report.notes.append(
            f"{squeezed} of {shapes.total()} pictures have another aspect ratio than {size[1]}x{size[0]} "
            "and are distorted by resizing."
        )
