"""What the budget counts, against formulas written out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner

from benchmarks.speed.budget import Counter, Rates, main


def test_a_convolution_costs_its_products_and_its_tensors() -> None:
    picture, kernel = torch.rand(2, 3, 8, 8), torch.rand(5, 3, 3, 3)
    with Counter(Rates(half=1.0, single=100.0, bandwidth=1e9, launch=0.0)) as counter:
        F.conv2d(picture, kernel, padding=1)
    flops = 2 * (2 * 5 * 8 * 8) * (3 * 3 * 3)  # a product and a sum for each tap
    assert counter.cost.flops == flops
    assert counter.cost.traffic == 4 * (2 * 3 * 8 * 8 + 5 * 3 * 3 * 3 + 2 * 5 * 8 * 8)
    assert counter.cost.kernels == 1
    assert counter.cost.seconds == pytest.approx(flops / 100)


def test_an_operator_takes_the_longest_of_arithmetic_traffic_and_start() -> None:
    values = torch.rand(1000)
    with Counter(Rates(half=1e12, single=1e12, bandwidth=4000.0, launch=0.0)) as slow_memory:
        values + 1.0
    with Counter(Rates(half=1e12, single=1e12, bandwidth=1e12, launch=0.25)) as slow_start:
        values.view(10, 100).t().add(1.0).mul(2.0)
    assert slow_memory.cost.seconds == pytest.approx(2.0)  # 4000 bytes read, 4000 written
    assert slow_start.cost.seconds == pytest.approx(0.5)  # two kernels: views start none


def test_half_precision_has_a_rate_of_its_own() -> None:
    matrix = torch.rand(16, 16)
    with Counter(Rates(half=2.0, single=1.0, bandwidth=1e12, launch=0.0)) as counter:
        matrix.bfloat16() @ matrix.bfloat16()
    assert counter.cost.seconds == pytest.approx(2 * 16**3 / 2.0)


def test_the_table_of_a_profile() -> None:
    few = ["--set", "data.size=[64, 64]", "--set", "train.iterations=6000"]
    done = CliRunner().invoke(main, ["--tables", "3", "--profile", "smoke", *few], catch_exceptions=False)
    assert done.exit_code == 0
    rows = {line.split("-")[0]: line.split()[1:] for line in done.output.splitlines() if "-deepfashion-" in line}
    assert sorted(rows) == ["clvae", "gaugan_vae", "groupdnet"]
    for _, _, kernels, milliseconds, training, _ in rows.values():
        assert float(kernels) > 1000
        assert float(training) == pytest.approx(float(milliseconds) * 6000 / 60_000, rel=1e-3)


def test_a_profile_of_real_pictures_has_no_budget() -> None:
    done = CliRunner().invoke(main, ["--tables", "3", "--profile", "paper"])
    assert done.exit_code == 2
    assert "The profile paper trains for epochs: give another one" in done.output
