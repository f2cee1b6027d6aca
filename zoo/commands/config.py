"""`zoo config show`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.options import PROFILES, data_option, examples, plugin_option, root_option, set_option


@click.group("config", epilog=examples("zoo config show clvae --data deepfashion --profile smoke"))
def config() -> None:
    """Inspect configs."""


@config.command(
    "show",
    epilog=examples(
        "zoo config show clvae --data deepfashion",
        "zoo config show gaugan --data gta5 --profile gpu --set train.epochs=5",
    ),
)
@click.argument("method")
@data_option
@root_option
@click.option("--profile", type=PROFILES, default="paper", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the training [default: train.seed].")
@set_option
@plugin_option
def show(method: str, data: str, data_root: Path | None, profile: str, seed: int | None, sets: tuple[str, ...]) -> None:
    """Print the resolved config as YAML, with the file or option that set each value."""
    from zoo.config import resolve

    click.echo(resolve(method, data, profile, sets, data_root=data_root, seed=seed).annotated(), nl=False)
