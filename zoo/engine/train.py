"""Training a method, from a config to a checkpoint: data, networks, optimisers, resume, then the loop.

The batch, random numbers and learning rate of an iteration are functions of the config and the iteration number.
Resuming from a checkpoint is therefore bitwise identical to an uninterrupted run. The other modules of this package
contain the helpers.
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
from zoo.environment import resolve_device
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
    """Train according to ``config`` and return the path of the latest checkpoint.

    Under torchrun or Slurm, every rank must call this.

    Args:
        config: The resolved config.
        work_dir: The run folder.
        resume: Continue the run in ``work_dir``, with the numbers of an uninterrupted one.
        progress: Show the progress on standard error.
        callbacks: Run after those of ``train.callbacks``; see :mod:`zoo.callbacks`.

    Raises:
        ZooError: For invalid data, a folder with another run, and non-finite losses or weights.
        RunInterruptedError: After Ctrl-C or SIGTERM, once everything has been saved.
    """
    settings = config.train
    folder = RunFolder(Path(work_dir))
    folder.require(resume=resume)
    checkpoint = load_resumable(folder, config) if resume else None
    started = time.monotonic() - (folder.recorded_seconds() if resume else 0.0)
    callbacks = [*build_callbacks(config), *callbacks]
    require_trackers(settings.trackers)

    # Process: device and determinism
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
            network.compile()  # in place, so that state dict keys do not change
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
        # one context covers the steps of all networks; weights cached for the first would be stale in the next
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

                # Restart: some methods reinitialise part of their networks during training
                restarted = method.restart_due(iteration / iterations)
                if restarted:
                    reseed(settings.seed, Stream.RESTART, rank=rank(), position=iteration)
                    modules = method.restart(optimizers)
                    if average is not None:
                        average.restart(method, modules)

                # Schedule: when resuming within an epoch, the rates are part of the optimiser states
                if number == 0 or restarted or rates.changes_at(epoch, iteration):
                    rates.apply(optimizers, rates.factor(epoch, iteration) * method.rate_factor())

                # Epoch: preparations are part of the method's state, so a resume within an epoch does not repeat them
                if number == 0 or restarted:
                    reader = None  # stops the workers of the last epoch
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

                # Average: after each iteration with an optimiser step, not during gradient accumulation
                if average is not None and _steps(optimizers) != steps:
                    average.update(method)
                console.update(iteration)
                listeners.call("on_iteration")

                # Log: losses are transferred to the host only here and before a checkpoint
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

                # Checkpoint: not after a non-finite loss
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
    """The plan of :func:`train` for ``config``, as plain values; nothing is trained, downloaded or written.

    Raises:
        ZooError: For inconsistent settings, missing data, and a missing device or package.
    """
    device = resolve_device(config.train.device)
    build_callbacks(config)
    require_trackers(config.train.trackers)
    return describe(TrainingComponents.build(config, torch.device("cpu")), config, device)


@dataclass(frozen=True)
class TrainingComponents:
    """Method, data and optimisers of a run, before distribution over ranks."""

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
            ZooError: For inconsistent settings and missing data.
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
    """Number of pictures per split. Raises ZooError with the first problem of the data, before training starts."""
    if not is_main():
        return {}
    data = config.data
    settings = {**config.dataset_settings, "classes": data["classes"]}
    report = check(data["name"], data["root"], data["size"], quick=True, **settings)
    report.raise_problems()
    return report.counts


def _attach_vgg(method: Method, config: Config, device: torch.device) -> str | None:
    """Attach the VGG features of the perceptual loss to the method; returns their description for the record."""
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
    """Total number of steps of all optimisers."""
    return sum(wrapper.updates for wrapper in optimizers.values())


def _learning_rates(optimizers: OptimWrapperDict) -> dict[str, float]:
    """The learning rate of each group."""
    return {name: wrapper.optimizer.param_groups[0]["lr"] for name, wrapper in optimizers.items()}
