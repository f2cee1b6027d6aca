"""Each optimiser steps with the gradients of its own loss, whatever else a method's losses reach."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.zoo import engine_toy
from zoo import checkpoints, contract
from zoo.config import OptimizerConfig
from zoo.engine import train
from zoo.engine.optimizers import build_optimizers
from zoo.interfaces import Batch


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_method_that_forgets_to_freeze_trains_the_same_weights(tmp_path: Path, accumulate: int):
    root = engine_toy.write_pictures(tmp_path / "data")
    runs = []
    for name in ("engine_toy", "engine_forgetful"):
        config = engine_toy.make_config(root, name, iterations=7, accumulate=accumulate)
        runs.append(checkpoints.load(train(config, work_dir=tmp_path / name, progress=False)))
    for part in ("method", "optimizers"):
        assert_same(runs[0][part], runs[1][part])


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, Mapping):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    else:
        assert one == other


def test_gradients_that_wait_in_another_group_are_kept():
    """Two passes are accumulated in each group; those of one reach the other's weights in between."""
    method = engine_toy.Toy(classes=4, size=(8, 8))
    rates = dict.fromkeys(("generator", "discriminator"), OptimizerConfig(1e-3))
    optimizers = build_optimizers(method, rates, accumulate=2)
    weight = method.discriminator.conv.parametrizations.weight.original
    image = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    optimizers["discriminator"].update_params(method.discriminator(image, None)[0][0].sum())
    waiting = weight.grad.clone()
    codes = method.encoder(image, None).mu
    fake = method.generator(torch.zeros(2, 8, 8, dtype=torch.int64), codes)
    optimizers["generator"].update_params(method.discriminator(fake, None)[0][0].sum())
    assert torch.equal(weight.grad, waiting)
    assert all(p.grad is not None for p in method.generator.last.parameters())


class Trespasser(engine_toy.Toy):
    """Its generator step also changes the discriminator."""

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        step = optimizers["generator"].optimizer.step

        def both(*arguments: Any, **keywords: Any) -> Any:
            with torch.no_grad():
                self.discriminator.conv.bias.add_(1)
            return step(*arguments, **keywords)

        optimizers["generator"].optimizer.step = both
        return super().train_step(batch, optimizers)


class Idle(engine_toy.Toy):
    """Has a layer that no loss reaches."""

    def __init__(self, *, classes: int, size: tuple[int, int]) -> None:
        super().__init__(classes=classes, size=size)
        self.generator.idle = nn.Linear(2, 2)


class Lazy(engine_toy.Toy):
    """Never steps its discriminator."""

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        loss = (self.generator(batch.label, self.encoder(batch.image, batch.label).sample()) - batch.image).abs().mean()
        optimizers["generator"].update_params(loss)
        return {"pixel": loss.detach()}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Trespasser, ["generator", "discriminator.conv.bias"]),
        (Idle, ["generator.idle.weight", "no gradient"]),
        (Lazy, ["discriminator", "update_params"]),
    ],
)
def test_the_contract_finds_weights_that_move_or_rest_wrongly(kind: type, words: list[str]):
    contract.check_gradients(engine_toy.Toy(classes=contract.CLASSES, size=contract.SIZE))
    contract.check_gradients(engine_toy.Forgetful(classes=contract.CLASSES, size=contract.SIZE))
    with pytest.raises(AssertionError) as raised:
        contract.check_gradients(kind(classes=contract.CLASSES, size=contract.SIZE))
    assert all(word in str(raised.value) for word in words)
