"""What a row of a code bank is, in memory and as columns of a Parquet file.

A row is one class of one picture; its codes are those of the class. The codes without a class axis are in rows of their
own, one for each picture, with the class id WHOLE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.codes import Codes, CodeSpec
from zoo.editing.directions import vector_axes
from zoo.editing.thumbnails import thumbnail

WHOLE = -1
"""The class id of the rows that hold the codes of a picture as a whole."""

WHOLE_NAME = "whole picture"

FACTS = {
    "row": pa.int64(),
    "name": pa.string(),
    "class_id": pa.int32(),
    "class_name": pa.string(),
    "share": pa.float32(),
}


@dataclass(frozen=True)
class BankRow:
    """The codes of a class in a picture: where they come from, how they look, and what they are.

    share: of the picture that shows the class, 0..1. thumbnail: PNG. values: by the name of each code that the row has
    a part in, ``[*shape]`` without the class axis. present: bool that broadcasts to it, False for the vectors that the
    picture says nothing of (a class that a coarse layer lost).
    """

    id: int
    name: str
    class_id: int
    class_name: str
    share: float
    thumbnail: bytes = field(repr=False)
    values: Mapping[str, Tensor] = field(repr=False)
    present: Mapping[str, Tensor] = field(repr=False)

    @classmethod
    def from_columns(cls, entries: Mapping[str, Any], specs: Mapping[str, CodeSpec]) -> BankRow:
        """A row from its columns. Raises RuntimeError or TypeError for codes of other shapes."""
        values, present = {}, {}
        for name, spec in specs.items():
            if entries[codes_column(name)] is None:
                continue
            axis, inner = spec.axis("class"), vector_axes(spec)
            kept = [at for at in range(1, len(spec.shape) + 1) if at != axis]
            values[name] = torch.tensor(entries[codes_column(name)]).view([spec.shape[at - 1] for at in kept])
            kinds = [1 if at in inner else spec.shape[at - 1] for at in kept]
            present[name] = torch.tensor(entries[present_column(name)]).view(kinds)
        facts = {name: entries[name] for name in FACTS if name != "row"}
        return cls(entries["row"], **facts, thumbnail=entries["thumbnail"], values=values, present=present)


def columns(specs: Mapping[str, CodeSpec]) -> dict[str, pa.DataType]:
    """Names and types of the columns. A row has null for the codes that it has no part in."""
    codes = {codes_column(name): pa.list_(pa.float32()) for name in specs}
    present = {present_column(name): pa.list_(pa.bool_()) for name in specs}
    return {**FACTS, **codes, **present, "thumbnail": pa.binary()}


# a dot would be read as a path into a nested column
def codes_column(name: str) -> str:
    return f"codes_{name.replace('.', '_')}"


def present_column(name: str) -> str:
    return f"present_{name.replace('.', '_')}"


def rows_of(
    name: str,
    image: Tensor,
    label: Tensor,
    codes: Codes,
    there: Mapping[str, Tensor],
    class_names: tuple[str, ...],
    min_share: float,
) -> Iterator[dict[str, Any]]:
    """The columns, all but the number, of the rows of a picture ``[3, H, W]`` with label ``[H, W]``, codes of batch 1.

    there: which vectors it shows, as :func:`zoo.editing.dataset.encoded` gives it.
    """
    for class_id in [*label.unique().tolist(), WHOLE]:
        region = torch.ones_like(label, dtype=torch.bool) if class_id == WHOLE else label == class_id
        share = float(region.float().mean())
        present = {code: _share_of(codes.specs[code], mask, class_id) for code, mask in there.items()}
        if share < min_share or not any(mask is not None and bool(mask.any()) for mask in present.values()):
            continue
        values = {code: _share_of(codes.specs[code], tensor, class_id) for code, tensor in codes.items()}
        yield {
            "name": name,
            "class_id": class_id,
            "class_name": WHOLE_NAME if class_id == WHOLE else class_names[class_id],
            "share": share,
            **{codes_column(code): _flat(tensor) for code, tensor in values.items()},
            **{present_column(code): _flat(mask) for code, mask in present.items()},
            "thumbnail": thumbnail(image, region),
        }


def _share_of(spec: CodeSpec, tensor: Tensor, class_id: int) -> Tensor | None:
    """The part of a class in one picture's code ``[1, *shape]``, or None where it has none."""
    axis = spec.axis("class")
    if (axis is None) != (class_id == WHOLE):
        return None
    return tensor[0] if axis is None else tensor[0].select(axis - 1, class_id)


def _flat(tensor: Tensor | None) -> NDArray[Any] | None:
    return None if tensor is None else tensor.flatten().numpy()
