"""Data loading, from files to :class:`zoo.interfaces.Batch`. Importing this package registers the zoo's datasets."""

from zoo.data import ade20k, celebamask, deepfashion, folder, gta5
from zoo.data.base import EpochPlan, PairedDataset, collate
from zoo.data.loading import loader
from zoo.data.pairing import Pair
from zoo.data.sampler import EpochSampler
from zoo.data.standin import StandIn

__all__ = [
    "EpochPlan",
    "EpochSampler",
    "Pair",
    "PairedDataset",
    "StandIn",
    "ade20k",
    "celebamask",
    "collate",
    "deepfashion",
    "folder",
    "gta5",
    "loader",
]
