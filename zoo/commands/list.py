"""`zoo list`."""

from __future__ import annotations

import json
from functools import partial

import click

from zoo.commands.terminal import print_rows
from zoo.options import examples, plugin_option

KINDS = ("methods", "datasets", "metrics", "tables", "profiles", "callbacks")


@click.command("list", epilog=examples("zoo list", "zoo list methods --json", "zoo list --plugin my_method.py methods"))
@click.argument("what", type=click.Choice([*KINDS, "all"]), default="all")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@plugin_option
def list_command(what: str, as_json: bool) -> None:
    """List methods, datasets, metrics, tables, profiles and callbacks."""
    from zoo.catalogue import ROWS
    from zoo.plugins import broken_plugins, warn_broken

    found = {kind: ROWS[kind]() for kind in KINDS if what in (kind, "all")}
    if as_json:
        click.echo(json.dumps(found if what == "all" else found[what], indent=2))
    else:
        for kind, rows in found.items():
            if rows or kind == what:
                print_rows(kind, rows)
    warn_broken(broken_plugins(), partial(click.echo, err=True))
