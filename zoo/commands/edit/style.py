"""`zoo edit style`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.commands.edit.arguments import editing, image_option, layers_option, mask_option, samples_option, save_option
from zoo.options import FILE, examples

if TYPE_CHECKING:
    from zoo.editing.editor import Editor


@click.command(
    epilog=examples(
        "zoo edit style clvae.pth --onto plan.png --image sunset.jpg --mask sunset.png --out styled.png",
        "zoo edit style clvae.pth --onto plan.png --image a.jpg --mask a.png --classes sofa "
        "--image b.jpg --mask b.png --classes floor --samples 4 --out rooms.png",
        "zoo edit style clvae.pth --onto plan.png --image a.jpg --mask a.png --layers 0-2 --strength 0.5 --out out.png",
    )
)
@click.option("--onto", type=FILE, required=True, help="The label map to paint.")
@image_option
@mask_option
@click.option(
    "--classes", multiple=True, metavar="NAME,...", help="Only these classes; once for each picture, in their order."
)
@layers_option
@click.option("--sampled", is_flag=True, help="Draw from the posteriors of the pictures' codes; else their means.")
@click.option(
    "--strength", type=float, default=1.0, show_default=True, help="From 0 (drawn codes) to 1 (those of the pictures)."
)
@samples_option
@save_option
@editing
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
    """Paint a label map in the style of one or more pictures.

    Classes that a picture and the map share take the picture's codes, as does the look of the whole; all others are
    drawn. With --classes a picture gives these classes and nothing else.
    """
    from zoo.editing.style import style_guided

    label = editor.mask(onto)
    codes = style_guided(
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
