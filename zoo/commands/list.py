"""`zoo list`."""

from __future__ import annotations

import json
from functools import partial

import click

from zoo.commands.terminal import print_rows
from zoo.options import examples, plugin_option

KINDS = ("methods", "datasets", "metrics", "tables", "profiles")


@click.command("list", epilog=examples("zoo list", "zoo list methods --json", "zoo list --plugin my_method.py methods"))
@click.argument(
    "what", type=click.Choice(["methods", "datasets", "metrics", "tables", "profiles", "all"]), default="all"
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@plugin_option
def list_command(what: str, as_json: bool) -> None:
    """List methods, datasets, metrics, tables and profiles."""
    from zoo.catalogue import dataset_rows, method_rows, metric_rows, profile_rows, table_rows
    from zoo.plugins import broken_plugins, warn_broken

    sources = dict(zip(KINDS, (method_rows, dataset_rows, metric_rows, table_rows, profile_rows), strict=True))
    found = {name: rows() for name, rows in sources.items() if what in (name, "all")}
    if as_json:
        click.echo(json.dumps(found if what == "all" else found[what], indent=2))
    else:
        for name, rows in found.items():
            print_rows(name, rows)
    warn_broken(broken_plugins(), partial(click.echo, err=True))
