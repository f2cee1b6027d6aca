"""The learning rate, against the table that the official update rule gives when written out."""

import json
import math
from fractions import Fraction

import pytest
import torch

from tests.zoo import engine_toy
from zoo import checkpoints
from zoo.engine import train
from zoo.engine.optimizers import LearningRates, lr_factor

pytestmark = pytest.mark.usefixtures("own_cache")


def test_rates_of_three_constant_and_four_falling_epochs():
    # METHODS 8.3: epoch niter + k runs at lr0 * (1 - (k - 1) / niter_decay); beyond the plan the last rate stays
    assert [lr_factor(epoch, 3, 4) for epoch in range(9)] == [1, 1, 1, 1, 0.75, 0.5, 0.25, 0.25, 0.25]


@pytest.mark.parametrize(("epochs", "decay"), [(100, 100), (60, 40), (20, 0), (0, 5)])
def test_rates_follow_the_official_subtraction(epochs: int, decay: int):
    rate, expected = 1.0, []
    for epoch in range(1, epochs + decay + 1):
        expected.append(rate)
        if epoch > epochs:
            rate -= 1 / decay
    assert [lr_factor(epoch, epochs, decay) for epoch in range(epochs + decay)] == pytest.approx(expected)


def rates_of(folder):
    return [json.loads(line)["lr"]["generator"] for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("epochs", "decay", "iterations"), [(3, 4, 14), (3, 4, 7), (60, 40, 50), (1, 1, 1200)])
def test_iterations_stretch_the_plan(epochs: int, decay: int, iterations: int):
    """Iteration i of n has the rate of the epoch that contains the share i / n of the plan, in exact fractions."""
    hook = LearningRates({}, epochs=epochs, decay_epochs=decay, iterations=iterations)
    for i in range(iterations):
        place = Fraction(i, iterations) * (epochs + decay)
        fallen = max(0, math.floor(place) - epochs)
        assert hook.factor(0, i) == pytest.approx(float(1 - Fraction(fallen, decay)))


@pytest.mark.parametrize("iterations", [700, 1200, 20])
@pytest.mark.parametrize(("epochs", "decay"), [(100, 100), (60, 40)])
def test_a_short_run_falls_for_the_same_share_of_its_iterations(iterations: int, epochs: int, decay: int):
    hook = LearningRates({}, epochs=epochs, decay_epochs=decay, iterations=iterations)
    factors = [hook.factor(0, i) for i in range(iterations)]
    full = sum(factor == 1 for factor in factors) / iterations
    # the first falling epoch still runs at the full rate, and a short run has whole iterations only
    assert full == pytest.approx(epochs / (epochs + decay), abs=1 / (epochs + decay) + 1 / iterations)
    assert factors == sorted(factors, reverse=True) and 0 < factors[-1] < 0.15


def test_iterations_without_a_decay_change_no_rate():
    hook = LearningRates({}, epochs=20, decay_epochs=0, iterations=700)
    assert {hook.factor(epoch, i) for epoch in range(6) for i in range(700)} == {1.0}


def test_a_run_of_the_planned_length_has_the_rates_of_its_epochs(tmp_path):
    """The same numbers whether the length is given in epochs or in as many iterations."""
    root = engine_toy.write_pictures(tmp_path / "data", train=4)
    for name, length in (("epochs", {}), ("iterations", {"iterations": 10})):
        config = engine_toy.make_config(root, epochs=2, decay_epochs=3, **length)
        train(config, work_dir=tmp_path / name, progress=False)
    assert rates_of(tmp_path / "epochs") == rates_of(tmp_path / "iterations")
    one, other = (checkpoints.load(tmp_path / name / "latest.pth")["method"] for name in ("epochs", "iterations"))
    assert all(torch.equal(one[key], other[key]) for key in one if isinstance(one[key], torch.Tensor))


def test_the_rate_falls_within_a_real_epoch(tmp_path):
    root = engine_toy.write_pictures(tmp_path / "data", train=16)  # eight iterations an epoch
    config = engine_toy.make_config(root, epochs=2, decay_epochs=2, iterations=8)
    train(config, work_dir=tmp_path / "run", progress=False)
    assert rates_of(tmp_path / "run") == pytest.approx([1e-4] * 6 + [0.5e-4] * 2)


def test_a_restart_within_an_epoch_begins_it_again_at_the_methods_rate(tmp_path):
    root = engine_toy.write_pictures(tmp_path / "data", train=8)  # four iterations an epoch
    config = engine_toy.make_config(
        root, "engine_restarted", settings={"at": 0.5}, epochs=2, decay_epochs=2, iterations=12, ema=0.5
    )
    train(config, work_dir=tmp_path / "run", progress=False)
    method = engine_toy.built[-1]
    assert (method.restarts, method.begun) == ([6], [0, 4, 6, 8])
    # planned epochs of three iterations at 1, 1, 1, 1/2, and half of that from the restart on
    assert rates_of(tmp_path / "run") == pytest.approx([1e-4] * 6 + [0.5e-4] * 3 + [0.25e-4] * 3)


def test_a_restart_at_an_epoch_comes_before_it_begins(tmp_path):
    root = engine_toy.write_pictures(tmp_path / "data", train=8)
    config = engine_toy.make_config(root, "engine_restarted", settings={"at": 0.5}, epochs=2)
    train(config, work_dir=tmp_path / "run", progress=False)
    method = engine_toy.built[-1]
    assert (method.restarts, method.begun) == ([4], [0, 4])
    assert rates_of(tmp_path / "run") == pytest.approx([1e-4] * 4 + [0.5e-4] * 4)


def test_a_run_uses_the_rates_of_its_epochs(tmp_path):
    root = engine_toy.write_pictures(tmp_path / "data", train=4)
    config = engine_toy.make_config(root, epochs=1, decay_epochs=2)
    train(config, work_dir=tmp_path / "run", progress=False)
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [r["iteration"] for r in records] == [1, 2, 3, 4, 5, 6]
    assert [r["epoch"] for r in records] == [1, 1, 2, 2, 3, 3]
    assert [r["lr"]["generator"] for r in records] == pytest.approx([1e-4] * 4 + [0.5e-4] * 2)
    assert [r["lr"]["discriminator"] for r in records] == pytest.approx([4e-4] * 4 + [2e-4] * 2)
