"""The command line: `zoo list|train|sample|eval|edit|codes|figure|studio|bench|report|data|import`.

It parses, calls the core and prints; what a command does lives in the packages. Heavy modules are imported inside the
commands, so that `zoo --help` answers at once.
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
from zoo.commands.edit import edit
from zoo.commands.studio import studio
from zoo.commands.terminal import print_rows, progress
from zoo.errors import ZooError
from zoo.options import (
    FILE,
    FOLDER,
    PROFILES,
    data_option,
    device_option,
    examples,
    plugin_option,
    report_broken,
    root_option,
    seed_option,
    set_option,
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
        "zoo train clvae --data deepfashion --profile smoke",
        "zoo train clvae --data deepfashion --data-root data/deepfashion",
        "zoo train clvae --data gta5 --set method.layers=3 --work-dir runs/three-layers",
        "zoo train clvae --data folder --data-root my_pictures --set data.classes=19",
        "zoo train clvae --data deepfashion --resume",
        "torchrun --nproc-per-node 2 --no-python zoo train clvae --data ade20k",
    )
)
@click.argument("method")
@data_option
@root_option
@click.option("--profile", type=PROFILES, default="paper", show_default=True)
@click.option("--work-dir", type=FOLDER, help="Run folder [default: runs/METHOD-DATA].")
@set_option
@click.option("--resume", is_flag=True, help="Continue the run in the work dir.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of weights, data order and noise.")
@click.option("--dry-run", is_flag=True, help="Check everything, print the plan, train nothing.")
@plugin_option
def train(
    method: str,
    data: str,
    data_root: Path | None,
    profile: str,
    work_dir: Path | None,
    sets: tuple[str, ...],
    resume: bool,
    seed: int | None,
    dry_run: bool,
) -> None:
    """Train METHOD on a dataset."""
    import yaml

    from zoo.config import resolve
    from zoo.data.standin import located

    config = located(resolve(method, data, profile, sets, data_root=data_root, seed=seed))

    from zoo.engine.train import plan
    from zoo.engine.train import train as run

    folder = work_dir or Path("runs") / f"{config.method['name']}-{data}"
    if dry_run:
        click.echo(yaml.safe_dump({**plan(config), "work_dir": str(folder)}, sort_keys=False), nl=False)
        return
    checkpoint = run(config, work_dir=folder, resume=resume)
    if os.environ.get("RANK", "0") == "0":
        click.echo(f"Trained {config.method['name']} on {data}: {checkpoint}")


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


cli.add_command(bench)
cli.add_command(report)
cli.add_command(edit)
cli.add_command(codes)
cli.add_command(figure)
cli.add_command(studio)


@cli.group(
    "data",
    epilog=examples(
        "zoo data check deepfashion --data-root data/deepfashion",
        "zoo data make gta5 --out data/gta5 --train 100 --test 10",
    ),
)
def data_group() -> None:
    """Prepare, check and make datasets."""


@data_group.command(
    "check",
    epilog=examples(
        "zoo data check ade20k --data-root data/ade20k", "zoo data check folder --data-root my_pictures --classes 19"
    ),
)
@click.argument("name")
@root_option
@click.option("--classes", type=click.IntRange(min=1), help="Number of classes (folder only).")
@plugin_option
def data_check(name: str, data_root: Path | None, classes: int | None) -> None:
    """Look at every file of a dataset: counts, missing partners, label ids, unreadable files, wrong releases."""
    from zoo.data.check import check

    settings = {} if classes is None else {"classes": classes}
    with progress("checking") as report:
        found = check(name, data_root or Path("data") / name, progress=report, **settings)
    click.echo(found.summary())
    if not found.ok:
        count = len(found.problems)
        raise ZooError(f"{name} has {count} problem{'s'[: count != 1]}: mend what is named above.")


@data_group.command("rarity", epilog=examples("zoo data rarity --data-root data/gta5"))
@root_option
@click.option("--restart", is_flag=True, help="Forget an unfinished computation.")
def data_rarity(data_root: Path | None, restart: bool) -> None:
    """Compute GTA-5's rarity bins and masks (kernel densities of class colours); an interrupted run continues."""
    from zoo.data.rarity import compute

    with progress("rarity") as report:
        path = compute(data_root or Path("data/gta5"), progress=report, resume=not restart)
    click.echo(f"Wrote {path}")


@data_group.command(
    "prepare",
    epilog=examples(
        "zoo data prepare deepfashion --source downloads/deepfashion --out data/deepfashion",
        "zoo data prepare gta5 --source downloads/gta5 --out data/gta5",
        "zoo data prepare ade20k --source downloads/ADEChallengeData2016 --out data/ade20k",
    ),
)
@click.argument("name", type=click.Choice(["ade20k", "deepfashion", "gta5"]))
@click.option("--source", type=FOLDER, required=True, help="Folder of the original download.")
@click.option("--out", type=FOLDER, help="Folder for the dataset [default: data/NAME].")
def data_prepare(name: str, source: Path, out: Path | None) -> None:
    """Bring an original download into the layout that the zoo reads."""
    from zoo.data.prepare import prepare

    out = out or Path("data") / name
    with progress("preparing") as bar:
        report = prepare(name, source, out, progress=bar)
    click.echo(f"{out}: {report.written} pictures written, {report.kept} already there, {len(report.dropped)} dropped")
    for reason in report.dropped:
        click.echo(f"  dropped: {reason}")


@data_group.command(
    "make", epilog=examples("zoo data make deepfashion --out data/deepfashion --train 200 --test 20 --seed 0")
)
@click.argument("name", type=click.Choice(["ade20k", "deepfashion", "gta5"]))
@click.option("--out", type=FOLDER, required=True)
@click.option("--train", "train_count", type=click.IntRange(min=0), default=200, show_default=True, help="Pictures.")
@click.option("--test", "test_count", type=click.IntRange(min=0), default=20, show_default=True, help="Pictures.")
@click.option("--size", type=(int, int), metavar="H W", help="Height and width [default: those of the real dataset].")
@seed_option
def data_make(name: str, out: Path, train_count: int, test_count: int, size: tuple[int, int] | None, seed: int) -> None:
    """Draw a procedural stand-in in the layout of a real dataset."""
    from zoo.data.procedural import make

    with progress("drawing") as report:
        make(name, out, train=train_count, test=test_count, seed=seed, size=size, progress=report)
    click.echo(f"Wrote {train_count} training and {test_count} test pictures to {out}")


@cli.command(
    "import",
    epilog=examples(
        "zoo import clvae --generator latest_net_G.pth --encoder latest_net_E.pth --data deepfashion --out clvae.pth",
        "zoo import gaugan --generator latest_net_G.pth --data ade20k --out gaugan.pth",
    ),
)
@click.argument("method")
@click.option("--generator", type=FILE, required=True, help="Official latest_net_G.pth.")
@click.option("--encoder", type=FILE, help="Official latest_net_E.pth.")
@click.option("--discriminator", type=FILE, help="Official latest_net_D.pth, kept in the checkpoint.")
@data_option
@click.option("--out", type=FILE, required=True, help="Checkpoint to write.")
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
    """Turn official weights of SPADE, GroupDNet or CLVAE into a checkpoint of the zoo."""
    from zoo.config import resolve
    from zoo.factory import from_config
    from zoo.official import import_official

    given = {"generator": generator, "encoder": encoder, "discriminator": discriminator}
    built = from_config(resolve(method, data, None, sets)).eval()
    import_official(built, {part: path for part, path in given.items() if path is not None}, out)
    click.echo(f"Wrote {out}")


if __name__ == "__main__":
    main()
