"""Training by method and dataset name, as in the command ``zoo train``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.callbacks import Callback
from zoo.config import Config, resolve
from zoo.data.standin import with_standin


def train(
    method: str,
    *,
    data: str,
    profile: str | None = "paper",
    data_root: Path | str | None = None,
    work_dir: Path | str | None = None,
    sets: Sequence[str] = (),
    seed: int | None = None,
    resume: bool = False,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
) -> Path:
    """Train a method on a dataset.

    Under torchrun or Slurm, every rank must call this.

    Args:
        method: Its name, or the path of a YAML file that names one and sets its settings.
        data: Name of the dataset.
        profile: Such as ``smoke``; see ``zoo list profiles``.
        data_root: Folder of the dataset; by default ``data/NAME``, or the procedural stand-in if the profile has one.
        work_dir: The run folder; by default ``runs/METHOD-DATA``.
        sets: Settings that override the configs, such as ``["train.iterations=100", "method.layers=3"]``.
        seed: Seed of weights, data order and noise.
        resume: Continue the run in ``work_dir``, with the numbers of an uninterrupted one.
        progress: Show the progress on standard error.
        callbacks: See :mod:`zoo.callbacks`; they run after those of the config.

    Returns:
        The path of the latest checkpoint, for :func:`zoo.load`.

    Raises:
        ZooError: For invalid names, settings or data, and if the training diverges.
        zoo.engine.RunInterruptedError: After Ctrl-C or SIGTERM, once everything has been saved.
    """
    from zoo import engine

    config, folder = prepare(
        method, data=data, profile=profile, data_root=data_root, work_dir=work_dir, sets=sets, seed=seed
    )
    return engine.train(config, work_dir=folder, resume=resume, progress=progress, callbacks=callbacks)


def prepare(
    method: str,
    *,
    data: str,
    profile: str | None = "paper",
    data_root: Path | str | None = None,
    work_dir: Path | str | None = None,
    sets: Sequence[str] = (),
    seed: int | None = None,
) -> tuple[Config, Path]:
    """The config and the run folder that :func:`train` would use with the same arguments."""
    config = with_standin(resolve(method, data, profile, sets, data_root=data_root, seed=seed))
    folder = Path("runs") / f"{config.method['name']}-{data}" if work_dir is None else Path(work_dir)
    return config, folder
