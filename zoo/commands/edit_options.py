"""Options that the commands `zoo edit ...` and `zoo codes ...` share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from zoo import editing
from zoo.options import FILE, device_option, names_option, plugin_option, seed_option

STRIP, ANIMATION = 7, 25
"""Pictures of an interpolation, where --steps is not given."""

image_option = click.option("--image", "images", type=FILE, multiple=True, help="Picture; comes with its --mask.")
mask_option = click.option(
    "--mask", "masks", type=FILE, multiple=True, help="Label map: a PNG of ids, or in the dataset's colours."
)
classes_option = click.option("--classes", metavar="NAME,...", help="Only these classes, by name or id.")
layers_option = click.option(
    "--layers", metavar="0-2,...", help="Only these layers of the codes: 0 = fine texture ... last = whole picture."
)
samples_option = click.option(
    "--samples", type=click.IntRange(min=1), default=1, show_default=True, help="Results, side by side."
)
steps_option = click.option(
    "--steps",
    type=click.IntRange(min=2),
    help=f"Pictures from one end to the other [default: {STRIP}; in an animation {ANIMATION}].",
)
direction_option = click.option(
    "--direction",
    default="random",
    show_default=True,
    metavar="random|K|FILE",
    help="Drawn by --seed; the K-th principal one (1, 2, ... of --statistics); or a file of codes (.safetensors).",
)
statistics_option = click.option("--statistics", type=FILE, help="What `zoo codes fit` wrote.")
save_option = click.option(
    "--save",
    type=FILE,
    help="Also write mask, codes and first result to this .zip, which `zoo edit replay` and the studio read.",
)


def with_editor(command: Callable[..., None]) -> Callable[..., None]:
    """Add the arguments of every edit, which the command gets as ``editor``, ``out`` and ``seed``."""

    @wraps(command)
    def run(checkpoint: Path, device: str, names: str | None, **rest: Any) -> None:
        command(editing.Editor.load(checkpoint, device=device, names=names), **rest)

    out_option = click.option("--out", type=FILE, required=True, help="Picture to write.")
    checkpoint = click.argument("checkpoint", type=FILE)
    for add in (plugin_option, device_option, seed_option, names_option, out_option, checkpoint):
        run = add(run)
    return run


def one_picture(images: tuple[Path, ...], masks: tuple[Path, ...]) -> tuple[Path, Path]:
    """The picture that is edited, and its mask."""
    if (len(images), len(masks)) != (1, 1):
        raise click.UsageError(
            f"One picture is edited at a time, but {len(images)} --image and {len(masks)} --mask were given: give one "
            "of each."
        )
    return images[0], masks[0]


def number_of_steps(steps: int | None, out: Path) -> int:
    """The number of pictures: as given, else few for a strip and many for an animation."""
    return steps or (STRIP if out.suffix.lower() == ".png" else ANIMATION)
