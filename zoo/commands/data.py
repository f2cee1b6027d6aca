"""`zoo data check|rarity|prepare|make`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.commands.terminal import progress
from zoo.errors import ZooError
from zoo.options import FOLDER, examples, plugin_option, root_option, seed_option


@click.group(
    "data",
    epilog=examples(
        "zoo data check deepfashion --data-root data/deepfashion",
        "zoo data make gta5 --out data/gta5 --train 100 --test 10",
    ),
)
def data() -> None:
    """Prepare, check and generate datasets."""


@data.command(
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
    """Check every file of a dataset: missing counterparts, label ids, unreadable files, wrong releases."""
    from zoo.data.check import check

    settings: dict[str, Any] = {} if classes is None else {"classes": classes}
    with progress("checking") as report:
        found = check(name, data_root or Path("data") / name, progress=report, **settings)
    click.echo(found.summary())
    if not found.ok:
        count = len(found.problems)
        raise ZooError(f"{name} has {count} problem{'s'[: count != 1]}: fix the problems above.")


@data.command("rarity", epilog=examples("zoo data rarity --data-root data/gta5", "zoo data rarity gta5"))
@click.argument("name", required=False)
@root_option
@click.option("--restart", is_flag=True, help="Restart an unfinished computation.")
@plugin_option
def data_rarity(name: str | None, data_root: Path | None, restart: bool) -> None:
    """Compute rarity scores from kernel densities of class colours; an interrupted run is continued.

    NAME is a dataset with the setting "rarity"; it can be omitted if there is only one.
    """
    from zoo.data.rarity import compute, rebalanced

    name = name or rebalanced()
    with progress("rarity") as report:
        path = compute(data_root or Path("data") / name, name=name, progress=report, resume=not restart)
    click.echo(f"Wrote {path}")


@data.command(
    "prepare",
    epilog=examples(
        "zoo data prepare deepfashion --source downloads/deepfashion --out data/deepfashion",
        "zoo data prepare gta5 --source downloads/gta5 --out data/gta5",
        "zoo data prepare ade20k --source downloads/ADEChallengeData2016 --out data/ade20k",
    ),
)
@click.argument("name")
@click.option("--source", type=click.Path(path_type=Path), required=True, help="The original download.")
@click.option("--out", type=FOLDER, help="Folder for the dataset [default: data/NAME].")
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="A setting of the preparation; see docs/data.md."
)
@plugin_option
def data_prepare(name: str, source: Path, out: Path | None, sets: tuple[str, ...]) -> None:
    """Convert an original download to the layout of the zoo."""
    from zoo.config.read import parse_yaml
    from zoo.data.prepare import prepare

    settings = {}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals:
            raise ZooError(f'--set takes KEY=VALUE, as in --set test=500, but got "{text}".')
        settings[key.strip()] = parse_yaml(value, f"the value of --set {key.strip()}")
    out = out or Path("data") / name
    with progress("preparing") as bar:
        report = prepare(name, source, out, progress=bar, **settings)
    click.echo(
        f"{out}: {report.written} pictures written, {report.kept} already existed, {len(report.dropped)} dropped"
    )
    for reason in report.dropped:
        click.echo(f"  dropped: {reason}")


@data.command(
    "make", epilog=examples("zoo data make deepfashion --out data/deepfashion --train 200 --test 20 --seed 0")
)
@click.argument("name")
@click.option("--out", type=FOLDER, required=True)
@click.option("--train", "train_count", type=click.IntRange(min=0), default=200, show_default=True, help="Pictures.")
@click.option("--test", "test_count", type=click.IntRange(min=0), default=20, show_default=True, help="Pictures.")
@click.option("--size", type=(int, int), metavar="H W", help="Height and width [default: those of the real dataset].")
@seed_option
@plugin_option
def data_make(name: str, out: Path, train_count: int, test_count: int, size: tuple[int, int] | None, seed: int) -> None:
    """Generate procedural pictures in the layout of a real dataset."""
    from zoo.data.standin import make

    with progress("drawing") as report:
        make(name, out, train=train_count, test=test_count, seed=seed, size=size, progress=report)
    click.echo(f"Wrote {train_count} training and {test_count} test pictures to {out}")
