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
@click.option("--bank", type=FILE, help="What `zoo codes extract` wrote.")
@click.option("--statistics", type=FILE, help="What `zoo codes fit` wrote.")
@names_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0: any free one.")
@click.option("--max-megabytes", type=click.IntRange(min=1), default=10, show_default=True, help="Largest upload.")
@click.option("--max-pixels", type=click.IntRange(min=1), default=16_000_000, show_default=True, help="Largest image.")
@click.option("--queue", type=click.IntRange(min=1), default=8, show_default=True, help="Requests that may wait.")
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
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
    """Edit pictures in the browser: paint masks, redraw classes, take styles, compare methods.

    Without CHECKPOINT it opens the newest run below the working folder; without any it trains a toy model first.
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
