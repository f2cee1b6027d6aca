"""Matching of pictures and labels by stem, in natural order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A picture with its label map; the name is the picture's stem."""

    name: str
    image: Path
    label: Path


@dataclass(frozen=True)
class Listing:
    """The files of one split.

    Attributes:
        pairs: In natural order of their names.
        unmatched_images: Pictures without a label.
        unmatched_labels: Labels without a picture.
        duplicates: Further files with the same stem.
    """

    pairs: list[Pair] = field(default_factory=list)
    unmatched_images: list[Path] = field(default_factory=list)
    unmatched_labels: list[Path] = field(default_factory=list)
    duplicates: list[Path] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there are no files at all."""
        return not (self.pairs or self.unmatched_images or self.unmatched_labels)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key that compares runs of digits as numbers: ``a2`` before ``a10``."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def pair_up(
    images: Path, labels: Path, image_suffixes: tuple[str, ...], label_suffixes: tuple[str, ...], label_tail: str
) -> Listing:
    """Match ``images/<stem>.<image suffix>`` with ``labels/<stem><label_tail>.<label suffix>``.

    Suffixes are in lower case with their dot; a missing folder counts as an empty one.
    """
    listing = Listing()
    pictures = _by_stem(
        images, image_suffixes, "", listing.duplicates, skip_tail=label_tail if images == labels else ""
    )
    maps = _by_stem(labels, label_suffixes, label_tail, listing.duplicates)
    for stem in sorted(pictures, key=natural_key):
        if stem in maps:
            listing.pairs.append(Pair(stem, pictures[stem], maps[stem]))
        else:
            listing.unmatched_images.append(pictures[stem])
    listing.unmatched_labels.extend(maps[stem] for stem in sorted(maps.keys() - pictures.keys(), key=natural_key))
    return listing


def _by_stem(
    folder: Path, suffixes: tuple[str, ...], tail: str, duplicates: list[Path], skip_tail: str = ""
) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        # skip hidden files, such as those that macOS creates next to every picture
        if path.suffix.lower() not in suffixes or path.name.startswith(".") or not path.stem.endswith(tail):
            continue
        if skip_tail and path.stem.endswith(skip_tail):
            continue
        stem = path.stem.removesuffix(tail)
        if stem in found:
            duplicates.append(path)
        else:
            found[stem] = path
    return found
