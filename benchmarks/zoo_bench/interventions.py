"""The effect of one part of the codes: one layer or one class is redrawn while all others are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.codes import Codes
from zoo.data import PairedDataset
from zoo.distributed import eval_mode
from zoo.interfaces import Method
from zoo.metrics import MethodSource, to_uint8_truncated
from zoo.metrics.sources import seed_of

REDRAWN = 4
"""Redraws of each part."""
CLASSES = 4
"""Number of largest classes of a mask that are redrawn."""


@dataclass(frozen=True)
class Intervention:
    """One picture whose codes are redrawn part by part.

    ``axis`` is "layer" or "class", ``index`` the place of the mask in the test set, ``base`` (uint8 ``[3, H, W]``) the
    picture with unchanged codes, ``parts`` (P texts) what was redrawn, ``redrawn`` uint8 ``[P, R, 3, H, W]``.
    """

    axis: str
    index: int
    base: NDArray[np.uint8]
    parts: NDArray[np.str_]
    redrawn: NDArray[np.uint8]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Intervention:
        """Build from arrays loaded from a file."""
        return cls(str(content["axis"]), int(content["index"]), content["base"], content["parts"], content["redrawn"])


@torch.no_grad()
def intervene(
    source: MethodSource, dataset: PairedDataset, index: int, small: Callable[[Tensor], Tensor]
) -> list[Intervention]:
    """The interventions that the codes of a method allow on one picture.

    Unchanged codes are those of the picture itself where there is an encoder, else a draw.

    Args:
        source: A method with the seed of its draws.
        dataset: The test set.
        index: Place of the picture in it.
        small: Resizes pictures uint8 ``[B, 3, H, W]`` to the size at which they are kept.
    """
    method, item = source.method, dataset[index]
    image, label = item["image"][None].to(source.device), item["label"][None].to(source.device)
    seed = seed_of(source.seed, index)
    found = []
    with eval_mode(method):
        fresh = method.sample(label, REDRAWN, seed=seed)
        base = method.sample(label, 1, seed=seed + 1) if method.encoder is None else method.encode(image, label).mu
        axes = {axis for spec in method.code_specs.values() for axis in ("layer", "class") if spec.axis(axis)}
        for axis in sorted(axes, reverse=True):
            choices = _layers(base, fresh) if axis == "layer" else _classes(base, fresh, label, dataset.class_names)
            parts, redrawn = zip(*((part, _draw(method, label, codes, small)) for part, codes in choices), strict=True)
            unchanged = _draw(method, label, base, small)[0]
            found.append(Intervention(axis, index, unchanged, np.array(parts), np.stack(redrawn)))
    return found


def _layers(base: Codes, fresh: Codes) -> Iterator[tuple[str, Codes]]:
    """Each layer, then the codes that have none, then everything."""
    base = base.rows([0] * REDRAWN)
    sizes = [base[name].shape[axis] for name, spec in base.specs.items() if (axis := spec.axis("layer"))]
    for layer in range(max(sizes)):
        yield f"layer {layer}", base.replace(fresh, layers=[layer])
    others = {name for name, spec in base.specs.items() if spec.axis("layer") is None}
    if others:
        mixed = {name: (fresh if name in others else base)[name] for name in base}
        yield f"{' and '.join(sorted(others))} code", Codes(mixed, base.specs)
    yield "all codes", fresh


def _classes(base: Codes, fresh: Codes, label: Tensor, names: tuple[str, ...]) -> Iterator[tuple[str, Codes]]:
    """The largest classes of the mask, one at a time."""
    base = base.rows([0] * REDRAWN)
    ids, areas = label.unique(return_counts=True)
    for k in ids[areas.argsort(descending=True, stable=True)][:CLASSES].tolist():
        yield names[k], base.replace(fresh, classes=[k])


def _draw(method: Method, label: Tensor, codes: Codes, small: Callable[[Tensor], Tensor]) -> NDArray[np.uint8]:
    pictures: NDArray[np.uint8] = small(to_uint8_truncated(method.synthesize(label, codes)).cpu()).numpy()
    return pictures
