"""Rarity scores, bins and masks are those of the official script (the fixtures h* with kernel densities)."""

import json

import numpy as np
import torch

from tests.parity.fixtures import over_cases
from zoo.data.rarity import RarityTable, average_colours, bins_of, scores_of

over_rarity = over_cases("h", holding=("kde_classes", "kde_bandwidth_factor"))


def load(case):
    """The arrays, and the number of the picture that the official script leaves out."""
    info = json.loads(case.read_text())
    return np.load(case.with_suffix(".npz")), info.get("blank_index")


@over_rarity
def test_average_colours(case):
    arrays, blank = load(case)
    for i, (image, label) in enumerate(zip(arrays["images"], arrays["labels"], strict=True)):
        if i != blank:
            got = average_colours(image, label, arrays["avgcolor"].shape[1])
            np.testing.assert_allclose(got, arrays["avgcolor"][i], rtol=1e-12, equal_nan=True)


@over_rarity
def test_scores_bins_and_masks(case):
    arrays, blank = load(case)
    scores = scores_of(arrays["avgcolor"])
    np.testing.assert_allclose(scores, arrays["rarity"], rtol=1e-6)
    bins = bins_of(scores)
    np.testing.assert_allclose(bins, arrays["bins"], rtol=1e-6, equal_nan=True)
    table = RarityTable(tuple(map(str, range(len(scores)))), scores, bins)
    for i, label in enumerate(arrays["labels"]):
        mask = table.mask(i, torch.from_numpy(label.astype(np.int64)))
        np.testing.assert_allclose(mask[0].numpy(), arrays["rarity_mask"][i, ..., 0], rtol=1e-6)
        assert i == blank or mask.max() == 1
