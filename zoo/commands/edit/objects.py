"""`zoo edit object`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.commands.edit.arguments import (
    classes_option,
    direction_option,
    editing,
    image_option,
    layers_option,
    mask_option,
    one_picture,
    samples_option,
    save_option,
    statistics_option,
)
from zoo.options import FILE, examples

if TYPE_CHECKING:
    from zoo.editing.editor import Editor

FACE = "zoo edit object clvae.pth --image face.jpg --mask face.png"


@click.command(
    "object",
    epilog=examples(
        f"{FACE} --classes hair --samples 4 --out redrawn.png",
        f"{FACE} --classes hair --like other.jpg other.png --paste-back --out dyed.png",
        f"{FACE} --classes hair --paste-back --original-size --out large.png",
        f"{FACE} --classes hair --bank faces.parquet --row 12 --out bank.png",
        f"{FACE} --classes hair --move 2.5 --out moved.png",
        f"{FACE} --new-mask with_hat.png --out hat.png",
    ),
)
@image_option
@mask_option
@classes_option
@layers_option
@click.option("--like", type=(FILE, FILE), metavar="IMAGE MASK", help="Take the codes of another picture.")
@click.option("--bank", type=FILE, help="Take the codes of --row of this code bank.")
@click.option("--row", type=click.IntRange(min=0), help="Row of the bank, as `zoo codes find` lists it.")
@click.option("--move", "amount", type=float, help="Move the codes by so many standard deviations along --direction.")
@direction_option
@statistics_option
@click.option("--new-mask", type=FILE, help="Paint this label map with the codes of the picture.")
@click.option("--paste-back", is_flag=True, help="Keep the picture's own pixels wherever nothing was edited.")
@click.option(
    "--original-size", is_flag=True, help="With --paste-back: at the size of the picture's file, not the checkpoint's."
)
@click.option(
    "--feather",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Pixels of the checkpoint over which --paste-back fades.",
)
@samples_option
@save_option
@editing
def edit_object(
    editor: Editor,
    images: tuple[Path, ...],
    masks: tuple[Path, ...],
    classes: str | None,
    layers: str | None,
    like: tuple[Path, Path] | None,
    bank: Path | None,
    row: int | None,
    amount: float | None,
    direction: str,
    statistics: Path | None,
    new_mask: Path | None,
    paste_back: bool,
    original_size: bool,
    feather: int,
    samples: int,
    save: Path | None,
    out: Path,
    seed: int,
) -> None:
    """Redraw, replace or move the codes of some classes of a picture and keep all others.

    Without --like, --row or --move the classes are redrawn; with --new-mask alone all codes are kept.
    """
    if (bank is None) != (row is None):
        raise click.UsageError("--bank and --row go together: the file of the bank and a row of it.")
    if sum(given is not None for given in (like, row, amount)) > 1:
        raise click.UsageError("--like, --row and --move are three different edits: give one of them.")

    if samples > 1 and (like or bank or amount is not None):
        raise click.UsageError(
            "--samples is how often classes are redrawn: leave it out with --like, --row and --move."
        )
    if original_size and not paste_back:
        raise click.UsageError("--original-size is the size of what --paste-back keeps: give both.")

    from zoo.editing.objects import PasteBack, paste_region, redrawn
    from zoo.editing.style import taken
    from zoo.visual import to_pixels

    given = one_picture(images, masks)
    image, label = editor.picture(*given)
    codes = editor.codes(image, label, seed)
    painted = label if new_mask is None else editor.mask(new_mask)
    ids, part = editor.classes(classes, within=painted), editor.layers(layers)
    edited = ids
    if like is not None:
        (target,) = editor.targets(like[:1], like[1:], () if classes is None else (classes,))
        codes = taken(editor.method, codes, painted, target, layers=part)
    elif bank is not None and row is not None:
        codes, edited = editor.from_bank(codes, painted, bank, row, classes=ids, layers=part)
    elif amount is not None:
        codes = editor.moved(codes, direction, statistics, amount, seed, classes=ids, layers=part)
    elif new_mask is None or ids is not None or part is not None:
        # the next seed, since this one has drawn the classes that the picture lacks
        codes = redrawn(editor.method, painted, codes, classes=ids, layers=part, samples=samples, seed=seed + 1)
    else:
        edited = ()
    paste = None
    if paste_back and original_size:
        paste = editor.onto_file(*given, new_mask, edited, feather)
    elif paste_back:
        region = paste_region(label, painted, edited)
        paste = PasteBack(to_pixels(image)[0].cpu(), region.cpu(), feather)
    click.echo(editor.write(out, painted, codes, save=save, paste=paste))
