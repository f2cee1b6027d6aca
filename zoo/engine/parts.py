"""From a resolved config to the parts of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from mmengine.optim import OptimWrapperDict

from zoo import factory
from zoo.config import Config
from zoo.data import EpochSampler, PairedDataset, collate
from zoo.data.procedural import is_procedural
from zoo.distributed import rank, world_size
from zoo.engine.ema import Average
from zoo.engine.feed import Feed
from zoo.engine.optimizers import build_optimizers
from zoo.engine.seeding import Stream, reseed
from zoo.interfaces import Batch, Method


@dataclass(frozen=True)
class Parts:
    """What is trained, on what, by what; not yet distributed."""

    dataset: PairedDataset
    feed: Feed
    method: Method
    optimizers: OptimWrapperDict
    average: Average | None
    iterations: int

    @classmethod
    def of(cls, config: Config, device: torch.device) -> Parts:
        """Build everything on ``device``, with weights drawn from ``train.seed``.

        Raises ZooError for settings that do not fit together and for data that is not there.
        """
        train = config.train
        dataset = factory.dataset(config, "train")
        sampler = EpochSampler(dataset, seed=train.seed, batch_size=train.batch_size, rank=rank(), world=world_size())
        feed = Feed(dataset, sampler, device, train.workers, train.channels_last)
        reseed(train.seed, Stream.BUILD)
        method = factory.from_config(config).to(device)
        if train.channels_last:
            method.to(memory_format=torch.channels_last)
        average = None if train.ema is None else Average(method, train.ema)
        optimizers = build_optimizers(method, train.optimizers, train.accumulate)
        iterations = train.iterations or feed.iterations(train.epochs + train.decay_epochs)
        return cls(dataset, feed, method, optimizers, average, iterations)


def some_pictures(dataset: PairedDataset, count: int, device: torch.device) -> Batch:
    """The first ``count`` pictures, without augmentation."""
    return collate([dataset[i] for i in range(min(count, len(dataset)))]).to(device)


def describe(parts: Parts, config: Config, device: torch.device) -> dict[str, Any]:
    """What a run of these parts would do, as plain values."""
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
        "iterations_per_epoch": parts.feed.iterations(1),
        "pictures_per_update": train.batch_size * world_size() * train.accumulate,
        "optimizers": config.to_dict()["train"]["optimizers"],
        "profile": config.profile,
        "precision": train.precision,
        "device": str(device),
        "seed": train.seed,
    }
