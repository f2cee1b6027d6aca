"""The learning rate, against the table that the official update rule gives when written out."""

import json

import pytest

from tests.zoo import engine_toy
from zoo.engine import train
from zoo.engine.schedule import lr_factor


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_rates_of_three_constant_and_four_falling_epochs():
    # METHODS 8.3: epoch niter + k runs at lr0 * (1 - (k - 1) / niter_decay); beyond the plan the last rate stays
    assert [lr_factor(epoch, 3, 4) for epoch in range(9)] == [1, 1, 1, 1, 0.75, 0.5, 0.25, 0.25, 0.25]


@pytest.mark.parametrize("epochs,decay", [(100, 100), (60, 40), (20, 0), (0, 5)])
def test_rates_follow_the_official_subtraction(epochs: int, decay: int):
    rate, expected = 1.0, []
    for epoch in range(1, epochs + decay + 1):
        expected.append(rate)
        if epoch > epochs:
            rate -= 1 / decay
    assert [lr_factor(epoch, epochs, decay) for epoch in range(epochs + decay)] == pytest.approx(expected)


def test_a_run_uses_the_rates_of_its_epochs(tmp_path):
    root = engine_toy.write_pictures(tmp_path / "data", train=4)
    config = engine_toy.make_config(root, epochs=1, decay_epochs=2)
    train(config, work_dir=tmp_path / "run", progress=False)
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [r["iteration"] for r in records] == [1, 2, 3, 4, 5, 6]
    assert [r["epoch"] for r in records] == [1, 1, 2, 2, 3, 3]
    assert [r["lr"]["generator"] for r in records] == pytest.approx([1e-4] * 4 + [0.5e-4] * 2)
    assert [r["lr"]["discriminator"] for r in records] == pytest.approx([4e-4] * 4 + [2e-4] * 2)
