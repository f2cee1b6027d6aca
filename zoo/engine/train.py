"""Training a method, from a config to a checkpoint."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook

from zoo import checkpoints, factory
from zoo.config import Config
from zoo.data.check import check
from zoo.distributed import barrier, is_main
from zoo.engine.checkpointing import CheckpointHook
from zoo.engine.distribution import device_of, start, wrap
from zoo.engine.ema import EMAHook
from zoo.engine.folder import RunFolder
from zoo.engine.interrupt import InterruptHook, RunInterruptedError, StopRequest
from zoo.engine.log import LogFiles, LossLog
from zoo.engine.parts import Parts, describe, some_pictures
from zoo.engine.progress import ProgressHook
from zoo.engine.record import seconds_before, write_record
from zoo.engine.runner import TrainRunner
from zoo.engine.samples import SampleGrid
from zoo.engine.schedule import ScheduleHook
from zoo.engine.state import RunState, require_resumable
from zoo.interfaces import Method
from zoo.losses.perceptual import load_trunk

GRID_PICTURES = 4


def plan(config: Config) -> dict[str, Any]:
    """What :func:`train` would do with ``config``, as plain values; nothing is trained, downloaded or written."""
    device = device_of(config.train.device)
    return describe(Parts.of(config, torch.device("cpu")), config, device)


def train(config: Config, *, work_dir: Path, resume: bool = False, progress: bool = True) -> Path:
    """Train what ``config`` describes in the folder ``work_dir`` and return the path of its latest checkpoint.

    ``resume`` continues the run in ``work_dir`` with the numbers of an uninterrupted one; ``progress`` shows it on
    standard error. Under torchrun or Slurm every rank calls this.

    Raises ZooError for faulty data, a folder with another run, and losses or weights that are no longer finite;
    RunInterruptedError after Ctrl-C or SIGTERM, when all is saved.
    """
    folder = RunFolder(Path(work_dir))
    folder.require(resume=resume)
    checkpoint = None
    if resume:
        checkpoint = checkpoints.load(folder.latest)
        require_resumable(checkpoint, config, folder.latest)
    request = StopRequest()
    runner = _run(config, folder, checkpoint, request, progress)
    if runner.iter < runner.max_iters:
        raise RunInterruptedError(
            f"Stopped by {request.signal} after iteration {runner.iter} of {runner.max_iters}; everything is saved in "
            f"{folder.latest}, continue with --resume."
        )
    return folder.latest


def _run(
    config: Config, folder: RunFolder, checkpoint: Mapping[str, Any] | None, request: StopRequest, progress: bool
) -> TrainRunner:
    """Train to the end, or until ``request`` is raised; the runner tells how far it came."""
    if config.train.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when a GPU is first used
    begun = time.monotonic() - (seconds_before(folder.record) if checkpoint else 0.0)
    device = start(config.train.device)
    counts = _sound_data(config)
    parts = Parts.of(config, device)
    facts = describe(parts, config, device) | {"trunk": _attach_trunk(parts.method, config, device)}
    facts["data"] |= counts
    model = wrap(_compiled(parts.method) if config.train.compile else parts.method)
    state = RunState(config, parts.method, parts.optimizers, parts.average, parts.feed)
    first = 0 if checkpoint is None else state.restore(checkpoint, folder.latest)
    if is_main():
        folder.begin(config.to_yaml())
        folder.rewind_log(first)
    hooks = _hooks(config, folder, parts, state, request, counts, device)
    bar = ProgressHook() if progress and is_main() else None
    runner = TrainRunner(
        model,
        parts.optimizers,
        parts.feed,
        hooks if bar is None else [*hooks, bar],
        config=config.train,
        iterations=parts.iterations,
        first=first,
        events=folder.events,
    )
    try:
        with request.listening():
            runner.train()
        barrier()
    finally:
        if bar is not None:
            bar.close()
        runner.visualizer.close()
        if is_main():
            facts["trained"] = runner.iter
            write_record(folder.record, device=device, seconds=time.monotonic() - begun, facts=facts)
    return runner


def _sound_data(config: Config) -> dict[str, int]:
    """Pictures per split. Raises ZooError with the first problem of the data, before it could stop a step."""
    if not is_main():
        return {}
    data = config.data
    settings = {**config.dataset_settings, "classes": data["classes"]}
    report = check(data["name"], data["root"], data["size"], quick=True, **settings)
    report.raise_problems()
    return report.counts


def _attach_trunk(method: Method, config: Config, device: torch.device) -> str | None:
    """Give the method the features of its perceptual loss; returns their description for the record."""
    if not method.needs_trunk:
        return None
    train = config.train
    trunk = load_trunk(
        train.trunk, layers=method.trunk_layers, pool=method.trunk_pool, allow_random=train.allow_random_trunk
    ).to(device)
    if train.channels_last:
        trunk.to(memory_format=torch.channels_last)
    method.attach_trunk(trunk)
    return trunk.description


def _compiled(method: Method) -> Method:
    """The method with each network compiled in place, so the keys of its state stay."""
    for network in method.children():
        network.compile()
    return method


def _hooks(
    config: Config,
    folder: RunFolder,
    parts: Parts,
    state: RunState,
    request: StopRequest,
    counts: Mapping[str, int],
    device: torch.device,
) -> list[Hook]:
    train = config.train
    shown = factory.dataset(config, "test") if counts.get("test") else parts.dataset
    rates = {name: train.optimizers[name].lr for name, _ in parts.optimizers.items()}
    return [
        ScheduleHook(rates, epochs=train.epochs, decay_epochs=train.decay_epochs, iterations=train.iterations),
        *([] if parts.average is None else [EMAHook(parts.average)]),
        LossLog(folder, train.log_every),
        LogFiles(folder),
        SampleGrid(
            folder,
            some_pictures(shown, GRID_PICTURES, device),
            every=train.sample_every,
            classes=parts.dataset.classes,
            average=parts.average,
        ),
        InterruptHook(request),
        CheckpointHook(state, folder, every=train.checkpoint_every, keep=train.keep),
    ]
