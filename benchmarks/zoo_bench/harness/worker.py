"""Running one cell, from the current content of its folder to the end of its evaluation.

``python -m zoo_bench.harness.worker FOLDER...`` runs the cells of these folders one after another, by hand.
"""

from __future__ import annotations

import errno
import faulthandler
import json
import logging
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from pathlib import Path

import click
import torch

from zoo import checkpoints, factory
from zoo.config import Config
from zoo.data import EpochSampler
from zoo.engine import RunInterruptedError, train
from zoo.engine.batches import BatchLoader
from zoo.engine.folder import RunFolder
from zoo.errors import ZooError
from zoo.files import write_text
from zoo.metrics import Networks
from zoo.plugins import load_plugins
from zoo_bench.cell import Cell, CellBusyError, CellFolder, Failure, State
from zoo_bench.harness.evaluation import evaluate_cell, missing_metrics, require_features
from zoo_bench.harness.local import BUSY, INTERRUPTED

TRACE = "error.txt"


def run_cell(folder: Path) -> None:
    """Run the cell of a folder: train and evaluate whatever is missing.

    A failure of the cell is written to its ``failed.json`` and not raised.

    Raises:
        CellBusyError: Where another process runs the cell.
        RunInterruptedError: After Ctrl-C or SIGTERM in a training, when it is saved.
    """
    files = CellFolder(folder)
    with files.locked():
        files.forget_failure()
        _remove_unfinished(folder)
        try:
            _train_and_evaluate(Cell.load(folder))
            State("done").save(folder)
        except RunInterruptedError:
            raise
        except Exception as error:  # errors in plugins must not stop other cells
            _failure(error, folder).save(folder)
            State("failed").save(folder)


def _remove_unfinished(folder: Path) -> None:
    """Remove temporary files of a killed worker; the lock is held, so no other process is writing."""
    for kind in ("pth", "parquet", "npz"):
        for path in folder.glob(f".*.{kind}"):
            path.unlink(missing_ok=True)


def _failure(error: Exception, folder: Path) -> Failure:
    """Why a cell failed. The traceback of anything but a ZooError is written to :data:`TRACE`."""
    full = _full_disk(error)
    if full is not None:
        return Failure(
            f"There is no room left on the disk of {full.filename or folder}: free some, there or where temporary "
            "files lie, and the same command tries it again.",
            again=True,
        )
    if isinstance(error, ZooError):
        return Failure(str(error))
    write_text(folder / TRACE, "".join(traceback.format_exception(error)))
    text = " ".join(str(error).split())[:300]
    return Failure(f"{type(error).__name__}: {text} (traceback in {folder / TRACE})", TRACE)


def _full_disk(error: BaseException | None) -> OSError | None:
    """The disk-full error behind an exception, even if a library has wrapped it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return error
        error = error.__cause__ or error.__context__
    return None


def _train_and_evaluate(cell: Cell) -> None:
    metrics = missing_metrics(cell, Networks(allow_random=True))
    if not metrics:
        return
    require_features(cell, metrics)
    if cell.source.trains:
        _train(cell)
    State("evaluating").save(cell.folder)
    evaluate_cell(cell, metrics, _progress_writer(cell.folder))


def _train(cell: Cell) -> None:
    """Train a cell to the end, starting from its last checkpoint if there is one."""
    folder = RunFolder(cell.folder)
    if not _is_trained(folder):
        total = _planned_iterations(cell.config)
        State("training", cell.files.saved_iteration or 0, total).save(cell.folder)
        try:
            train(cell.config, work_dir=cell.folder, resume=folder.latest.is_file(), progress=False)
        except RunInterruptedError:
            State("training", cell.files.saved_iteration or 0, total).save(cell.folder)
            raise
    if not cell.files.results_file.is_file():  # results refer to the checkpoint by its hash
        _strip_optimizers(folder)


def _is_trained(folder: RunFolder) -> bool:
    """Whether the run in a folder is finished."""
    if not folder.latest.is_file():
        return False
    checkpoint = checkpoints.load(folder.latest)
    if "optimizers" not in checkpoint:  # see _strip_optimizers
        return True
    planned = json.loads(folder.record.read_text())["iterations"] if folder.record.is_file() else math.inf
    return bool(checkpoint["progress"]["iteration"] >= planned)


def _strip_optimizers(folder: RunFolder) -> None:
    """Strip optimiser states from the checkpoints of a trained cell; the latest one last."""
    numbered = folder.checkpoints()
    for path in numbered:
        checkpoints.strip_optimizer(path)
    if numbered:
        folder.publish(numbered[-1], keep=len(numbered))
    else:
        checkpoints.strip_optimizer(folder.latest)


def _planned_iterations(config: Config) -> int:
    """How many iterations the training of a config has. Raises ZooError where its data is missing."""
    settings = config.train
    if settings.iterations:
        return settings.iterations
    dataset = factory.dataset(config, "train")
    sampler = EpochSampler(dataset, seed=settings.seed, batch_size=settings.batch_size, rank=0, world=1)
    return BatchLoader(dataset, sampler, torch.device("cpu")).iterations(settings.epochs + settings.decay_epochs)


def _progress_writer(folder: Path, seconds: float = 1.0) -> Callable[[int, int], None]:
    """A callback that writes the progress of an evaluation to ``state.json``, at most every ``seconds``."""
    since, last = time.time(), 0.0

    def write(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            State("evaluating", done, total, since=since).save(folder)

    return write


def process_main(folder: Path, plugins: Sequence[Path], working: Path, environment: dict[str, str]) -> None:
    """Entry point of the processes of :class:`zoo_bench.harness.local.Processes`: runs one cell.

    Output of libraries is written to the cell's ``output.txt``. If the harness is gone, training saves a checkpoint.
    """
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C on the terminal must only reach the harness
    os.chdir(working)
    os.environ.clear()
    os.environ.update(environment)
    with CellFolder(folder).output.open("ab") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    faulthandler.enable()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    for name in ("zoo", "zoo_bench"):
        logging.getLogger(name).setLevel(logging.INFO)
    _end_with_harness()
    load_plugins(plugins)
    try:
        run_cell(folder)
    except CellBusyError:
        sys.exit(BUSY)
    except RunInterruptedError as error:
        print(error, file=sys.stderr)
        sys.exit(INTERRUPTED)


def _end_with_harness() -> None:
    """Send SIGTERM to this process once the harness (not the fork server) is gone."""
    harness = multiprocessing.parent_process()
    assert harness is not None, "this process was started by another one"

    def watch() -> None:
        wait([harness.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--plugin", "plugins", multiple=True, type=click.Path(path_type=Path))
def main(folders: Sequence[Path], plugins: Sequence[Path]) -> None:
    """Run the cells of FOLDERS one after another."""
    load_plugins(plugins)
    try:
        for folder in folders:
            run_cell(folder)
            failure = CellFolder(folder).failure
            print(f"{folder}: {'done' if failure is None else failure.reason}")
    except ZooError as error:
        print(error, file=sys.stderr)
        sys.exit(INTERRUPTED if isinstance(error, RunInterruptedError) else 2)


if __name__ == "__main__":
    main()
