"""The command `zoo studio`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from zoo.errors import ZooError
from zoo.options import FILE, FOLDER, device_option, examples, names_option, plugin_option

NEEDED = ("starlette", "uvicorn", "python_multipart")


@click.command(
    epilog=examples(
        "zoo studio",
        "zoo studio runs/clvae-deepfashion/latest.pth",
        "zoo studio clvae.pth groupdnet.pth --names celebamask --data-root my_faces",
        "zoo studio clvae.pth --bank faces.parquet --statistics faces.safetensors",
    )
)
@click.argument("checkpoints", metavar="[CHECKPOINT ...]", nargs=-1, type=FILE)
@click.option("--data-root", type=FOLDER, help="Folder of the example pictures [default: that of the training].")
@click.option("--bank", type=FILE, help="File written by `zoo codes extract`.")
@click.option("--statistics", type=FILE, help="File written by `zoo codes fit`.")
@names_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="Port; 0 for any free one."
)
@click.option("--max-megabytes", type=click.IntRange(min=1), default=10, show_default=True, help="Maximum upload size.")
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    default=16_000_000,
    show_default=True,
    help="Maximum number of pixels of an image.",
)
@click.option(
    "--queue", type=click.IntRange(min=1), default=8, show_default=True, help="Maximum number of queued requests."
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@device_option
@plugin_option
def studio(
    checkpoints: tuple[Path, ...],
    data_root: Path | None,
    bank: Path | None,
    statistics: Path | None,
    names: str | None,
    host: str,
    port: int,
    max_megabytes: int,
    max_pixels: int,
    queue: int,
    no_browser: bool,
    device: str,
) -> None:
    """Edit pictures in the browser: paint masks, redraw classes, transfer styles, compare methods.

    Without CHECKPOINT, the newest run below the current directory is opened; if there is none, a toy model is trained.
    """
    if any(find_spec(package) is None for package in NEEDED):
        raise ZooError("The studio needs packages that are not installed: run pip install 'zoo-smis[studio]'.")

    from zoo.studio.launch import open_studio, serve
    from zoo.studio.requests import Limits

    state = open_studio(
        checkpoints,
        device=device,
        names=names,
        data_root=data_root,
        bank=bank,
        statistics=statistics,
        limits=Limits(max_megabytes, max_pixels, queue),
    )
    serve(state, host=host, port=port, browser=not no_browser, echo=click.echo)
