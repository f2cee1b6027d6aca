"""`zoo sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.commands.terminal import progress
from zoo.commands.trained import on_test_pictures
from zoo.options import FOLDER, examples


@click.command(
    epilog=examples(
        "zoo sample runs/clvae-deepfashion/latest.pth --data deepfashion --samples 8 --out samples",
        "zoo sample clvae.pth --data folder --data-root my_pictures --samples 4 --out samples --seed 7",
    )
)
@click.option("--samples", type=click.IntRange(min=1), default=8, show_default=True, help="Samples per mask.")
@click.option("--out", type=FOLDER, required=True, help="Folder for the pictures and grid.png.")
@on_test_pictures
def sample(checkpoint: Path, **settings: Any) -> None:
    """Synthesise pictures for the test masks of a dataset: one PNG each, and a grid."""
    from zoo import sampling

    with progress("sampling") as report:
        files = sampling.sample(checkpoint, **settings, progress=report)
    click.echo(f"Wrote {len(files) - 1} pictures and {files[-1]}")
