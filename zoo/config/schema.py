"""The keys of a config, with types and ranges; those of methods and datasets come from their constructors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from zoo.config.values import REQUIRED, Range, Setting, keywords

Count = Annotated[int, Range(at_least=0)]
Positive = Annotated[int, Range(at_least=1)]
NonNegative = Annotated[float, Range(at_least=0)]
Beta = Annotated[float, Range(at_least=0, below=1)]


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam: learning rate, and decay rates of the two moments."""

    lr: Annotated[float, Range(above=0)]
    betas: tuple[Beta, Beta] = (0.0, 0.9)


def _two_time_scales() -> dict[str, OptimizerConfig]:
    betas = (0.0, 0.9)
    return {"generator": OptimizerConfig(1e-4, betas), "discriminator": OptimizerConfig(4e-4, betas)}


@dataclass(frozen=True)
class EvaluateConfig:
    """Metrics on the test pictures during training: how often, which, on how many pictures, samples per mask."""

    every: Positive
    metrics: list[str] | None = None
    pictures: Positive | None = None
    samples: Annotated[int, Range(at_least=2)] = 8


@dataclass(frozen=True)
class TrainConfig:
    """Training settings of all methods; docs/configs.md explains each key."""

    epochs: Count = 50
    decay_epochs: Count = 0
    iterations: Positive | None = None
    batch_size: Positive = 4
    accumulate: Positive = 1
    optimizers: dict[str, OptimizerConfig] = field(default_factory=_two_time_scales)
    ema: Annotated[float, Range(above=0, below=1)] | None = None
    vgg: Literal["vgg19", "vgg16"] = "vgg19"
    allow_random_vgg: bool = False
    seed: Count = 0
    deterministic: bool = False
    device: str = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"
    compile: bool = False
    channels_last: bool = False
    workers: Count = 4
    log_every: Positive = 50
    sample_every: Positive = 1000
    checkpoint_every: Positive = 5000
    keep: Positive = 3
    evaluate: EvaluateConfig | None = None
    trackers: list[Literal["tensorboard", "wandb", "mlflow"]] = field(default_factory=lambda: ["tensorboard"])
    callbacks: list[dict[str, Any]] = field(default_factory=list)


class StandIn(TypedDict):
    """Number of pictures and seed of the procedural stand-in."""

    train: Positive
    test: Positive
    seed: Count


def method_settings(cls: type) -> dict[str, Setting]:
    """The settings of a registered method: its constructor's keywords without those set by the dataset."""
    found = keywords(cls)
    return {name: setting for name, setting in found.items() if name not in ("classes", "size")}


def data_settings(cls: type | None) -> dict[str, Setting]:
    """The keys of ``data`` for a registered dataset; for None, those common to all datasets."""
    own: Mapping[str, Setting] = {} if cls is None else keywords(cls)
    classes: Any = getattr(cls, "classes", None)
    size: Any = getattr(cls, "default_size", None)
    return {
        "name": Setting(str | None, None),
        "root": Setting(Path | None, None),
        "size": Setting(tuple[Positive, Positive], REQUIRED if size is None else tuple(size)),
        "classes": Setting(Positive, classes if isinstance(classes, int) else REQUIRED),
        "standin": Setting(StandIn | None, None),
        **{name: setting for name, setting in own.items() if name not in ("root", "split", "size", "classes")},
    }
