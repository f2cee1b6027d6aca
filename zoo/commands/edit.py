"""`zoo edit style|object|material|interpolate|replay`: the edits of the paper's section 4.4, on files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo import editing
from zoo.commands.edit_options import (
    classes_option,
    direction_option,
    image_option,
    layers_option,
    mask_option,
    number_of_steps,
    one_picture,
    samples_option,
    save_option,
    statistics_option,
    steps_option,
    with_editor,
)
from zoo.options import FILE, device_option, examples, plugin_option

if TYPE_CHECKING:
    from zoo.editing import BankRow, Editor, Target

FACE = "clvae.pth --image face.jpg --mask face.png"
TWO = "zoo edit interpolate clvae.pth --image a.jpg --mask a.png --image b.jpg --mask b.png"


@click.group(
    epilog=examples(
        "zoo edit style clvae.pth --onto plan.png --image sunset.jpg --mask sunset.png --out styled.png",
        f"zoo edit object {FACE} --classes hair --out redrawn.png",
    )
)
def edit() -> None:
    """Edit pictures in latent space: style, objects, materials, interpolation."""


@edit.command(
    epilog=examples(
        "zoo edit style clvae.pth --onto plan.png --image sunset.jpg --mask sunset.png --out styled.png",
        "zoo edit style clvae.pth --onto plan.png --image a.jpg --mask a.png --classes sofa "
        "--image b.jpg --mask b.png --classes floor --samples 4 --out rooms.png",
        "zoo edit style clvae.pth --onto plan.png --image a.jpg --mask a.png --layers 0-2 --strength 0.5 --out out.png",
    )
)
@click.option("--onto", type=FILE, required=True, help="The label map to render.")
@image_option
@mask_option
@click.option(
    "--classes", multiple=True, metavar="NAME,...", help="Take only these classes; repeat for each picture, in order."
)
@layers_option
@click.option("--sampled", is_flag=True, help="Sample the pictures' posteriors instead of using their means.")
@click.option(
    "--strength", type=float, default=1.0, show_default=True, help="From 0 (random codes) to 1 (codes of the pictures)."
)
@samples_option
@save_option
@with_editor
def style(
    editor: Editor,
    onto: Path,
    images: tuple[Path, ...],
    masks: tuple[Path, ...],
    classes: tuple[str, ...],
    layers: str | None,
    sampled: bool,
    strength: float,
    samples: int,
    save: Path | None,
    out: Path,
    seed: int,
) -> None:
    """Render a label map in the style of one or more pictures.

    The global code and the codes of classes that occur in both are taken from the picture; all others are sampled. With
    --classes, only the codes of these classes are taken.
    """
    label = editor.mask(onto)
    codes = editing.edit_style(
        editor.method,
        label,
        editor.targets(images, masks, classes),
        layers=editor.layers(layers),
        sampled=sampled,
        strength=strength,
        samples=samples,
        seed=seed,
    )
    click.echo(editor.write(out, label, codes, save=save))


@edit.command(
    "object",
    epilog=examples(
        f"zoo edit object {FACE} --classes hair --samples 4 --out redrawn.png",
        f"zoo edit object {FACE} --classes hair --like other.jpg other.png --paste-back --out dyed.png",
        f"zoo edit object {FACE} --classes hair --paste-back --original-size --out large.png",
        f"zoo edit object {FACE} --classes hair --bank faces.parquet --row 12 --out bank.png",
        f"zoo edit object {FACE} --classes hair --move 2.5 --out moved.png",
        f"zoo edit object {FACE} --new-mask with_hat.png --out hat.png",
    ),
)
@image_option
@mask_option
@classes_option
@layers_option
@click.option(
    "--like", type=(FILE, FILE), metavar="IMAGE MASK", help="Take the codes from another picture and its mask."
)
@click.option("--bank", type=FILE, help="Take the codes from --row of this code bank.")
@click.option("--row", type=click.IntRange(min=0), help="Row of the bank, as listed by `zoo codes find`.")
@click.option("--move", "amount", type=float, help="Move the codes along --direction by this many standard deviations.")
@direction_option
@statistics_option
@click.option("--new-mask", type=FILE, help="Render this label map with the codes of the picture.")
@click.option("--paste-back", is_flag=True, help="Keep the original pixels outside the edit.")
@click.option(
    "--original-size", is_flag=True, help="With --paste-back: write the result at the size of the picture's file."
)
@click.option(
    "--feather",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Width of the blended border of --paste-back, in pixels of the checkpoint.",
)
@samples_option
@save_option
@with_editor
def object_command(
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

    Without --like, --row or --move, the classes are redrawn; with only --new-mask, all codes are kept.
    """
    if (bank is None) != (row is None):
        raise click.UsageError("--bank and --row go together: give the file of the bank and a row of it.")
    if sum(given is not None for given in (like, row, amount)) > 1:
        raise click.UsageError("--like, --row and --move are three different edits: give one of them.")
    if samples > 1 and (like or bank or amount is not None):
        raise click.UsageError("--samples is for redrawing: leave it out with --like, --row and --move.")
    if original_size and not paste_back:
        raise click.UsageError("--original-size needs --paste-back: give both.")

    files = one_picture(images, masks)
    image, label = editor.picture(*files)
    codes = editor.codes(image, label, seed)
    painted = label if new_mask is None else editor.mask(new_mask)
    ids, numbers = editor.classes(classes, within=painted), editor.layers(layers)
    edited = ids
    if amount is not None:
        codes = editor.moved(codes, direction, statistics, amount, seed, classes=ids, layers=numbers)
    elif new_mask is not None and like is None and bank is None and ids is None and numbers is None:
        edited = ()
    else:
        source: Target | BankRow | None = None
        if like is not None:
            (source,) = editor.targets(like[:1], like[1:], () if classes is None else (classes,))
        elif bank is not None and row is not None:
            source = editor.bank_row(bank, row, painted, ids)
            edited = source.classes
        # use the next seed, since this one was used for the classes that are missing in the picture
        codes = editing.edit_object(
            editor.method, painted, codes, source, classes=ids, layers=numbers, samples=samples, seed=seed + 1
        )
    paste = None
    if paste_back and original_size:
        paste = editor.paste_onto_file(*files, new_mask, edited, feather)
    elif paste_back:
        paste = editing.PasteBack.of(image, editing.paste_region(label, painted, edited), feather)
    click.echo(editor.write(out, painted, codes, save=save, paste=paste))


