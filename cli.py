"""The command line: `zoo list|train|sample|eval|edit|codes|figure|studio|bench|report|data|import`.

It parses, calls the core and prints; larger commands have files of their own in zoo.commands and benchmarks, and what a
command does lives in the packages. Heavy modules are imported inside the commands, so that `zoo --help` answers at
once.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
from typing import Any

import click

from benchmarks.applications.command import figure
from benchmarks.commands import bench, report
from zoo.commands.codes import codes
from zoo.commands.data import data
from zoo.commands.edit import edit
from zoo.commands.official import import_command
from zoo.commands.studio import studio
from zoo.commands.terminal import print_rows, progress
from zoo.commands.train import train
from zoo.errors import ZooError
from zoo.options import (
    FILE,
    FOLDER,
    data_option,
    device_option,
    examples,
    plugin_option,
    report_broken,
    root_option,
    seed_option,
)

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
        return f"{error.format_message()} See {error.ctx.command_path} --help."
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, ZooError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read or written ({error.strerror}): check the path and your rights to it."
    return f"{type(error).__name__}: {shorten(str(error), 300)} (this is a defect; --debug shows where)."


limit_option = click.option("--limit", type=click.IntRange(min=1), help="Only the first so many test pictures.")


def on_test_pictures(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments of the commands that put a checkpoint to the test pictures of a dataset.

    They arrive as ``checkpoint``, ``data``, ``data_root``, ``limit``, ``seed``, ``device``.
    """
    checkpoint = click.argument("checkpoint", type=FILE)
    for add in (plugin_option, device_option, seed_option, limit_option, root_option, data_option, checkpoint):
        command = add(command)
    return command


def _at_work(checkpoint: Path, data: str, data_root: Path | None, device: str) -> tuple[Any, Any]:
    """The method of a checkpoint on its device, and the test pictures."""
    from zoo.engine.distribution import start
    from zoo.factory import load
    from zoo.sampling import evaluation_pictures

    method = load(checkpoint, device=start(device))
    return method, evaluation_pictures(method, data, data_root)


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
@click.pass_context
def list_command(context: click.Context, what: str, as_json: bool) -> None:
    """What there is: methods, datasets, tables and profiles."""
    from benchmarks.tables import table_rows
    from zoo.catalogue import dataset_rows, method_rows, profile_rows
    from zoo.plugins import broken_plugins

    sources = {"methods": method_rows, "datasets": dataset_rows, "tables": table_rows, "profiles": profile_rows}
    found = {name: rows() for name, rows in sources.items() if what in (name, "all")}
    if as_json:
        click.echo(json.dumps(found if what == "all" else found[what], indent=2))
    else:
        for name, rows in found.items():
            print_rows(name, rows)
    report_broken(context, broken_plugins())


@cli.command(
    epilog=examples(
        "zoo sample runs/clvae-deepfashion/latest.pth --data deepfashion --samples 8 --out samples",
        "zoo sample clvae.pth --data folder --data-root my_pictures --samples 4 --out samples --seed 7",
    )
)
@click.option("--samples", type=click.IntRange(min=1), default=8, show_default=True, help="Pictures per mask.")
@click.option("--out", type=FOLDER, required=True, help="Folder for the pictures and grid.png.")
@on_test_pictures
def sample(samples: int, out: Path, limit: int | None, seed: int, **which: Any) -> None:
    """Draw pictures for the test masks of a dataset: one PNG each, and a grid."""
    from zoo.sampling import write_samples

    method, pictures = _at_work(**which)
    with progress("sampling") as report:
        files = write_samples(method, pictures, samples=samples, out=out, seed=seed, limit=limit, progress=report)
    click.echo(f"Wrote {len(files) - 1} pictures and {files[-1]}")


@cli.command(
    "eval",
    epilog=examples(
        "zoo eval runs/clvae-deepfashion/latest.pth --data deepfashion",
        "zoo eval runs/clvae-deepfashion/latest.pth --data deepfashion --samples 8 --limit 50 --json",
        "zoo eval clvae.pth --data ade20k --metrics fid_val_inception2015 --out judged --pictures",
        "torchrun --nproc-per-node 2 --no-python zoo eval clvae.pth --data ade20k",
    ),
)
@click.option("--samples", type=click.IntRange(min=2), default=40, show_default=True, help="Pictures per mask.")
@click.option("--metrics", metavar="NAME,...", help="Metrics by full name, as diversity_lpips_alex_40 [default: all].")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: one line per number.")
@click.option("--out", type=FOLDER, help="Folder for results.jsonl and the numbers of every picture (Parquet).")
@click.option("--pictures", "keep", is_flag=True, help="Write the pictures that are judged to --out, too.")
@on_test_pictures
def evaluate(
    samples: int,
    metrics: str | None,
    as_json: bool,
    out: Path | None,
    keep: bool,
    limit: int | None,
    seed: int,
    checkpoint: Path,
    **which: Any,
) -> None:
    """Evaluate a checkpoint on the test pictures of a dataset."""
    if keep and out is None:
        raise click.UsageError("--pictures needs --out, the folder to write them to.")

    from zoo.distributed import is_main
    from zoo.evaluation import evaluate_checkpoint

    method, pictures = _at_work(checkpoint, **which)
    names = metrics.split(",") if metrics else None
    with progress("evaluating") as report:
        results = evaluate_checkpoint(
            method,
            pictures,
            checkpoint,
            metrics=names,
            samples=samples,
            seed=seed,
            limit=limit,
            out=out,
            keep=keep,
            progress=report,
        )
    if not is_main():
        return
    if as_json:
        for result in results:
            click.echo(result.line())
        return
    rows = [
        {"metric": r.metric, "value": f"{r.value:.4f}", **r.protocol, "note": "; ".join(r.warnings)} for r in results
    ]
    print_rows(f"{method.name} on {which['data']}", rows)


cli.add_command(train)
cli.add_command(data)
cli.add_command(import_command)
cli.add_command(bench)
cli.add_command(report)
cli.add_command(edit)
cli.add_command(codes)
cli.add_command(figure)
cli.add_command(studio)


if __name__ == "__main__":
    main()
