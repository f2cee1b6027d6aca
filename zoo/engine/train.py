"""Training a method, from a config to a checkpoint: data, networks, optimisers, resume, then the loop.

All numbers of an iteration are a function of the config and of the number of the iteration: which batch it sees, its
random numbers, its learning rate. A run so continues from a checkpoint to the bit as if it had never ended. The other
files of this package hold what is called from here.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.optim import OptimWrapperDict

from zoo import factory
from zoo.callbacks import Callback, CallbackList, Run, build_callbacks
from zoo.config import Config
from zoo.data import EpochSampler, PairedDataset
from zoo.data.check import check
from zoo.data.standin import is_procedural
from zoo.distributed import any_rank, barrier, is_main, merge_over_ranks, rank, start, world_size, wrap
from zoo.engine.average import Average
from zoo.engine.batches import BatchLoader, Stream, reseed
from zoo.engine.checkpoint import TrainingState, load_resumable
from zoo.engine.folder import RunFolder
from zoo.engine.interrupt import RunInterruptedError, StopRequest
from zoo.engine.log import ConsoleProgress, LossMeter, RunLog, require_trackers
from zoo.engine.optimizers import LearningRates, build_optimizers
from zoo.engine.validation import first_pictures, measure, require_measurable, sample_grid
from zoo.environment import device_of
from zoo.interfaces import Batch, Method
from zoo.nn.vgg import load_vgg
from zoo.visual import save_picture

logger = logging.getLogger(__name__)


def train(
    config: Config,
    *,
    work_dir: Path,
    resume: bool = False,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
) -> Path:
    """Train what ``config`` describes and return the path of the latest checkpoint.

    Under torchrun or Slurm every rank calls this.

    Args:
        config: The resolved config.
        work_dir: The run folder.
        resume: Continue the run in ``work_dir``, with the numbers of an uninterrupted one.
        progress: Show the progress on standard error.
        callbacks: Run after those of ``train.callbacks``; see :mod:`zoo.callbacks`.

    Raises:
        ZooError: For faulty data, a folder with another run, and losses or weights that are no longer finite.
        RunInterruptedError: After Ctrl-C or SIGTERM, when all is saved.
    """
    settings = config.train
    folder = RunFolder(Path(work_dir))
    folder.require(resume=resume)
    checkpoint = load_resumable(folder, config) if resume else None
    started = time.monotonic() - (folder.recorded_seconds() if resume else 0.0)
    callbacks = [*build_callbacks(config), *callbacks]
    require_trackers(settings.trackers)

    # The process: its device, and how exact its kernels are
    if settings.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when a GPU is first used
        torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.deterministic = settings.deterministic
    torch.backends.cudnn.benchmark = not settings.deterministic
    device = start(settings.device)

    # Data, networks and optimisers
    counts = merge_over_ranks(_check_data(config))
    parts = TrainingComponents.build(config, device)
    batches, method, optimizers, average = parts.batches, parts.method, parts.optimizers, parts.average
    facts = describe(parts, config, device) | {"vgg": _attach_vgg(method, config, device)}
    facts["data"] |= counts
    test = factory.dataset(config, "test") if counts.get("test") else None
    if settings.evaluate is not None:
        require_measurable(method, test, settings.evaluate)
    shown = first_pictures(test or parts.dataset, device)
    if settings.compile:
        for network in method.children():
            network.compile()  # in place, so the keys of the state stay
    model: Any = wrap(method)
    iterations = parts.iterations
    initial = {name: settings.optimizers[name].lr for name, _ in optimizers.items()}
    rates = LearningRates(initial, settings.epochs, settings.decay_epochs, settings.iterations)

    # Resume
    averages = {} if average is None else average.networks
    run = Run(method, config, averages=averages, folder=folder.path, device=device, iterations=iterations)
    listeners = CallbackList(callbacks if is_main() else (), run)
    state = TrainingState(config, method, optimizers, average, listeners, pictures=len(parts.dataset))
    iteration = 0 if checkpoint is None else state.restore(checkpoint, folder)
    run.iteration, run.epoch = iteration, batches.position(max(iteration - 1, 0))[0] + 1
    if is_main():
        folder.begin(config.to_yaml())
        folder.rewind_log(iteration)

    # Loop
    def autocast() -> torch.autocast:
        # One context holds the steps of all networks; weights cast for the first would be stale in the next: no cache
        return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16", cache_enabled=False)

    meter = LossMeter()
    log = RunLog(folder, settings.trackers)
    console = ConsoleProgress(iteration, iterations, shown=progress and is_main())
    request = StopRequest()
    reader: Iterator[Batch] | None = None
    finished = iteration >= iterations
    if finished:
        logger.info("The run in %s has reached iteration %d of %d already.", folder.path, iteration, iterations)
    try:
        with request.listening():
            listeners.call("on_start")
            while not finished:
                epoch, number = batches.position(iteration)

                # Restart: some methods reinitialise a part of their networks in the middle of the training
                restarted = method.restart_due(iteration / iterations)
                if restarted:
                    reseed(settings.seed, Stream.RESTART, rank=rank(), position=iteration)
                    modules = method.restart(optimizers)
                    if average is not None:
                        average.restart(method, modules)

                # Schedule: a run that resumes within an epoch finds its rates in the state of the optimisers
                if number == 0 or restarted or rates.changes_at(epoch, iteration):
                    rates.apply(optimizers, rates.factor(epoch, iteration) * method.rate_factor())

                # Epoch: what a method prepares here is part of its state, and not repeated by a resume within the epoch
                if number == 0 or restarted:
                    reader = None  # ends the processes that read the last epoch
                    reseed(settings.seed, Stream.EPOCH, rank=rank(), position=epoch)
                    with autocast():
                        method.begin_epoch(epoch, batches.pictures(epoch), optimizers)

                # Step
                if reader is None:
                    reader = batches.batches(epoch, number)
                batch = next(reader)
                steps = _steps(optimizers)
                model.train()
                reseed(settings.seed, Stream.ITERATION, rank=rank(), position=iteration)
                with autocast():
                    losses = model.train_step(batch, optimizers)
                iteration += 1
                run.iteration, run.epoch = iteration, epoch + 1
                meter.add(losses)

                # Average: after each iteration in which an optimiser stepped, not within accumulated gradients
                if average is not None and _steps(optimizers) != steps:
                    average.update(method)
                console.update(iteration)
                listeners.call("on_iteration")

                # Log: only here and before a checkpoint do losses travel to the host
                if iteration % settings.log_every == 0 or iteration == iterations:
                    run.losses = meter.means(folder, iteration)
                    meter.reset()
                    log.losses(iteration, run.epoch, run.losses, _learning_rates(optimizers))
                    console.show(iteration, run.epoch, run.losses)
                    listeners.call("on_log")

                # Evaluation
                if settings.evaluate and test and iteration % settings.evaluate.every == 0:
                    with run.averaged() as evaluated:
                        run.metrics = measure(evaluated, test, settings.evaluate)
                    log.metrics(iteration, run.epoch, run.metrics)
                    console.show(iteration, run.epoch, run.metrics)
                    listeners.call("on_evaluation")

                # Stop: at the end, or on all ranks after the same iteration
                stopped = any_rank(request.signal is not None or run.stop_reason is not None)
                finished = stopped or iteration == iterations

                # Pictures
                if is_main() and (iteration % settings.sample_every == 0 or finished):
                    with run.averaged() as evaluated:
                        pixels = sample_grid(evaluated, shown, classes=parts.dataset.classes)
                    save_picture(folder.samples / f"iter_{iteration:06d}.png", pixels)
                    log.pictures(iteration, pixels)

                # Checkpoint: none after a loss that is not finite
                if iteration % settings.checkpoint_every == 0 or finished:
                    meter.means(folder, iteration)
                    state.save(folder, iteration)
                    listeners.call("on_checkpoint")

            interrupted = iteration < iterations and any_rank(request.signal is not None)
            if interrupted:
                run.stop_reason = request.signal or "a signal on another rank"
        barrier()
    except BaseException as error:
        run.error = error
        raise
    finally:
        console.close()
        log.close()
        if is_main():
            facts |= {"trained": iteration, "stopped": run.stop_reason if iteration < iterations else None}
            folder.write_record(facts, device=device, seconds=time.monotonic() - started)
        listeners.end()

    if run.stop_reason is not None and not interrupted:
        logger.info("Stopped after iteration %d of %d: %s", iteration, iterations, run.stop_reason)
    if interrupted:
        raise RunInterruptedError(
            str(run.stop_reason),
            f" after iteration {iteration} of {iterations}; everything is saved in {folder.latest}: give the same "
            "command with --resume to continue.",
        )
    return folder.latest


def plan(config: Config) -> dict[str, Any]:
    """What :func:`train` would do with ``config``, as plain values; nothing is trained, downloaded or written.

    Raises:
        ZooError: For settings that do not fit together, data that is missing, and a missing device or package.
    """
    device = device_of(config.train.device)
    build_callbacks(config)
    require_trackers(config.train.trackers)
    return describe(TrainingComponents.build(config, torch.device("cpu")), config, device)


@dataclass(frozen=True)
class TrainingComponents:
    """What is trained, on what, by what; not yet distributed."""

    dataset: PairedDataset
    batches: BatchLoader
    method: Method
    optimizers: OptimWrapperDict
    average: Average | None
    iterations: int

    @classmethod
    def build(cls, config: Config, device: torch.device) -> TrainingComponents:
        """Build everything on ``device``, with weights drawn from ``train.seed``.

        Raises:
            ZooError: For settings that do not fit together and for data that is missing.
        """
        train = config.train
        dataset = factory.dataset(config, "train")
        sampler = EpochSampler(dataset, seed=train.seed, batch_size=train.batch_size, rank=rank(), world=world_size())
        batches = BatchLoader(dataset, sampler, device, train.workers, train.channels_last)
        reseed(train.seed, Stream.BUILD)
        method = factory.from_config(config).to(device)
        if train.channels_last:
            method.to(memory_format=torch.channels_last)
        average = None if train.ema is None else Average(method, train.ema)
        optimizers = build_optimizers(method, train.optimizers, train.accumulate)
        iterations = train.iterations or batches.iterations(train.epochs + train.decay_epochs)
        return cls(dataset, batches, method, optimizers, average, iterations)


def describe(parts: TrainingComponents, config: Config, device: torch.device) -> dict[str, Any]:
    """What a run of these parts would do, as plain values, for the dry run and ``record.json``."""
    networks = {name: sum(p.numel() for p in network.parameters()) for name, network in parts.method.named_children()}
    train = config.train
    return {
        "method": config.method["name"],
        "settings": {key: value for key, value in config.to_dict()["method"].items() if key != "name"},
        "chosen": parts.method.facts(),
        "parameters": networks,
        "data": {
            "name": config.data["name"],
            "classes": parts.dataset.classes,
            "size": list(parts.dataset.size),
            "train": len(parts.dataset),
            "root": str(parts.dataset.root),
            "procedural": is_procedural(parts.dataset.root),
            **parts.dataset.facts(),
        },
        "iterations": parts.iterations,
        "iterations_per_epoch": parts.batches.iterations(1),
        "pictures_per_update": train.batch_size * world_size() * train.accumulate,
        "optimizers": {name: config.to_dict()["train"]["optimizers"][name] for name, _ in parts.optimizers.items()},
        "profile": config.profile,
        "precision": train.precision,
        "device": str(device),
        "seed": train.seed,
    }


def _check_data(config: Config) -> dict[str, int]:
    """Pictures per split. Raises ZooError with the first problem of the data, before it could stop a step."""
    if not is_main():
        return {}
    data = config.data
    settings = {**config.dataset_settings, "classes": data["classes"]}
    report = check(data["name"], data["root"], data["size"], quick=True, **settings)
    report.raise_problems()
    return report.counts


def _attach_vgg(method: Method, config: Config, device: torch.device) -> str | None:
    """Give the method the features of its perceptual loss; returns their description for the record."""
    if not method.needs_vgg:
        return None
    train = config.train
    vgg = load_vgg(train.vgg, layers=method.vgg_layers, pool=method.vgg_pool, allow_random=train.allow_random_vgg).to(
        device
    )
    if train.channels_last:
        vgg.to(memory_format=torch.channels_last)
    method.attach_vgg(vgg)
    return vgg.description


def _steps(optimizers: OptimWrapperDict) -> int:
    """Steps that all optimisers have made."""
    return sum(wrapper.updates for wrapper in optimizers.values())


def _learning_rates(optimizers: OptimWrapperDict) -> dict[str, float]:
    """The learning rate of each group."""
    return {name: wrapper.optimizer.param_groups[0]["lr"] for name, wrapper in optimizers.items()}
