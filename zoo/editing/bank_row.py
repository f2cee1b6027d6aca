"""The rows of a code bank, in memory and as columns of a Parquet file.

A row holds the codes of one class of one picture. Codes without a class axis are in rows of their own, one for each
picture, with the class id WHOLE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.codes import Codes, CodeSpec
from zoo.editing.directions import vector_axes
from zoo.editing.thumbnails import thumbnail
from zoo.errors import ZooError

WHOLE = -1
"""The class id of rows with the codes of a whole picture."""

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
    """The codes of one class in one picture.

    Attributes:
        id: Number of the row in its bank.
        name: Name of the picture.
        class_id: The class, or WHOLE.
        class_name: Its name.
        share: Share of the picture's pixels that show the class, 0 to 1.
        thumbnail: PNG of the region.
        values: Codes ``[*shape]`` without the class axis, by name.
        present: bool that broadcasts to ``values``; False for vectors that the picture does not determine (a class
            that vanished at a coarse layer).
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

    @property
    def classes(self) -> tuple[int, ...] | None:
        """The class whose codes the row holds, or None for a row of WHOLE."""
        return None if self.class_id == WHOLE else (self.class_id,)

    def put(self, codes: Codes, *, layers: Iterable[int] | None = None) -> Codes:
        """Replace codes with those of the row: of its class, or of the whole picture for a row of WHOLE.

        Vectors that the row's picture does not determine, and all other codes, keep their values bit for bit.

        Args:
            codes: Codes of batch B.
            layers: Only these layers are replaced (see :meth:`zoo.codes.Codes.mask`); None for all.

        Raises:
            ZooError: As :meth:`zoo.codes.Codes.mask`, and for layers in which a row of WHOLE has no part.
        """
        parts = codes.mask(classes=self.classes, layers=layers)
        where, source = dict(parts), dict(codes)
        for name, part in parts.items():
            where[name] = None
            if part is not None and name in self.values:
                axis, own = codes.specs[name].axis("class"), codes[name]
                value, present = (
                    (tensor if axis is None else tensor.unsqueeze(axis - 1))
                    for tensor in (self.values[name], self.present[name])
                )
                source[name] = value.to(own).expand_as(own)
                where[name] = part & present.to(own.device)
        if all(part is None for part in where.values()):
            raise ZooError(
                f"Row {self.id} holds the codes of a whole picture, which have no part in these layers: give layer "
                f"{codes.layers}, or no layers."
            )
        return codes.where(where, Codes(source, codes.specs))


def columns(specs: Mapping[str, CodeSpec]) -> dict[str, pa.DataType]:
    """Names and types of the columns of a bank; a row has null for codes that it has no part in."""
    codes = {codes_column(name): pa.list_(pa.float32()) for name in specs}
    present = {present_column(name): pa.list_(pa.bool_()) for name in specs}
    return {**FACTS, **codes, **present, "thumbnail": pa.binary()}


def codes_column(name: str) -> str:
    """The column of a code's values."""
    # Parquet reads a dot as a path into a nested column
    return f"codes_{name.replace('.', '_')}"


def present_column(name: str) -> str:
    """The column of a code's ``present`` mask."""
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
    """The rows of one picture, as columns without the number of the row.

    Args:
        name: Name of the picture.
        image: ``[3, H, W]`` in [-1, 1].
        label: ``[H, W]``.
        codes: Codes of the picture, of batch 1.
        there: Which vectors it shows, as :func:`zoo.editing.dataset_codes.encoded` yields them.
        class_names: Names of all classes.
        min_share: Classes with a smaller share of the picture are left out.
    """
    for class_id in [*label.unique().tolist(), WHOLE]:
        region = torch.ones_like(label, dtype=torch.bool) if class_id == WHOLE else label == class_id
        share = float(region.float().mean())
        present = {code: _part_of(codes.specs[code], mask, class_id) for code, mask in there.items()}
        if share < min_share or not any(mask is not None and bool(mask.any()) for mask in present.values()):
            continue
        values = {code: _part_of(codes.specs[code], tensor, class_id) for code, tensor in codes.items()}
        yield {
            "name": name,
            "class_id": class_id,
            "class_name": WHOLE_NAME if class_id == WHOLE else class_names[class_id],
            "share": share,
            **{codes_column(code): _flat(tensor) for code, tensor in values.items()},
            **{present_column(code): _flat(mask) for code, mask in present.items()},
            "thumbnail": thumbnail(image, region),
        }


def _part_of(spec: CodeSpec, tensor: Tensor, class_id: int) -> Tensor | None:
    """The entries of a class in one picture's code ``[1, *shape]``, or None if there are none."""
    axis = spec.axis("class")
    if (axis is None) != (class_id == WHOLE):
        return None
    return tensor[0] if axis is None else tensor[0].select(axis - 1, class_id)


def _flat(tensor: Tensor | None) -> NDArray[Any] | None:
    return None if tensor is None else tensor.flatten().numpy()
