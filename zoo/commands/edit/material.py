"""`zoo edit material`."""

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
    statistics_option,
    steps_of,
    steps_option,
)
from zoo.options import examples

if TYPE_CHECKING:
    from zoo.editing.editor import Editor

FACE = "zoo edit material clvae.pth --image face.jpg --mask face.png"


@click.command(
    epilog=examples(
        f"{FACE} --classes hair --layers 0-1 --out strip.png",
        f"{FACE} --direction 1 --statistics faces.safetensors --out look.gif",
        f"{FACE} --classes skin --amounts 0 3 --steps 9 --out skin.png",
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
    help="Where the codes go along the direction, in standard deviations.",
)
@steps_option
@editing
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
    """Move the codes of chosen layers along a direction: a strip (.png) or a film (.gif, .mp4)."""
    import torch

    image, label = editor.picture(*one_picture(images, masks))
    count = steps_of(steps, out)
    codes = editor.moved(
        editor.codes(image, label, seed).repeated(count),
        direction,
        statistics,
        torch.linspace(*amounts, count),
        seed,
        classes=editor.classes(classes, within=label),
        layers=editor.layers(layers),
    )
    click.echo(editor.write(out, label, codes))
