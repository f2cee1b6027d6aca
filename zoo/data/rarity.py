"""Rarity of colours per class, for rebalanced sampling and a loss mask (cIMLE, Li et al. 2019, on GTA-5).

For every class, a kernel density (Gaussian) is estimated over its average colours in all pictures. The score of a class
in a picture is the inverse of the density at its colour in this picture. Pictures are sampled in proportion to the
score of one class, and their loss is weighted by the scores of all their classes. Scores are stored instead of masks,
which would take 6 GB for 12,403 pictures.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.config.values import keywords
from zoo.data.base import PairedDataset, out_of_range
from zoo.data.pairing import Pair
from zoo.data.parallel import Progress, map_threads
from zoo.data.transforms import read_image, read_label
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo.registries import DATASETS

VERSION = 1
FILE_NAME = "rarity.npz"
MIN_PICTURES = 68
"""No density is estimated for classes that occur in fewer pictures."""
CHUNK = 256
"""Number of pictures between two saves of the average colours."""

BROKEN_ARRAYS = (OSError, KeyError, ValueError, EOFError, BadZipFile, ZlibError)
"""Exceptions of NumPy for an archive that is truncated, damaged or of another format."""

Float = NDArray[np.float64]


@dataclass(frozen=True)
class RarityTable:
    """Scores of N pictures: names of N, scores ``[N, C]`` float32 (0 where a class is absent), bins ``[C, N]`` float64.

    ``bins[c]`` are the cumulative probabilities of the pictures when sampling by class c; NaN for a class that never
    occurs.
    """

    names: tuple[str, ...]
    scores: NDArray[np.float32]
    bins: Float

    def save(self, path: Path) -> None:
        """Write the file atomically."""
        _save(path, names=np.array(self.names), scores=self.scores, bins=self.bins, version=np.array(VERSION))

    @classmethod
    def load(cls, path: Path) -> RarityTable:
        """Read a rarity file; ZooError if it is damaged or of another version."""
        try:
            with np.load(path, allow_pickle=False) as file:
                if int(file["version"]) == VERSION:
                    return cls(tuple(file["names"].tolist()), file["scores"], file["bins"])
        except BROKEN_ARRAYS:
            pass
        raise ZooError(f"The rarity file {path} cannot be read: make it again with {_command(path.parent)}.")

    def mask(self, index: int, label: Tensor) -> Tensor:
        """Loss weights ``[1, H, W]`` in [0, 1] of picture ``index``, label ``[H, W]``: score over largest score."""
        scores = torch.from_numpy(self.scores[index])
        return (scores / scores.max().clamp_min(torch.finfo(torch.float32).tiny))[label][None]


def rarity_draws(bins: Float, draws: int, uniform: Float) -> list[int]:
    """Pictures sampled for an epoch: the i-th with row i mod J of ``bins`` ``[J, N]`` and ``uniform[i]`` in [0, 1)."""
    last = bins.shape[1] - 1
    # Due to rounding, a cumulative sum may end slightly below 1.
    return [min(int(np.searchsorted(bins[i % len(bins)], uniform[i])), last) for i in range(draws)]


def average_colours(image: NDArray[np.uint8], label: NDArray[np.integer], classes: int) -> Float:
    """Mean RGB (0..255) per class, NaN where absent: image ``[H, W, 3]``, label ``[H, W]`` -> ``[C, 3]``."""
    flat = label.reshape(-1)
    area = np.bincount(flat, minlength=classes)[:classes].astype(np.float64)
    sums = [np.bincount(flat, weights=image[..., c].reshape(-1), minlength=classes)[:classes] for c in range(3)]
    return np.stack(sums, 1) / np.where(area > 0, area, np.nan)[:, None]


def colour_density(colours: Float) -> Float | None:
    """Density ``[N]`` of average colours ``[N, 3]``, evaluated at the same colours (Scott's bandwidth); 0 for NaN rows.

    None if no density can be estimated: fewer than 68 pictures, or colours that are all in a plane.
    """
    from scipy.stats import gaussian_kde

    seen = ~np.isnan(colours[:, 0])
    if seen.sum() < MIN_PICTURES:
        return None
    try:
        kernel = gaussian_kde(colours[seen].T)
    except np.linalg.LinAlgError:
        return None
    density = np.zeros(len(colours))
    density[seen] = kernel(colours[seen].T)
    return density


def scores_of(colours: Float, progress: Progress | None = None) -> NDArray[np.float32]:
    """Scores ``[N, C]`` of average colours ``[N, C, 3]``: one over the density, 0 where a class is absent.

    As in the official code, for a class without a density, the largest score of the lower class ids in the picture is
    used as its density, so its score is nearly zero. If no lower class has a score, the official code divides by zero.
    Here the score is 1 in this case, which is small next to other scores, and neutral in a picture without any.
    """
    count, classes = colours.shape[:2]
    scores = np.zeros((count, classes), np.float32)
    for c in range(classes):
        seen = ~np.isnan(colours[:, c, 0])
        density = colour_density(colours[:, c])
        if density is None:
            density = scores[:, :c].max(1, initial=0).astype(np.float64)
            density[density == 0] = 1
        scores[seen, c] = 1 / density[seen]
        if progress is not None:
            progress(c + 1, classes)
    return scores


def bins_of(scores: NDArray[np.float32]) -> Float:
    """Cumulative probabilities ``[C, N]`` of scores ``[N, C]``; NaN rows for classes that never occur."""
    rarity = scores.astype(np.float64)
    total = rarity.sum(0)
    shares: Float = np.cumsum((rarity / np.where(total > 0, total, np.nan)).T, axis=1)
    return shares


def rebalanced() -> str:
    """The only dataset with a setting ``rarity``.

    Raises:
        ZooError: There are several, or none.
    """
    found = [name for name in DATASETS.names() if "rarity" in keywords(DATASETS.get(name))]
    if len(found) != 1:
        raise ZooError(
            f"Give the name of a dataset that is rebalanced by rarity: {', '.join(found) or 'there is none'}."
        )
    return found[0]


def compute(
    root: Path, out: Path | None = None, progress: Progress | None = None, resume: bool = True, name: str | None = None
) -> Path:
    """Write the rarity file of the training pictures of a dataset.

    Args:
        root: The folder of the dataset.
        out: The file, by default ``<root>/rarity.npz``. Average colours are saved beside it every 256 pictures.
        progress: Called with (done, total); counts pictures, then one step for each class.
        resume: Continue an interrupted computation.
        name: The dataset, by default :func:`rebalanced`.

    Returns:
        The path of the file.

    Raises:
        ZooError: Files are missing or cannot be read.
    """
    dataset_class: type[PairedDataset] = DATASETS.get(name or rebalanced())
    dataset = dataset_class(root=Path(root), split="train", size=dataset_class.default_size)
    out = Path(out) if out is not None else Path(root) / FILE_NAME
    partial = out.with_suffix(".partial.npz")
    pairs, classes = dataset.pairs, dataset.classes
    colours = np.full((len(pairs), classes, 3), np.nan)
    done = _resumed(partial, pairs, colours) if resume else 0
    steps = len(pairs) + classes
    for start in range(done, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        for i, row in enumerate(map_threads(lambda pair: _read_colours(pair, classes), chunk), start):
            colours[i] = row
            if progress is not None:
                progress(i + 1, steps)
        names = np.array([pair.name for pair in pairs[: start + len(chunk)]])
        _save(partial, names=names, colours=colours[: len(names)])
    scores = scores_of(colours, progress and (lambda c, _: progress(len(pairs) + c, steps)))
    if not np.any((~np.isnan(colours[..., 0])).sum(0) >= MIN_PICTURES):
        logging.getLogger(__name__).warning(
            "No class occurs in %d or more pictures in %s, so all pictures have the same weight.",
            MIN_PICTURES,
            root,
        )
    RarityTable(tuple(pair.name for pair in pairs), scores, bins_of(scores)).save(out)
    partial.unlink(missing_ok=True)
    return out


def table_for(root: Path, pairs: list[Pair], setting: str) -> RarityTable | None:
    """Load the rarity file of a training set; None if it does not exist and the setting allows this.

    Args:
        root: The folder of the dataset.
        pairs: The pictures of the training set.
        setting: "on", "off", or "auto" (use the file if it exists, and log it if not).

    Raises:
        ZooError: The file is missing, or belongs to other pictures.
    """
    if setting not in ("auto", "on", "off"):
        raise ZooError(f'data.rarity is "{setting}": use auto, on or off.')
    path = root / FILE_NAME
    if setting == "off":
        return None
    if not path.is_file():
        if setting == "on":
            raise ZooError(f"There is no rarity file {path}: create it with {_command(root)} or set data.rarity=off.")
        logging.getLogger(__name__).info(
            "There is no %s, so sampling is uniform and there is no loss mask; %s creates it.", path, _command(root)
        )
        return None
    table = RarityTable.load(path)
    if table.names != tuple(pair.name for pair in pairs):
        raise ZooError(
            f"The rarity file {path} is for {len(table.names)} other pictures than the {len(pairs)} in {root}: "
            f"make it again with {_command(root)}."
        )
    return table


def _command(root: Path) -> str:
    return f"`zoo data rarity --data-root {root}`"


def _read_colours(pair: Pair, classes: int) -> Float:
    image, label = np.asarray(read_image(pair.image)), np.asarray(read_label(pair.label))
    if image.shape[:2] != label.shape:
        raise ZooError(f"The label {pair.label} and its picture have different sizes: resize one of them.")
    if label.min() < 0 or label.max() >= classes:
        raise ZooError(out_of_range(pair.label, np.unique(label).tolist(), classes))
    return average_colours(image, label, classes)


def _resumed(partial: Path, pairs: list[Pair], colours: Float) -> int:
    """Fill ``colours`` from an interrupted run over the same pictures; returns their number."""
    try:
        with np.load(partial, allow_pickle=False) as file:
            names, rows = file["names"].tolist(), file["colours"]
    except BROKEN_ARRAYS:
        return 0
    if names != [pair.name for pair in pairs[: len(names)]] or rows.shape[1:] != colours.shape[1:]:
        return 0
    colours[: len(rows)] = rows
    return len(rows)


def _save(path: Path, **arrays: NDArray) -> None:
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
