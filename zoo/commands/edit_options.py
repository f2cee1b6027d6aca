"""Options shared by the commands `zoo edit ...` and `zoo codes ...`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from zoo import editing
from zoo.options import FILE, device_option, names_option, plugin_option, seed_option

STRIP, ANIMATION = 7, 25
"""Default numbers of pictures in a strip and in an animation."""

image_option = click.option("--image", "images", type=FILE, multiple=True, help="Picture; requires its --mask.")
mask_option = click.option(
    "--mask", "masks", type=FILE, multiple=True, help="Label map: a PNG of class ids, or in the dataset's colours."
)
classes_option = click.option("--classes", metavar="NAME,...", help="Only these classes, by name or id.")
layers_option = click.option(
    "--layers", metavar="0-2,...", help="Only these layers of the codes: 0 = fine texture ... last = whole picture."
)
samples_option = click.option(
    "--samples", type=click.IntRange(min=1), default=1, show_default=True, help="Number of results, side by side."
)
steps_option = click.option(
    "--steps",
    type=click.IntRange(min=2),
    help=f"Number of pictures [default: {STRIP}, or {ANIMATION} for an animation].",
)
direction_option = click.option(
    "--direction",
    default="random",
    show_default=True,
    metavar="random|K|FILE",
    help="random (by --seed), the number of a principal direction (1, 2, ... of --statistics), or a .safetensors file",
)
statistics_option = click.option("--statistics", type=FILE, help="File written by `zoo codes fit`.")
save_option = click.option(
    "--save",
    type=FILE,
    help="Also save mask, codes and first result to this .zip, for `zoo edit replay` and the studio.",
)


def with_editor(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator with the arguments of every edit; the command is called with ``editor``, ``out`` and ``seed``."""

    @wraps(command)
    def run(checkpoint: Path, device: str, names: str | None, **rest: Any) -> None:
        command(editing.Editor.load(checkpoint, device=device, names=names), **rest)

    out_option = click.option("--out", type=FILE, required=True, help="Output picture.")
    checkpoint = click.argument("checkpoint", type=FILE)
    for add in (plugin_option, device_option, seed_option, names_option, out_option, checkpoint):
        run = add(run)
    return run


def one_picture(images: tuple[Path, ...], masks: tuple[Path, ...]) -> tuple[Path, Path]:
    """The picture to edit, and its mask."""
    if (len(images), len(masks)) != (1, 1):
        raise click.UsageError(
            f"One picture is edited at a time, but {len(images)} --image and {len(masks)} --mask were given: give one "
            "of each."
        )
    return images[0], masks[0]


def number_of_steps(steps: int | None, out: Path) -> int:
    """The number of pictures: as given, or the default for a strip or an animation."""
    return steps or (STRIP if out.suffix.lower() == ".png" else ANIMATION)
