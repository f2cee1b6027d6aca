"""A trained method with the names and colours of its classes: from files and words to codes and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from zoo import checkpoints
from zoo.animation import save_animation
from zoo.codes import Codes
from zoo.data.class_tables import ClassTable, shipped_table
from zoo.distributed import start
from zoo.editing.bank import CodeBank
from zoo.editing.bank_row import WHOLE
from zoo.editing.directions import load_direction, moved, random_direction
from zoo.editing.edit_file import EditFile
from zoo.editing.encoding import check_editable, codes_of, table_of
from zoo.editing.layers import layer_indices
from zoo.editing.masks import repainted
from zoo.editing.objects import PasteBack, paste_region
from zoo.editing.reading import pair, read_mask, read_picture, unresized
from zoo.editing.statistics import CodeStatistics
from zoo.editing.style import Target
from zoo.editing.synthesis import pictures
from zoo.errors import ZooError
from zoo.factory import load
from zoo.interfaces import Method
from zoo.visual import save_picture, side_by_side

ENDINGS = (".png", ".gif", ".mp4")


@dataclass(frozen=True)
class Editor:
    """What an edit on the command line works with. Everything lies on ``device``; masks are of batch 1."""

    method: Method
    table: ClassTable
    checkpoint: Path
    device: torch.device

    @classmethod
    def load(cls, checkpoint: Path, *, device: str = "auto", names: str | None = None) -> Editor:
        """A checkpoint with its own class names, or with a table that ships with the zoo.

        Raises ZooError as :func:`zoo.load` and :func:`shipped_table` do.
        """
        where = start(device)
        method = load(checkpoint, device=where)
        assert method.config is not None, "the method comes from a checkpoint"
        table = table_of(method) if names is None else shipped_table(names, method.config.data["classes"])
        return cls(method, table, checkpoint, torch.device(where))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the checkpoint."""
        return checkpoints.digest(self.checkpoint)

    @property
    def size(self) -> tuple[int, int]:
        assert self.method.config is not None, "the method comes from a checkpoint"
        height, width = self.method.config.data["size"]
        return height, width

    def mask(self, path: Path | str) -> Tensor:
        """The label map ``[1, H, W]`` of a file, at the size of the method."""
        return pair(None, read_mask(Path(path), self.table), self.size)[1].to(self.device)

    def picture(self, image: Path | str, mask: Path | str) -> tuple[Tensor, Tensor]:
        """A picture ``[1, 3, H, W]`` and its label ``[1, H, W]`` from their files, at the size of the method."""
        pixels, label = pair(read_picture(Path(image)), read_mask(Path(mask), self.table), self.size)
        assert pixels is not None, "a picture was given"
        return pixels.to(self.device), label.to(self.device)

    def onto_file(
        self, image: Path, mask: Path, new_mask: Path | None, classes: Sequence[int] | None, feather: int
    ) -> PasteBack:
        """What an edit is pasted back onto at the size of the picture's file.

        classes: those whose codes were edited, None where those of all were. The edit shows in them, and where
        ``new_mask`` differs from ``mask``: in what the method sees of them, where they are of different sizes.
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

    def targets(self, images: Sequence[Path], masks: Sequence[Path], classes: Sequence[str]) -> list[Target]:
        """Pictures that give their style; ``classes`` are given once for all of them, once for each, or not at all."""
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
        """Ids of named classes, all of which must occur in a label; None for all classes."""
        if words is None:
            return None
        ids = self.table.ids(words)
        present = within.unique().tolist()
        if missing := [k for k in ids if k not in present]:
            has = self.table.listed(present)
            raise ZooError(f"The mask has no {self.table.listed(missing)}: name classes that it has ({has}).")
        return ids

    def layers(self, words: str | None) -> tuple[int, ...] | None:
        return None if words is None else layer_indices(words)

    def codes(self, image: Tensor, label: Tensor, seed: int) -> Codes:
        """The codes of a picture, with what it does not show drawn by ``seed``; none for a method without codes."""
        if not self.method.code_specs:
            return Codes({}, {}, len(image))
        return codes_of(self.method, image, label, seed=seed)

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
        """``codes`` moved along a direction in the words of :meth:`direction`."""
        check_editable(self.method)
        along = self.direction(direction, statistics, seed)
        part = along.part(classes=classes, layers=layers)
        if not any(mask is not None and bool((along[name] * mask).any()) for name, mask in part.items()):
            raise ZooError(
                f"The direction {direction} has length 0 in what is to be moved, as principal directions have where "
                "too few pictures show a class: choose another direction, class or layer."
            )
        return moved(codes, along, amount, classes=classes, layers=layers)

    def direction(self, words: str, statistics: Path | None, seed: int) -> Codes:
        """ "random", the number of a principal direction of ``statistics`` (1, 2, ...), or a file with a direction."""
        if statistics is not None and not words.isdecimal():
            raise ZooError(
                f"--statistics belongs to a principal direction, but --direction is {words}: give its number."
            )
        if words == "random":
            along = random_direction(self.method.code_specs, seed=seed)
        elif words.isdecimal():
            if statistics is None:
                raise ZooError(f"Principal direction {words} needs --statistics, the file that `zoo codes fit` writes.")
            fitted = CodeStatistics.load(statistics)
            fitted.check(self.method, self.digest)
            along = fitted.principal(int(words) - 1)
        else:
            along = load_direction(Path(words), self.method.code_specs)
        return along.to(self.device)

    def from_bank(
        self,
        codes: Codes,
        label: Tensor,
        bank: Path,
        row: int,
        *,
        classes: tuple[int, ...] | None,
        layers: tuple[int, ...] | None,
    ) -> tuple[Codes, tuple[int, ...] | None]:
        """``codes`` with those of a row of a code bank, and the classes that were changed (None: the whole picture).

        Raises ZooError where the row is not of the one class that is edited, or of one that the label lacks.
        """
        opened = CodeBank.open(bank)
        opened.check(self.method, self.digest)
        found = opened.row(row)
        if classes not in (None, (found.class_id,)):
            raise ZooError(
                f"Row {row} of {bank} is of the class {found.class_name}, but {self.table.listed(classes or ())} was "
                "to be edited: give a row of that class."
            )
        edited = None if found.class_id == WHOLE else (found.class_id,)
        if edited is not None and found.class_id not in label:
            raise ZooError(
                f"Row {row} of {bank} is of the class {found.class_name}, which the mask lacks: give another."
            )
        return opened.put(codes, found, layers=layers), edited

    def write(
        self, out: Path, label: Tensor, codes: Codes, *, save: Path | None = None, paste: PasteBack | None = None
    ) -> str:
        """Synthesise codes of batch S and write them side by side (.png) or as a film (.gif, .mp4); returns a sentence.

        ``save`` is where to write the file that reproduces the first of the results.
        """
        if out.suffix.lower() not in ENDINGS:
            raise ZooError(f"{out} has no ending that can be written: use {', '.join(ENDINGS)}.")
        if save is not None and save.resolve() == out.resolve():
            raise ZooError(
                f"The picture and the file that reproduces it cannot both be {out}: give --save another name."
            )
        pixels = pictures(self.method, label, codes)
        first = codes.rows([0])
        if save is not None and codes.batch_size > 1:
            # The file is replayed as a batch of one, whose pixels differ from those of a larger batch by a grey level
            # on some processors: what is shown and kept is the one that the replay gives.
            pixels[0] = pictures(self.method, label, first)[0]
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
