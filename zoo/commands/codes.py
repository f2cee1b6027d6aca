"""`zoo codes fit|extract|find|direction`: statistics and a bank of the codes of a dataset, and directions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo import editing
from zoo.commands.edit_options import image_option, mask_option
from zoo.commands.terminal import print_rows, progress
from zoo.commands.trained import opened
from zoo.errors import ZooError
from zoo.options import FILE, data_option, device_option, examples, names_option, plugin_option, root_option

if TYPE_CHECKING:
    from zoo.editing import CodeBank, CodeStatistics


def encoding(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator for commands that encode a dataset: adds ``limit`` and the arguments of :func:`trained.opened`."""
    for add in (
        plugin_option,
        device_option,
        click.option("--limit", type=click.IntRange(min=1), help="Use only the first N pictures."),
        click.option("--split", type=click.Choice(["train", "test"]), default="train", show_default=True),
        root_option,
        data_option,
        click.argument("checkpoint", type=FILE),
    ):
        command = add(command)
    return command


@click.group(
    epilog=examples(
        "zoo codes fit clvae.pth --data deepfashion --out deepfashion.safetensors",
        "zoo codes extract clvae.pth --data deepfashion --out bank.parquet",
        "zoo codes find bank.parquet --classes top --limit 10",
    )
)
def codes() -> None:
    """Encode a dataset: compute principal directions, or extract a code bank."""


@codes.command(
    epilog=examples(
        "zoo codes fit clvae.pth --data deepfashion --out deepfashion.safetensors",
        "zoo codes fit clvae.pth --data folder --data-root mine --split test --components 3 --out my.safetensors",
    )
)
@click.option(
    "--components",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Number of directions per class and layer.",
)
@click.option("--out", type=FILE, required=True, help="File to write (.safetensors).")
@encoding
def fit(components: int, out: Path, limit: int | None, checkpoint: Path, **which: Any) -> None:
    """Compute the directions along which the codes of a dataset vary most.

    Each class has its own directions at every layer, computed from the pictures that contain it.
    """
    from zoo.checkpoints import digest

    method, pictures = opened(checkpoint, **which)
    with progress("encoding") as report:
        found = editing.fit_statistics(
            method, pictures, components=components, limit=limit, checkpoint=digest(checkpoint), progress=report
        )
    found.save(out)
    print_rows("explained variance", _explained(found))
    click.echo(f"Wrote {out}: {components} directions from {found.origin.pictures} pictures")


def _explained(found: CodeStatistics) -> list[dict[str, Any]]:
    """For every code and layer, the fraction of variance explained by each direction, over all classes."""
    rows = []
    for name, spec in found.origin.specs.items():
        layer = spec.axis("layer")
        for index in range(1 if layer is None else spec.shape[layer - 1]):
            along, total = (
                (part[name] if layer is None else part[name].select(layer, index)).flatten(1).sum(1)
                for part in (found.variances, found.totals)
            )
            shares = (along / total.clamp(min=1e-30)).tolist()
            columns = {str(number): f"{share:.1%}" for number, share in enumerate(shares, 1)}
            rows.append({"code": name, "layer": "" if layer is None else index, **columns})
    return rows


@codes.command(
    epilog=examples(
        "zoo codes extract clvae.pth --data deepfashion --out bank.parquet",
        "zoo codes extract clvae.pth --data folder --data-root faces --names celebamask --limit 99 --out faces.parquet",
    )
)
@names_option
@click.option("--out", type=FILE, required=True, help="Bank to write (.parquet).")
@encoding
def extract(names: str | None, out: Path, limit: int | None, checkpoint: Path, **which: Any) -> None:
    """Write the codes of every class of every picture to a bank, with thumbnails.

    Classes that cover less than 0.2 % of a picture are omitted.
    """
    from zoo.checkpoints import digest
    from zoo.data.class_tables import dataset_table

    method, pictures = opened(checkpoint, **which)
    table = None if names is None else dataset_table(names, pictures.classes)
    with progress("encoding") as report:
        rows = editing.extract_bank(
            method, pictures, out, checkpoint=digest(checkpoint), table=table, limit=limit, progress=report
        )
    count = len(pictures) if limit is None else min(limit, len(pictures))
    click.echo(f"Wrote {out}: {rows} rows from {count} pictures")


