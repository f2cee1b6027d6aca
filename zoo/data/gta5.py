"""GTA-5 at 512x256 with the 19 train ids of Cityscapes and one class for the rest, rebalanced by rarity of colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from zoo.data.base import EpochPlan, PairedDataset
from zoo.data.class_names import GTA5_CLASS_NAMES
from zoo.data.rarity import rarity_draws, table_for
from zoo.errors import ZooError
from zoo.registry import DATASETS


@DATASETS.register("gta5")
class GTA5(PairedDataset):
    """``RGB256Full/<split>/<stem>.png`` with ``LabelgrayFull20/<split>/<stem>.png``, ids 0..19 (19 = other).

    rarity: "on", "off" or "auto" (rebalance where ``<root>/rarity.npz`` exists). Rebalanced, an epoch draws
    ``draws`` pictures by the rarity of road, building, sky, other and sidewalk in turn, shows
    ``pictures_per_epoch`` random ones of them, and items carry the loss mask. With fewer than ``draws``
    pictures on disk both numbers shrink in proportion. The mask is mirrored with its picture, which the
    official code forgets. Test items have no mask.
    """

    classes = 20
    class_names = GTA5_CLASS_NAMES
    default_size = (256, 512)
    source = (
        "download.visinf.tu-darmstadt.de/data/from_games (Playing for Data), "
        "put into this layout by `zoo data prepare gta5`"
    )
    release_hint: ClassVar[str] = (
        "These labels look like the original colour maps of GTA-5: `zoo data prepare gta5` makes ids of them."
    )
    image_suffixes = (".png",)
    objects: ClassVar[tuple[int, ...]] = (0, 2, 10, 19, 1)
    """The classes whose rarity draws pictures: road, building, sky, other, sidewalk."""

    def __init__(
        self,
        *,
        root: Path,
        split: str,
        size: tuple[int, int],
        flip: bool = True,
        load_scale: float = 1.0,
        rarity: Literal["auto", "on", "off"] | bool = "auto",
        draws: int = 400,
        pictures_per_epoch: int = 10000,
    ) -> None:
        super().__init__(root=root, split=split, size=size, flip=flip, load_scale=load_scale)
        if draws < 1 or pictures_per_epoch < 1:
            raise ZooError(
                f"data.draws ({draws}) and data.pictures_per_epoch ({pictures_per_epoch}) must be at least 1."
            )
        if isinstance(rarity, bool):  # YAML reads a bare on or off as a truth value
            rarity = "on" if rarity else "off"
        self.draws = min(draws, len(self))
        self.pictures_per_epoch = max(1, round(pictures_per_epoch * self.draws / draws))
        self.table = table_for(self.root, self.pairs, rarity) if split == "train" else None

    @classmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        return root / "RGB256Full" / split, root / "LabelgrayFull20" / split

    def weight(self, index: int, label: Tensor) -> Tensor | None:
        return None if self.table is None else self.table.mask(index, label)

    def facts(self) -> dict[str, Any]:
        return {"rarity": self.table is not None}

    def epoch(self, rng: np.random.Generator) -> EpochPlan:
        """Rebalanced where there is a rarity file, else every picture once."""
        if self.table is None:
            return super().epoch(rng)
        bins = self.table.bins[list(self.objects)]
        bins = bins[~np.isnan(bins[:, 0])]  # a class that never occurs draws nothing
        if not len(bins):
            return super().epoch(rng)
        drawn = np.array(rarity_draws(bins, self.draws, rng.random(self.draws)))
        order = drawn[rng.integers(len(drawn), size=self.pictures_per_epoch)]
        return EpochPlan(np.unique(drawn).tolist(), order.tolist())
