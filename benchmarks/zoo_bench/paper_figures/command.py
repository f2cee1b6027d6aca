"""The command `zoo figure`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.errors import ZooError
from zoo.options import FILE, device_option, examples, names_option, plugin_option, root_option, seed_option


def _places(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise click.BadParameter(f'"{text}" names no places in the test set, such as 0,3.')
    return tuple(map(int, words))


@click.command(
    epilog=examples(
        "zoo figure 15 runs/clvae-deepfashion/latest.pth --classes top --out figure15.png",
        "zoo figure 1 clvae.pth --pictures 0,3 --layers 0-2 --samples 6 --out figure1.png",
        "zoo figure 12 clvae.pth --data ade20k --data-root data/ade20k --pictures 4,8,15 --out figure12.png",
        "zoo figure 14 clvae.pth --data folder --names celebamask --classes hair,skin --out figure14.png",
        "zoo figure layers clvae.pth --pictures 3 --out layers.png",
    )
)
@click.argument("name", type=click.Choice(["1", "12", "13", "14", "15", "layers"]))
@click.argument("checkpoint", type=FILE)
@click.option("--data", metavar="NAME", help="Dataset [default: that of the training].")
@root_option
@click.option("--pictures", metavar="PLACE,...", callback=_places, help="Places in the test set, from 0.")
@click.option("--classes", metavar="NAME,...", help="These classes, by name or id [default: the largest].")
@click.option(
    "--layers", metavar="0-2,...", help="These layers of the codes: 0 = fine texture ... last = whole picture."
)
@click.option("--samples", type=click.IntRange(min=2), help="Samples or redraws per row (figures 1 and 14).")
@click.option(
    "--statistics", type=FILE, help="What `zoo codes fit` wrote, for figure 15 [default: fitted to test pictures]."
)
@names_option
@click.option("--out", type=FILE, required=True, help="Picture to write (.png).")
@seed_option
@device_option
@plugin_option
def figure(
    name: str,
    checkpoint: Path,
    data: str | None,
    data_root: Path | None,
    pictures: tuple[int, ...] | None,
    classes: str | None,
    layers: str | None,
    samples: int | None,
    statistics: Path | None,
    names: str | None,
    out: Path,
    seed: int,
    device: str,
) -> None:
    """Draw a figure of the paper, or that of the layers, with a trained checkpoint.

    1: samples of a mask, class by class and layer by layer. 12 and 13: masks in the style of other pictures. 14:
    classes of a picture redrawn. 15: codes moved along a direction, layer by layer. layers: what each layer changes.
    """
    if out.suffix.lower() != ".png":
        raise ZooError(f"{out} has an unsupported suffix: a figure is a .png.")

    from inspect import signature

    from zoo_bench.paper_figures import by_layer, material, objects, style, teaser
    from zoo_bench.paper_figures.context import FigureContext

    figures = {"1": teaser, "12": style, "13": style, "14": objects, "15": material, "layers": by_layer}
    draw = figures[name].draw
    options = {
        "pictures": pictures,
        "classes": classes,
        "layers": layers,
        "samples": samples,
        "statistics": statistics,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if unused := [f"--{name}" for name in given if name not in signature(draw).parameters]:
        raise click.UsageError(f"Figure {name} has no use for {' and '.join(unused)}: leave it out.")
    context = FigureContext.load(checkpoint, data=data, data_root=data_root, names=names, device=device, seed=seed)
    draw(context, **given).save(out, context.run)
    click.echo(f"Wrote {out}")