@codes.command(
    epilog=examples(
        "zoo codes find bank.parquet",
        "zoo codes find bank.parquet --classes sky --limit 10 --out skies.png",
        "zoo codes find bank.parquet --classes sky,sea --diverse",
        "zoo codes find bank.parquet --classes sky --like 12",
    )
)
@click.argument("bank", type=FILE)
@click.option("--classes", metavar="NAME,...", help='By name or id; "whole" for the codes of whole pictures.')
@click.option(
    "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Maximum number of rows per class."
)
@click.option(
    "--diverse", is_flag=True, help="Choose rows that differ most from each other, instead of the largest regions."
)
@click.option("--like", type=click.IntRange(min=0), metavar="ROW", help="Find the rows nearest to this one.")
@click.option("--out", type=FILE, help="Also write a sheet of thumbnails (.png).")
def find(bank: Path, classes: str | None, limit: int, diverse: bool, like: int | None, out: Path | None) -> None:
    """List rows of a bank for `zoo edit object --bank BANK --row ROW`; without --classes, count the rows per class."""
    if out is not None and out.suffix.lower() != ".png":
        raise click.UsageError(f"--out is {out}, but a sheet must be a .png file.")
    if classes is None and (diverse or like is not None or out is not None):
        raise click.UsageError("--diverse, --like and --out need --classes.")

    rows = editing.CodeBank.open(bank)
    if classes is None:
        print_rows(bank.name, _contents(rows))
        return
    ids = (editing.WHOLE,) if classes.strip().lower() == "whole" else rows.table.ids(classes)
    found = [row for k in ids for row in rows.find(k, limit=limit, diverse=diverse, like=like)]
    if not found:
        raise ZooError(f"{bank} has no other row of this class than row {like}: search without --like.")
    print_rows(
        bank.name,
        [{"row": row.id, "picture": row.name, "class": row.class_name, "share": f"{row.share:.1%}"} for row in found],
    )
    if out is not None:
        from zoo.visual import save_picture

        save_picture(out, editing.thumbnail_sheet([row.thumbnail for row in found], [f"row {row.id}" for row in found]))
        click.echo(f"Wrote {out}")


@codes.command(
    epilog=examples(
        "zoo codes direction clvae.pth --image dark.jpg --mask dark.png --image fair.jpg --mask fair.png "
        "--out fairer.safetensors",
    )
)
@click.argument("checkpoint", type=FILE)
@image_option
@mask_option
@click.option("--out", type=FILE, required=True, help="File to write (.safetensors).")
@names_option
@device_option
@plugin_option
def direction(
    checkpoint: Path, images: tuple[Path, ...], masks: tuple[Path, ...], out: Path, names: str | None, device: str
) -> None:
    """Write the direction from one picture's codes to another's, for the --direction of `zoo edit`.

    The direction is zero for classes that are missing in one of the pictures.
    """
    if (len(images), len(masks)) != (2, 2):
        raise click.UsageError("A direction needs two pictures: give --image and --mask twice.")

    editor = editing.Editor.load(checkpoint, device=device, names=names)
    image, label = editor.picture(images[0], masks[0])
    first = editor.codes(image, label, 0)
    (target,) = editor.targets(images[1:], masks[1:], ())
    last = editing.edit_object(editor.method, label, first, target)
    editing.save_direction(out, editing.direction_between(first, last))
    click.echo(f"Wrote {out}")


def _contents(bank: CodeBank) -> list[dict[str, Any]]:
    counts = bank.classes()
    rows: list[dict[str, Any]] = [{"id": k, "class": bank.table.names[k], "rows": n} for k, n in counts.items()]
    whole = len(bank) - sum(counts.values())
    return rows + [{"id": "whole", "class": editing.WHOLE_NAME, "rows": whole}] * bool(whole)
