"""Options shared by several commands, and help epilogs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


class _ProfileType(click.ParamType):
    """A click type for the name of a profile or the path of its YAML file."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from zoo.config import profile

        profile(value)
        return value


PROFILES = _ProfileType()


def _load_plugins(context: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]) -> None:
    if paths:
        from zoo.plugins import load_plugins, warn_broken

        warn_broken(load_plugins(paths), partial(click.echo, err=True))
        plugins_of(context).extend(path for path in paths if path not in plugins_of(context))


def plugins_of(context: click.Context) -> list[Path]:
    """The paths given with ``--plugin``, before or after the command name."""
    paths: list[Path] = context.meta.setdefault("zoo.plugins", [])
    return paths


plugin_option = click.option(
    "--plugin",
    multiple=True,
    type=click.Path(path_type=Path),
    callback=_load_plugins,
    expose_value=False,
    is_eager=True,
    help="Load a plugin that is not installed: a .py file or a package folder. May be repeated.",
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
device_option = click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto.")
data_option = click.option("--data", required=True, metavar="NAME", help="Dataset; see zoo list datasets.")
root_option = click.option(
    "--data-root", type=FOLDER, help="Folder of the dataset [default: that of the training, else data/NAME]."
)
names_option = click.option(
    "--names", metavar="DATASET", help="Use the class names and colours of a dataset; see zoo list datasets."
)
set_option = click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a config key.")


def examples(*lines: str) -> str:
    """A help epilog with example commands, which click does not re-wrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
