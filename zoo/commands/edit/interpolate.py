"""`zoo edit interpolate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.commands.edit.arguments import (
    classes_option,
    editing,
    image_option,
    layers_option,
    mask_option,
    steps_of,
    steps_option,
)
from zoo.options import FILE, examples

if TYPE_CHECKING:
    from zoo.editing.editor import Editor

TWO = "zoo edit interpolate clvae.pth --image a.jpg --mask a.png --image b.jpg --mask b.png"


@click.command(epilog=examples(f"{TWO} --out strip.png", f"{TWO} --classes hair --out hair.mp4"))
@image_option
@mask_option
@click.option("--onto", type=FILE, help="The label map to paint [default: that of the first picture].")
@classes_option
@layers_option
@steps_option
@editing
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
    """Go from one picture's codes to another's: a strip (.png) or a film (.gif, .mp4)."""
    if (len(images), len(masks)) != (2, 2):
        raise click.UsageError("An interpolation goes between two pictures: give --image and --mask twice.")

    from zoo.editing.interpolation import interpolated
    from zoo.editing.style import taken

    image, label = editor.picture(images[0], masks[0])
    painted = label if onto is None else editor.mask(onto)
    first = editor.codes(image, label, seed)
    (target,) = editor.targets(images[1:], masks[1:], () if classes is None else (classes,))
    last = taken(editor.method, first, painted, target, layers=editor.layers(layers))
    click.echo(editor.write(out, painted, interpolated(first, last, steps_of(steps, out))))
