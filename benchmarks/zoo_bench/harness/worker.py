"""A worker: a process that runs cells, one after another, each from whatever its folder holds to its end.

``python -m zoo_bench.harness.worker FOLDER...`` runs the cells of these folders by hand. Without any, the folders come
as lines of JSON on standard input, each answered with a line on standard output: null, or why another process has the
cell. When standard input ends, because whoever holds its other end is gone, a training saves itself and the worker
ends.
"""

from __future__ import annotations

import errno
import faulthandler
import gc
import json
import logging
import math
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
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
from zoo_bench.grid import DATA, Cell
from zoo_bench.harness.judge import judge, missing, require_features
from zoo_bench.harness.state import OUTPUT, CellBusyError, Failure, State, locked
from zoo_bench.stored import StoredCell

TRACE = "error.txt"


def work(folder: Path) -> None:
    """Run the cell of a folder to its end: train and evaluate what is missing there.

    A failure of the cell is written to its ``failed.json``. Raises CellBusyError where another process runs the cell,
    and RunInterruptedError after Ctrl-C or SIGTERM, when all is saved.
    """
    with locked(folder):
        Failure.clear(folder)
        _sweep(folder)
        try:
            _to_its_end(Cell.load(folder))
            State("done").save(folder)
        except RunInterruptedError:
            raise
        except Exception as error:  # whatever a plugin does wrong, the other cells go on
            _failure(error, folder).save(folder)
            State("failed").save(folder)


def _sweep(folder: Path) -> None:
    """Remove what a worker was writing when it was killed; nobody else writes such files where the lock is held."""
    for kind in ("pth", "parquet", "npz"):
        for path in folder.glob(f".*.{kind}"):
            path.unlink(missing_ok=True)


def _failure(error: Exception, folder: Path) -> Failure:
    """Why a cell failed; of an error that nobody foresaw, the traceback is written, too."""
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
    """The full disk that an error began with, whatever a library made of it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return error
        error = error.__cause__ or error.__context__
    return None


def _to_its_end(cell: Cell) -> None:
    metrics = missing(cell, Networks(allow_random=True))
    if not metrics:
        return
    require_features(cell, metrics)
    if cell.given is None and cell.method != DATA:
        _train(cell)
    State("evaluating").save(cell.folder)
    judge(cell, metrics, _reporter(cell.folder))


def _train(cell: Cell) -> None:
    """Bring the run of a cell to its end, from its last checkpoint where it has one."""
    folder = RunFolder(cell.folder)
    if not _is_trained(folder):
        total = _planned(cell.config)
        State("training", StoredCell(cell.folder).saved or 0, total).save(cell.folder)
        try:
            train(cell.config, work_dir=cell.folder, resume=folder.latest.is_file(), progress=False)
        except RunInterruptedError:
            State("training", StoredCell(cell.folder).saved or 0, total).save(cell.folder)
            raise
    if not cell.results.is_file():  # results name the file that they are of by its hash
        _slim(folder)


def _is_trained(folder: RunFolder) -> bool:
    """Whether the run in a folder has come to its end."""
    if not folder.latest.is_file():
        return False
    checkpoint = checkpoints.load(folder.latest)
    if "optimizers" not in checkpoint:  # see _slim
        return True
    planned = json.loads(folder.record.read_text())["iterations"] if folder.record.is_file() else math.inf
    return bool(checkpoint["progress"]["iteration"] >= planned)


def _slim(folder: RunFolder) -> None:
    """Take from the checkpoints of a trained cell what only training needs; the latest, which says so, comes last."""
    numbered = folder.checkpoints()
    for path in numbered:
        checkpoints.slim(path)
    if numbered:
        folder.publish(numbered[-1], keep=len(numbered))
    else:
        checkpoints.slim(folder.latest)


def _planned(config: Config) -> int:
    """How many iterations the training of a config has. Raises ZooError where its data is missing."""
    settings = config.train
    if settings.iterations:
        return settings.iterations
    dataset = factory.dataset(config, "train")
    sampler = EpochSampler(dataset, seed=settings.seed, batch_size=settings.batch_size, rank=0, world=1)
    return BatchLoader(dataset, sampler, torch.device("cpu")).iterations(settings.epochs + settings.decay_epochs)


def _reporter(folder: Path, seconds: float = 1.0) -> Callable[[int, int], None]:
    """Progress of an evaluation for ``state.json``, which is written every ``seconds`` at most."""
    since, last = time.time(), 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            State("evaluating", done, total, since=since).save(folder)

    return report


def _orders() -> Iterator[Path]:
    """Folders from standard input. When it ends, SIGTERM to this process ends what is going on, as a person would."""
    orders: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    at_work, over = threading.Event(), threading.Event()

    def listen() -> None:
        # not through sys.stdin: who waits there holds its lock, and forked processes, as those that read pictures are,
        # begin with closing it
        with os.fdopen(os.dup(0)) as incoming:
            for line in incoming:
                orders.put(line)
        over.set()
        if at_work.is_set():
            os.kill(os.getpid(), signal.SIGTERM)
        orders.put(None)

    threading.Thread(target=listen, daemon=True).start()
    while (line := orders.get()) is not None:
        at_work.set()
        if over.is_set():  # just before this thread could have been told by a signal
            return
        yield Path(json.loads(line))
        at_work.clear()


def _serve() -> None:
    """Work on what standard input orders. What libraries print goes to the ``output.txt`` of the cell."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for folder in _orders():
        with (folder / OUTPUT).open("ab") as output:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
        busy = None
        try:
            work(folder)
        except CellBusyError as error:
            busy = str(error)
        print(json.dumps(busy), file=answers, flush=True)
        gc.collect()
        torch.cuda.empty_cache()  # for workers beside this one on the same GPU


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--plugin", "plugins", multiple=True, type=click.Path(path_type=Path))
def main(folders: Sequence[Path], plugins: Sequence[Path]) -> None:
    """Run the cells of FOLDERS, or of those that standard input names."""
    faulthandler.enable()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    for name in ("zoo", "plugins", "benchmarks"):
        logging.getLogger(name).setLevel(logging.INFO)
    load_plugins(plugins)
    try:
        for folder in folders:
            work(folder)
            failure = Failure.load(folder)
            print(f"{folder}: {'done' if failure is None else failure.reason}")
        if not folders:
            _serve()
    except ZooError as error:
        print(error, file=sys.stderr)
        sys.exit(130 if isinstance(error, RunInterruptedError) else 2)


if __name__ == "__main__":
    main()
