"""A loaded method with helpers for command-line input: files, class names, layer numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from zoo.animation import save_animation
from zoo.codes import Codes
from zoo.data.reading import pair, read_mask, read_picture, unresized
from zoo.editing.bank import CodeBank
from zoo.editing.bank_row import BankRow
from zoo.editing.directions import load_direction, random_direction
from zoo.editing.edit_file import EditFile
from zoo.editing.edits import Target, edit_material
from zoo.editing.encoding import check_editable, codes_of, render
from zoo.editing.loaded_method import LoadedMethod
from zoo.editing.masks import repainted
from zoo.editing.pasting import PasteBack, paste_region
from zoo.editing.statistics import CodeStatistics
from zoo.errors import ZooError
from zoo.visual import save_picture, side_by_side

SUFFIXES = (".png", ".gif", ".mp4")
LARGEST_LAYER = 999


class Editor(LoadedMethod):
    """A loaded method that reads files and names into tensors, and writes results.

    All tensors are on ``device``; pictures and masks have batch size 1 and the size of the method. Errors are ZooErrors
    that name the file, class or option.
    """

    def mask(self, path: Path | str) -> Tensor:
        """Read a label map ``[1, H, W]`` from a file."""
        return pair(None, read_mask(Path(path), self.table), self.size)[1].to(self.device)

    def picture(self, image: Path | str, mask: Path | str) -> tuple[Tensor, Tensor]:
        """Read a picture ``[1, 3, H, W]`` in [-1, 1] and its label ``[1, H, W]`` from files."""
        pixels, label = pair(read_picture(Path(image)), read_mask(Path(mask), self.table), self.size)
        assert pixels is not None, "a picture was given"
        return pixels.to(self.device), label.to(self.device)

    def targets(self, images: Sequence[Path], masks: Sequence[Path], classes: Sequence[str]) -> list[Target]:
        """Read target pictures from files; ``classes`` is empty, or has one entry for all or one for each."""
        if not images or len(images) != len(masks):
            raise ZooError(
                f"{len(images)} --image and {len(masks)} --mask were given: give one or more pictures, each with its "
                "mask."
            )
        if len(classes) not in (0, 1, len(images)):
            raise ZooError(
                f"{len(classes)} --classes were given for {len(images)} pictures: give none, one for all, or one for "
                "each."
            )
        words = list(classes) * len(images) if len(classes) == 1 else list(classes)
        found = []
        for number, (image, mask) in enumerate(zip(images, masks, strict=True)):
            pixels, label = self.picture(image, mask)
            found.append(Target(pixels, label, self.classes(words[number], within=label) if words else None))
        return found

    def classes(self, words: str | None, *, within: Tensor) -> tuple[int, ...] | None:
        """Ids of classes such as "sky,road", all of which must occur in a label; None (all classes) for None."""
        if words is None:
            return None
        ids = self.table.ids(words)
        present = within.unique().tolist()
        if missing := [k for k in ids if k not in present]:
            has = self.table.listed(present)
            raise ZooError(f"The mask has no {self.table.listed(missing)}: name classes that it has ({has}).")
        return ids

    def layers(self, words: str | None) -> tuple[int, ...] | None:
        """Layer numbers such as "0-2,4", ascending; None (all layers) for None."""
        return None if words is None else layer_indices(words)

    def codes(self, image: Tensor, label: Tensor, seed: int) -> Codes:
        """Encode a picture; codes of missing classes are drawn with ``seed``. Empty for a method without codes."""
        if not self.method.code_specs:
            return Codes({}, {}, len(image))
        return codes_of(self.method, image, label, seed=seed)

    def direction(self, words: str, statistics: Path | None, seed: int) -> Codes:
        """Read a direction: "random", the number of a principal direction of ``statistics`` (1, 2, ...), or a file."""
        if statistics is not None and not words.isdecimal():
            raise ZooError(f"--statistics needs a principal direction, but --direction is {words}: give its number.")
        if words == "random":
            along = random_direction(self.method.code_specs, seed=seed)
        elif words.isdecimal():
            if statistics is None:
                raise ZooError(
                    f"Principal direction {words} needs --statistics: give a file written by `zoo codes fit`."
                )
            fitted = CodeStatistics.load(statistics)
            fitted.check(self.method, self.digest)
            along = fitted.principal(int(words) - 1)
        else:
            along = load_direction(Path(words), self.method.code_specs)
        return along.to(self.device)

    def moved(
        self,
        codes: Codes,
        direction: str,
        statistics: Path | None,
        amount: float | Tensor,
        seed: int,
        *,
        classes: tuple[int, ...] | None,
        layers: tuple[int, ...] | None,
    ) -> Codes:
        """:func:`edit_material` along a direction as :meth:`direction` reads it, which must not have length 0."""
        check_editable(self.method)
        along = self.direction(direction, statistics, seed)
        part = along.mask(classes=classes, layers=layers)
        if not any(mask is not None and bool((along[name] * mask).any()) for name, mask in part.items()):
            raise ZooError(
                f"The direction {direction} has length 0 in these classes and layers, as principal directions have "
                "where too few pictures show a class: choose another direction, class or layer."
            )
        return edit_material(codes, along, amount, classes=classes, layers=layers)

    def bank_row(self, bank: Path, row: int, label: Tensor, classes: tuple[int, ...] | None) -> BankRow:
        """A row of a code bank; its class must be the only edited one and occur in the label."""
        opened = CodeBank.open(bank)
        opened.check(self.method, self.digest)
        found = opened.row(row)
        if classes not in (None, (found.class_id,)):
            raise ZooError(
                f"Row {row} of {bank} is of the class {found.class_name}, but {self.table.listed(classes or ())} was "
                "to be edited: give a row of that class."
            )
        if found.classes is not None and found.class_id not in label:
            raise ZooError(
                f"Row {row} of {bank} is of the class {found.class_name}, which the mask lacks: give another."
            )
        return found

    def paste_onto_file(
        self, image: Path, mask: Path, new_mask: Path | None, classes: Sequence[int] | None, feather: int
    ) -> PasteBack:
        """Prepare pasting an edit back at the size of the picture's file.

        The edit shows in the edited classes, and where ``new_mask`` differs from ``mask``. Masks of different sizes are
        compared at the size of the method.

        Args:
            image: The picture.
            mask: Its label map.
            new_mask: The edited label map; None for ``mask``.
            classes: Classes whose codes were edited; None for all.
            feather: Width of the blended border, in pixels of the method.
        """
        picture, before = read_picture(image), read_mask(mask, self.table)
        original, label = unresized(picture, before)
        after = before if new_mask is None else read_mask(new_mask, self.table)
        if after.size == before.size:
            painted = unresized(picture, after)[1]
        else:
            seen, new = (pair(None, one, self.size)[1][0] for one in (before, after))
            painted = repainted(label[0], seen, new)[None]
        return PasteBack(original, paste_region(label, painted, classes), feather)

    def write(
        self, out: Path, label: Tensor, codes: Codes, *, save: Path | None = None, paste: PasteBack | None = None
    ) -> str:
        """Synthesise codes and write the pictures.

        Args:
            out: Output file: pictures side by side (.png), or an animation (.gif, .mp4).
            label: Mask, ``[1, H, W]``.
            codes: Codes of batch S.
            save: Also write a file that reproduces the first picture (:class:`EditFile`).
            paste: Paste the pictures back onto this.

        Returns:
            A message that names the files.
        """
        if out.suffix.lower() not in SUFFIXES:
            raise ZooError(f"{out} has an unsupported suffix: use {', '.join(SUFFIXES)}.")
        if save is not None and save.resolve() == out.resolve():
            raise ZooError(f"--out and --save are the same file {out}: give --save another name.")
        pixels = render(self.method, label, codes)
        first = codes.rows([0])
        if save is not None and codes.batch_size > 1:
            # The file is replayed as a batch of one, whose pixels differ from those of a larger batch by a grey level
            # on some processors, so the first picture is drawn as the replay draws it.
            pixels[0] = render(self.method, label, first)[0]
        if paste is not None:
            pixels = paste.onto(pixels)
        if out.suffix.lower() == ".png":
            save_picture(out, side_by_side(pixels))
        else:
            save_animation(out, pixels)
        if save is None:
            return f"Wrote {out}"
        EditFile(label[0].cpu(), first.to("cpu"), pixels[0], self.digest, self.method.name, paste=paste).save(save)
        return f"Wrote {out} and {save}"


def layer_indices(text: str) -> tuple[int, ...]:
    """Parse numbers and ranges such as "0-2" or "0,3,5", ascending. Raises ZooError for anything else."""
    found: set[int] = set()
    for word in text.split(","):
        bounds = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", word)
        if bounds is None:
            raise ZooError(f'"{text}" names no layers: give numbers or ranges such as 0-2 or 0,3.')
        first, last = int(bounds[1]), int(bounds[2] or bounds[1])
        if max(first, last) > LARGEST_LAYER:
            raise ZooError(f'"{text}" names layers above {LARGEST_LAYER}: give numbers such as 0-2 or 0,3.')
        found.update(range(first, last + 1))
    if not found:
        raise ZooError(f'"{text}" names no layers: a range goes from the lower to the higher number, such as 0-2.')
    return tuple(sorted(found))
