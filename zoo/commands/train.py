"""`zoo train`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.options import FOLDER, PROFILES, data_option, examples, plugin_option, set_option


@click.command(
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
@click.option("--data-root", type=FOLDER, help="Folder of the dataset [default: data/NAME].")
@click.option("--profile", type=PROFILES, default="paper", show_default=True, help="See zoo list profiles.")
@click.option("--work-dir", type=FOLDER, help="Run folder [default: runs/METHOD-DATA].")
@set_option
@click.option("--resume", is_flag=True, help="Resume the run in --work-dir; give the same options.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of weights, data order and noise.")
@click.option("--dry-run", is_flag=True, help="Check everything and print the plan without training.")
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

    from zoo.training import prepare

    config, folder = prepare(
        method, data=data, profile=profile, data_root=data_root, work_dir=work_dir, sets=sets, seed=seed
    )

    from zoo import engine
    from zoo.distributed import is_main

    if dry_run:
        click.echo(yaml.safe_dump({**engine.plan(config), "work_dir": str(folder)}, sort_keys=False), nl=False)
        return
    checkpoint = engine.train(config, work_dir=folder, resume=resume)
    if is_main():
        click.echo(f"Trained {config.method['name']} on {data}: {checkpoint}")