@edit.command(
    epilog=examples(
        f"zoo edit material {FACE} --classes hair --layers 0-1 --out strip.png",
        f"zoo edit material {FACE} --direction 1 --statistics faces.safetensors --out look.gif",
        f"zoo edit material {FACE} --classes skin --amounts 0 3 --steps 9 --out skin.png",
    )
)
@image_option
@mask_option
@classes_option
@layers_option
@direction_option
@statistics_option
@click.option(
    "--amounts",
    type=(float, float),
    metavar="FROM TO",
    default=(-2.0, 2.0),
    show_default=True,
    help="Start and end along the direction, in standard deviations.",
)
@steps_option
@with_editor
def material(
    editor: Editor,
    images: tuple[Path, ...],
    masks: tuple[Path, ...],
    classes: str | None,
    layers: str | None,
    direction: str,
    statistics: Path | None,
    amounts: tuple[float, float],
    steps: int | None,
    out: Path,
    seed: int,
) -> None:
    """Move the codes of chosen layers along a direction: a strip (.png) or an animation (.gif, .mp4)."""
    import torch

    image, label = editor.picture(*one_picture(images, masks))
    count = number_of_steps(steps, out)
    codes = editor.moved(
        editor.codes(image, label, seed).repeat(count),
        direction,
        statistics,
        torch.linspace(*amounts, count),
        seed,
        classes=editor.classes(classes, within=label),
        layers=editor.layers(layers),
    )
    click.echo(editor.write(out, label, codes))


@edit.command(epilog=examples(f"{TWO} --out strip.png", f"{TWO} --classes hair --out hair.mp4"))
@image_option
@mask_option
@click.option("--onto", type=FILE, help="The label map to render [default: that of the first picture].")
@classes_option
@layers_option
@steps_option
@with_editor
def interpolate(
    editor: Editor,
    images: tuple[Path, ...],
    masks: tuple[Path, ...],
    onto: Path | None,
    classes: str | None,
    layers: str | None,
    steps: int | None,
    out: Path,
    seed: int,
) -> None:
    """Interpolate between the codes of two pictures: a strip (.png) or an animation (.gif, .mp4)."""
    if (len(images), len(masks)) != (2, 2):
        raise click.UsageError("An interpolation needs two pictures: give --image and --mask twice.")

    image, label = editor.picture(images[0], masks[0])
    painted = label if onto is None else editor.mask(onto)
    first = editor.codes(image, label, seed)
    (target,) = editor.targets(images[1:], masks[1:], () if classes is None else (classes,))
    last = editing.edit_object(
        editor.method, painted, first, target, classes=target.classes, layers=editor.layers(layers)
    )
    click.echo(editor.write(out, painted, editing.interpolate(first, last, number_of_steps(steps, out))))


@edit.command(epilog=examples("zoo edit replay clvae.pth edit.zip --out again.png"))
@click.argument("checkpoint", type=FILE)
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, required=True, help="Output picture.")
@device_option
@plugin_option
def replay(checkpoint: Path, file: Path, out: Path, device: str) -> None:
    """Reproduce an edited picture from a file written by --save or the studio."""
    from zoo.visual import save_picture

    editor = editing.Editor.load(checkpoint, device=device)
    save_picture(out, editing.EditFile.load(file).reproduce(editor.method, editor.digest))
    click.echo(f"Wrote {out}")
