"""Data: files -> :class:`zoo.interfaces.Batch`. Importing this package registers the datasets of the zoo."""

from zoo.data import ade20k, deepfashion, folder, gta5
from zoo.data.base import EpochPlan, PairedDataset, collate
from zoo.data.layout import Pair
from zoo.data.sampler import EpochSampler, loader

__all__ = [
    "EpochPlan",
    "EpochSampler",
    "Pair",
    "PairedDataset",
    "ade20k",
    "collate",
    "deepfashion",
    "folder",
    "gta5",
    "loader",
]
