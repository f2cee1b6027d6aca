"""The noise that a seed stands for: normal, independent, and the same however many seeds are asked for."""

import torch
from scipy import stats

from zoo_cimle.networks import seeded_noise


def test_it_is_standard_normal():
    noise = seeded_noise(torch.tensor([11]), (10, 64, 128)).flatten().numpy()
    assert stats.kstest(noise, "norm").pvalue > 0.01


def test_seeds_and_positions_are_independent():
    noise = seeded_noise(torch.arange(200), (50, 41)).flatten(1).double()
    between = torch.corrcoef(noise).fill_diagonal_(0)
    along = torch.corrcoef(noise.T[:200]).fill_diagonal_(0)
    assert between.abs().max() < 5 / 2050**0.5  # five standard deviations of a correlation of independent numbers
    assert along.abs().max() < 5.5 / 200**0.5


def test_a_seed_gives_the_same_noise_alone_and_in_company():
    seeds = torch.tensor([3, 2**61 + 5, 0])
    together = seeded_noise(seeds, (3, 5, 7))
    assert together.shape == (3, 3, 5, 7)
    assert all(torch.equal(seeded_noise(seeds[i : i + 1], (3, 5, 7))[0], together[i]) for i in range(3))
