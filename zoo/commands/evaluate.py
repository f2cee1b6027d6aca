"""`zoo eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.commands.terminal import print_rows, progress
from zoo.commands.trained import on_test_pictures, opened
from zoo.options import FOLDER, examples

if TYPE_CHECKING:
    from zoo.metrics.results import Result


@click.command(
    "eval",
    epilog=examples(
        "zoo eval runs/clvae-deepfashion/latest.pth --data deepfashion",
        "zoo eval runs/clvae-deepfashion/latest.pth --data deepfashion --samples 8 --limit 50 --json",
        "zoo eval clvae.pth --data ade20k --metrics fid_val_inception2015 --out results --pictures",
        "torchrun --nproc-per-node 2 --no-python zoo eval clvae.pth --data ade20k",
    ),
)
@click.option("--samples", type=click.IntRange(min=2), default=40, show_default=True, help="Samples per mask.")
@click.option(
    "--metrics", metavar="NAME,...", help="Metrics by full name, such as diversity_lpips_alex_40 [default: all]."
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per number.")
@click.option("--out", type=FOLDER, help="Folder for results.jsonl and pictures.parquet (numbers of every picture).")
@click.option("--pictures", "keep", is_flag=True, help="Also write the evaluated pictures to --out.")
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
    from zoo.evaluation import evaluate_method

    method, pictures = opened(checkpoint, **which)
    names = [name.strip() for name in metrics.split(",")] if metrics else None
    with progress("evaluating") as report:
        results = evaluate_method(
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
    print_rows(_title(method.name, results[0].protocol), [_row(result) for result in results])
    for result in results:
        for warning in result.warnings:
            click.echo(f"{result.metric}: {warning}")
    if out is not None:
        click.echo(f"Wrote results.jsonl and pictures.parquet{' with the pictures' if keep else ''} to {out}")


def _title(method: str, protocol: dict[str, Any]) -> str:
    """Title of an evaluation, with the protocol shared by all numbers."""
    pictures = "{images} {split} pictures of {resolution}, {classes} classes".format(**protocol)
    return f"{method} on {protocol['dataset']}: {pictures}"


def _row(result: Result) -> dict[str, Any]:
    own = {key: result.protocol[key] for key in ("codes", "samples", "network")}
    return {"metric": result.metric, "value": f"{result.value:.4f}", "better": result.better} | own
