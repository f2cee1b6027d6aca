"""The command line `zoo`: its commands and error output.

Commands parse their options, call the core and print results. The core's commands are listed in :data:`COMMANDS`; other
packages add commands through the entry-point group ``zoo.commands``. Commands are imported lazily, and import heavy
modules inside their functions, so that ``zoo --help`` is fast.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from textwrap import shorten

import click

from zoo.errors import ZooError, nearest
from zoo.options import examples, plugin_option

COMMANDS = {
    "list": "zoo.commands.list:list_command",
    "train": "zoo.commands.train:train",
    "sample": "zoo.commands.sample:sample",
    "eval": "zoo.commands.evaluate:evaluate",
    "data": "zoo.commands.data:data",
    "config": "zoo.commands.config:config",
    "import": "zoo.commands.official:import_command",
    "edit": "zoo.commands.edit:edit",
    "codes": "zoo.commands.codes:codes",
    "studio": "zoo.commands.studio:studio",
}
"""The core's commands, as "module:attribute" by name."""

GROUP = "zoo.commands"
"""Entry-point group for commands of other packages."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, by shell convention."""


class CommandGroup(click.Group):
    """The commands of the core and of installed packages; on a name clash, the core's command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted, without importing anything."""
        return sorted({*COMMANDS, *_installed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command by its name; None if it does not exist."""
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        entry = _installed().get(cmd_name)
        return None if entry is None else _load(entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the command; the error for an unknown name suggests similar ones."""
        name = args[0]
        hint = nearest(name, self.list_commands(ctx))
        if hint and not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f'There is no command "{name}"{hint}')
        return super().resolve_command(ctx, args)


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _load(entry: EntryPoint) -> click.Command:
    """Load the command of an entry point; if its import fails, return a command that reports the reason."""
    try:
        loaded = entry.load()
        if isinstance(loaded, click.Command):
            return loaded
        reason = f"{entry.value} is not a click command"
    except Exception as error:  # a broken package must not disable the other commands
        reason = f"{type(error).__name__}: {error}"
    message = (
        f'The command "{entry.name}" ({entry.value}) cannot be loaded ({reason}): repair or uninstall its package.'
    )

    def fail(_: tuple[str, ...]) -> None:
        raise ZooError(message)

    arguments = click.Argument(["_"], nargs=-1, type=click.UNPROCESSED)
    settings = {"ignore_unknown_options": True}
    return click.Command(
        entry.name, callback=fail, params=[arguments], short_help="(cannot be loaded)", context_settings=settings
    )


def main() -> None:
    """Entry point. Errors are printed as one sentence on standard error, with exit code 2; --debug adds a traceback."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        cli.main([a for a in arguments if a != "--debug"], prog_name="zoo", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except BrokenPipeError:
        # the output pipe was closed, as in `zoo list | head`; Python would report this again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        sys.exit(_report(error))


def _report(error: BaseException) -> int:
    """Print an error and return the exit code."""
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
        return f"{error.filename} cannot be read or written ({error.strerror}): check the path and your permissions."
    origin = "; ".join(getattr(error, "__notes__", ())) or "this is a bug in zoo"
    return f"{type(error).__name__}: {shorten(str(error), 300)} ({origin}; --debug shows the traceback)."


def _configure_logging() -> None:
    """Log messages of the zoo and of installed plugins to standard error, from the main process only."""
    main_process = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    packages = {entry.module.partition(".")[0] for entry in entry_points(group="zoo.plugins")}
    for name in ("zoo", *packages):
        logging.getLogger(name).setLevel(logging.INFO if main_process else logging.ERROR)


@click.group(
    cls=CommandGroup,
    epilog=examples(
        "zoo list",
        "zoo train clvae --data deepfashion --profile smoke",
        "zoo sample runs/clvae-deepfashion/latest.pth --data deepfashion --samples 8 --out samples",
        "zoo bench --tables all --profile smoke",
    ),
)
@click.version_option(package_name="zoo-smis")
@plugin_option
def cli() -> None:
    """A model zoo for multimodal semantic image synthesis: label map in, many plausible pictures out.

    Add --debug anywhere to see the traceback of an error.
    """
    _configure_logging()
