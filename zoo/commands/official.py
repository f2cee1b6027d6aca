"""The command `zoo import`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.options import FILE, data_option, examples, plugin_option, set_option


@click.command(
    "import",
    epilog=examples(
        "zoo import clvae --generator latest_net_G.pth --encoder latest_net_E.pth --data deepfashion --out clvae.pth",
        "zoo import gaugan --generator latest_net_G.pth --data ade20k --out gaugan.pth",
    ),
)
@click.argument("method")
@click.option("--generator", type=FILE, required=True, help="Official latest_net_G.pth.")
@click.option("--encoder", type=FILE, help="Official latest_net_E.pth.")
@click.option("--discriminator", type=FILE, help="Official latest_net_D.pth, stored in the checkpoint.")
@data_option
@click.option("--out", type=FILE, required=True, help="Output checkpoint.")
@set_option
@plugin_option
def import_command(
    method: str,
    generator: Path,
    encoder: Path | None,
    discriminator: Path | None,
    data: str,
    out: Path,
    sets: tuple[str, ...],
) -> None:
    """Convert official weights to a checkpoint of the zoo."""
    from zoo.config import resolve
    from zoo.factory import from_config
    from zoo.official import import_official

    given = {"generator": generator, "encoder": encoder, "discriminator": discriminator}
    built = from_config(resolve(method, data, None, sets)).eval()
    import_official(built, {part: path for part, path in given.items() if path is not None}, out)
    click.echo(f"Wrote {out}")
