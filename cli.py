"""The command line: `zoo list|train|sample|eval|edit|codes|figure|studio|bench|report|data|import`.

The commands lie in zoo.commands and in benchmarks; they parse, call the core and print. Here are the group, how errors
are told, and `zoo list`, which shows what both packages have. Heavy modules are imported inside the commands, so that
`zoo --help` answers at once.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from functools import partial
from textwrap import shorten

import click

from benchmarks.applications.command import figure
from benchmarks.commands import bench, report
from zoo.commands.codes import codes
from zoo.commands.data import data
from zoo.commands.edit import edit
from zoo.commands.evaluate import evaluate
from zoo.commands.official import import_command
from zoo.commands.sample import sample
from zoo.commands.studio import studio
from zoo.commands.terminal import print_rows
from zoo.commands.train import train
from zoo.errors import ZooError
from zoo.options import examples, plugin_option

INTERRUPTED = 130


def main() -> None:
    """Entry point: errors are one sentence on standard error with exit code 2; a traceback only with --debug."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        cli.main([a for a in arguments if a != "--debug"], prog_name="zoo", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (ZooError, click.ClickException, click.Abort, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        sys.exit(_report(error))
    except BrokenPipeError:
        # whoever read the output has had enough, as `zoo list | head` has; Python would complain again at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if debug:
            traceback.print_exc()
        sys.exit(_report(error))


def _report(error: BaseException) -> int:
    """Print what went wrong; returns the exit code."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return 2
    click.echo(f"Error: {_sentence(error)}", err=True)
    return INTERRUPTED if type(error).__name__ == "RunInterruptedError" else 2


def _sentence(error: BaseException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = error.format_message()
        return f"{message}{'' if message.endswith(('.', '?')) else '.'} See {error.ctx.command_path} --help."
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, ZooError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read or written ({error.strerror}): check the path and your rights to it."
    return f"{type(error).__name__}: {shorten(str(error), 300)} (this is a defect; --debug shows where)."


def _say_what_is_decided() -> None:
    """Show the log of the zoo and of its methods on standard error, from one process of a run."""
    main_process = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    for name in ("zoo", "plugins"):
        logging.getLogger(name).setLevel(logging.INFO if main_process else logging.ERROR)


@click.group(
    epilog=examples(
        "zoo list",
        "zoo train clvae --data deepfashion --profile smoke",
        "zoo sample runs/clvae-deepfashion/latest.pth --data deepfashion --samples 8 --out samples",
        "zoo bench --tables all --profile smoke",
    )
)
@click.version_option(package_name="zoo-smis")
@plugin_option
def cli() -> None:
    """A model zoo for multimodal semantic image synthesis: label map in, many plausible pictures out.

    --debug, anywhere, shows the traceback of an error.
    """
    _say_what_is_decided()


@cli.command("list", epilog=examples("zoo list", "zoo list methods --json", "zoo list --plugin my_method.py methods"))
@click.argument("what", type=click.Choice(["methods", "datasets", "tables", "profiles", "all"]), default="all")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@plugin_option
def list_command(what: str, as_json: bool) -> None:
    """What there is: methods, datasets, tables and profiles."""
    from benchmarks.tables import table_rows
    from zoo.catalogue import dataset_rows, method_rows, profile_rows
    from zoo.plugins import broken_plugins, tell_broken

    sources = {"methods": method_rows, "datasets": dataset_rows, "tables": table_rows, "profiles": profile_rows}
    found = {name: rows() for name, rows in sources.items() if what in (name, "all")}
    if as_json:
        click.echo(json.dumps(found if what == "all" else found[what], indent=2))
    else:
        for name, rows in found.items():
            print_rows(name, rows)
    tell_broken(broken_plugins(), partial(click.echo, err=True))


for command in (train, sample, evaluate, data, import_command, bench, report, edit, codes, figure, studio):
    cli.add_command(command)


if __name__ == "__main__":
    main()
