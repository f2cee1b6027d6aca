"""Rarity scores, bins and masks are those of the official script."""

import json

import numpy as np
import pytest
import torch

from zoo.data.rarity import RarityTable, average_colours, bins_of, scores_of


@pytest.fixture(scope="module")
def cases(golden_dir):
    found = [(json.loads(p.read_text()), np.load(p.with_suffix(".npz"))) for p in sorted(golden_dir.glob("h3_*.json"))]
    if not found:
        pytest.skip(f"{golden_dir} holds no h3_*.json")
    return found


def test_average_colours(cases):
    for info, arrays in cases:
        for i, (image, label) in enumerate(zip(arrays["images"], arrays["labels"], strict=True)):
            if i == info["blank_index"]:  # left out by the official script, by its number
                continue
            got = average_colours(image, label, arrays["avgcolor"].shape[1])
            np.testing.assert_allclose(got, arrays["avgcolor"][i], rtol=1e-12, equal_nan=True)


def test_scores_bins_and_masks(cases):
    for info, arrays in cases:
        scores = scores_of(arrays["avgcolor"])
        np.testing.assert_allclose(scores, arrays["rarity"], rtol=1e-6)
        bins = bins_of(scores)
        np.testing.assert_allclose(bins, arrays["bins"], rtol=1e-6, equal_nan=True)
        table = RarityTable(tuple(map(str, range(len(scores)))), scores, bins)
        for i, label in enumerate(arrays["labels"]):
            mask = table.mask(i, torch.from_numpy(label.astype(np.int64)))
            np.testing.assert_allclose(mask[0].numpy(), arrays["rarity_mask"][i, ..., 0], rtol=1e-6)
            assert i == info["blank_index"] or mask.max() == 1
