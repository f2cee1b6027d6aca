"""The commands `zoo bench` and `zoo report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from zoo.errors import ZooError
from zoo.options import FOLDER, PROFILES, examples, plugin_option, plugins_of, set_option


def _settings(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    for word in words:
        if "=" not in word.strip("="):
            raise click.BadParameter(f'"{word}" is not KEY=VALUE, such as gres=gpu:1.')
    return dict(word.split("=", 1) for word in words)


@click.command(
    epilog=examples(
        "zoo bench --tables all --profile smoke",
        "zoo bench --tables 1,3 --profile paper --data-root data --out bench/paper",
        "zoo bench --tables 3 --profile paper --data-root data --checkpoints runs/clvae-deepfashion/latest.pth",
        "zoo bench --tables 5 --profile gpu --only 'clvae on gta5' --seeds 3 --jobs 2",
        "zoo bench --profile paper --executor slurm --partition gpu --slurm gres=gpu:1 --slurm time=720",
        "zoo bench --profile paper --status",
    )
)
@click.option("--tables", help="all, or names such as 1,3 [default: those of --tables-file, else all].")
@click.option(
    "--tables-file",
    "tables_files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A YAML file with a table of your own; see docs/bench.md. May be repeated.",
)
@click.option("--profile", type=PROFILES, default="smoke", show_default=True)
@click.option(
    "--data-root", type=FOLDER, help="Folder that holds the datasets [default: data; smoke draws its own pictures]."
)
@click.option("--out", type=FOLDER, help="Folder for cells, tables and report [default: bench/PROFILE].")
@click.option(
    "--checkpoints",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Evaluate these checkpoints instead of training.",
)
@click.option("--only", multiple=True, metavar="PATTERN", help="Run only rows whose label, method or cell matches.")
@click.option("--retry-failed", is_flag=True, help="Retry cells that failed before.")
@set_option
@click.option("--seed", type=click.IntRange(min=0), help="Seed of training and of the random codes.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Number of seeds per row.")
@click.option(
    "--jobs",
    type=click.IntRange(min=0),
    help="Cells to run in parallel [default: 1; slurm: all]; 0 runs them in this process, for debugging.",
)
@click.option("--executor", type=click.Choice(["local", "slurm"]), default="local", show_default=True)
@click.option("--partition", help="Slurm partition.")
@click.option(
    "--slurm", multiple=True, metavar="KEY=VALUE", callback=_settings, help="Any option of sbatch; time in minutes."
)
@click.option("--status", is_flag=True, help="Show the progress of every cell without running anything.")
@plugin_option
@click.pass_context
def bench(
    context: click.Context,
    tables: str | None,
    tables_files: tuple[Path, ...],
    profile: str,
    data_root: Path | None,
    out: Path | None,
    checkpoints: tuple[Path, ...],
    only: tuple[str, ...],
    retry_failed: bool,
    sets: tuple[str, ...],
    seed: int | None,
    seeds: int,
    jobs: int | None,
    executor: str,
    partition: str | None,
    slurm: dict[str, str],
    status: bool,
) -> None:
    """Train and evaluate the methods, and write the paper's tables with our numbers next to the published ones.

    Finished runs are skipped, and interrupted ones are resumed; see docs/bench.md.
    """
    out = out or Path("bench") / Path(profile).stem
    if tables is None:
        tables = ",".join(path.stem for path in tables_files) or "all"
    names = [name.strip() for name in tables.split(",") if name.strip()]
    if status:
        from zoo_bench.harness.progress import show_status

        show_status(out, tables=None if "all" in names else names, only=only)
        return

    if executor == "local" and (slurm or partition):
        raise click.UsageError("--slurm and --partition need --executor slurm.")
    _require_known(names, tables_files, profile, only, checkpoints)

    from zoo_bench.harness.run import run

    settings = slurm | ({"partition": partition} if partition else {})
    plugins = plugins_of(context)
    failed = run(
        names,
        tables_files=tables_files,
        profile=profile,
        data_root=data_root,
        out=out,
        seed=seed,
        seeds=seeds,
        sets=sets,
        checkpoints=checkpoints,
        plugins=plugins,
        only=only,
        retry_failed=retry_failed,
        executor=_executor(executor, jobs, out, plugins, settings),
    )
    if failed:
        raise ZooError(
            f"{failed} cell{'s'[: failed != 1]} failed; the tables give the reasons, and the same command with "
            "--retry-failed tries again."
        )


def _require_known(
    names: Sequence[str], files: Sequence[Path], profile: str, only: Sequence[str], checkpoints: Sequence[Path]
) -> None:
    """Raises ZooError for an unknown table, row or checkpoint, before slow imports."""
    from zoo.config import is_toy
    from zoo.plugins import other_plugins
    from zoo_bench.harness.selection import require_rows
    from zoo_bench.sources import checkpoint_files
    from zoo_bench.tables import TABLES, available, choose, read

    tables = read(TABLES, check=False)
    for file in files:
        tables |= read(file, check=False)
    if not {*tables, "all"}.issuperset(names) and other_plugins():
        tables = available(files)  # importing plugins may take seconds
    require_rows(choose(tables, names, toy=is_toy(profile)), only)
    for path in checkpoints:
        checkpoint_files(path)


def _executor(name: str, jobs: int | None, out: Path, plugins: Sequence[Path], settings: dict[str, str]) -> Any:
    if name == "slurm":
        from zoo_bench.harness.cluster import Jobs

        return Jobs(out, plugins, at_once=jobs, settings=settings)

    from zoo_bench.harness.local import InProcess, Processes

    return InProcess() if jobs == 0 else Processes(jobs or 1, plugins)


@click.command(epilog=examples("zoo report bench/smoke"))
@click.argument("folder", type=FOLDER)
@plugin_option
def report(folder: Path) -> None:
    """Rebuild the tables, figures and pages of a bench from its folder."""
    from zoo_bench.report import write

    write(folder).show()
