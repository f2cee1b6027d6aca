"""The code bank: the codes of every class of every picture of a dataset with thumbnails, in one Parquet file.

Letters: B batch. What a row is says :mod:`zoo.editing.bank_row`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from zoo.codes import Codes
from zoo.data import PairedDataset
from zoo.data.class_tables import ClassTable, class_table
from zoo.editing.bank_row import WHOLE, WHOLE_NAME, BankRow, codes_column, columns, rows_of
from zoo.editing.dataset import Origin, encoded
from zoo.editing.encoding import table_of
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.whole_file import whole_file

AT_ONCE = 16
"""Pictures that are encoded together and whose rows are a row group."""

METADATA = b"zoo code bank"
CLASS_NAMES = b"zoo class names"
"""Keys of the metadata of the file."""


def extract(
    method: Method,
    dataset: PairedDataset,
    out: Path,
    *,
    checkpoint: str,
    table: ClassTable | None = None,
    limit: int | None = None,
    min_share: float = 0.002,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the bank of the first ``limit`` pictures, whole or not at all; returns the number of rows.

    checkpoint: SHA-256 of the file that the method came from. table: names of the classes, by default those of the
    method. min_share: classes that cover less of a picture are left out. Raises ZooError for a method without codes or
    encoder.
    """
    names = (table or table_of(method)).names
    origin = Origin.of(method, dataset, limit, checkpoint)
    metadata = {METADATA: origin.to_json(), CLASS_NAMES: json.dumps(names)}
    schema = pa.schema(columns(origin.specs), metadata=metadata)
    rows = 0
    with whole_file(out) as temporary, parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for pictures, codes, there in encoded(method, dataset, limit=limit, batch=AT_ONCE, progress=progress):
            found: list[dict[str, Any]] = []
            for index, name in enumerate(pictures.name):
                own = codes.rows([index]), {code: mask[index : index + 1] for code, mask in there.items()}
                found += rows_of(name, pictures.image[index], pictures.label[index], *own, names, min_share)
            numbered = [{"row": rows + number, **row} for number, row in enumerate(found)]
            writer.write_table(pa.Table.from_pylist(numbered, schema=schema))
            rows += len(found)
    return rows


class CodeBank:
    """A bank on disk. Classes and shares are in memory; names, codes and thumbnails are read as they are asked for."""

    def __init__(self, path: Path, source: pa.OSFile) -> None:
        """Use :meth:`open`. Raises ValueError, KeyError or an error of pyarrow for a file of another kind."""
        file = parquet.ParquetFile(source)
        metadata = file.schema_arrow.metadata or {}
        self.path = path
        self.origin = Origin.from_json(metadata[METADATA])
        names = json.loads(metadata[CLASS_NAMES])
        self.table = class_table({"classes": len(names), "class_names": names})
        self._source, self._metadata = source, file.metadata
        groups = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        self._starts = np.cumsum([0, *groups])
        facts = file.read(columns=["class_id", "share"])
        self._class_ids, self._shares = facts["class_id"].to_numpy(), facts["share"].to_numpy()

    @classmethod
    def open(cls, path: Path) -> CodeBank:
        """Raises ZooError for a file that is missing, damaged, no Parquet or a Parquet of something else."""
        try:
            source = pa.OSFile(str(path), "rb")
        except OSError as error:
            raise ZooError(f"There is no code bank {path}: write one with `zoo codes extract`.") from error
        try:
            return cls(path, source)
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise ZooError(
                f"{path} is no code bank, or a damaged one: give a file that `zoo codes extract` wrote."
            ) from error

    def __len__(self) -> int:
        return len(self._class_ids)

    def check(self, method: Method, checkpoint: str = "") -> None:
        """Raises ZooError for a method with other codes, or another training of it (:meth:`Origin.check`)."""
        self.origin.check(method, f"The code bank {self.path}", checkpoint)

    def classes(self) -> dict[int, int]:
        """How many rows there are of each class, without those of whole pictures."""
        ids, counts = np.unique(self._class_ids[self._class_ids != WHOLE], return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def find(self, class_id: int, *, limit: int = 10, diverse: bool = False, like: int | None = None) -> list[BankRow]:
        """At most ``limit`` rows of a class (or of WHOLE): the largest regions, the largest first.

        diverse: codes as far from each other as can be; the largest region first, then always the row that is farthest
        from those before. like: the rows whose codes are nearest to those of a row, the nearest first.

        Raises ZooError for a class without rows, for ``diverse`` with ``like``, and for ``like`` of another class.
        """
        rows = np.flatnonzero(self._class_ids == class_id)
        if not len(rows):
            raise ZooError(
                f"{self.path} has no rows of {self._called(class_id)}: ask for what it has ({self._contents()})."
            )
        if diverse and like is not None:
            raise ZooError(
                "Rows that differ and rows like another one are two different searches: ask for one of them."
            )
        rows = rows[np.argsort(-self._shares[rows], kind="stable")]
        if like is not None:
            self._check_row(like)
            if self._class_ids[like] != class_id:
                raise ZooError(
                    f"Row {like} of {self.path} is of the class {self._called(self._class_ids[like])}, but rows of "
                    f"{self._called(class_id)} were asked for: give a row of that class."
                )
            rows = rows[rows != like]
            own, *others = self._vectors(np.array([like, *rows]))
            rows = rows[np.argsort([np.linalg.norm(other - own) for other in others], kind="stable")]
        elif diverse:
            rows = rows[_spread(self._vectors(rows), limit)]
        return self._rows(rows[:limit])

    def row(self, row: int) -> BankRow:
        """Raises ZooError for a number that is not there."""
        self._check_row(row)
        return self._rows(np.array([row]))[0]

    def put(self, codes: Codes, row: BankRow, *, layers: Iterable[int] | None = None) -> Codes:
        """``codes`` of batch B with those of a row: of its class, or of the picture as a whole for a row of WHOLE.

        ``layers`` limits what is put in (see :meth:`zoo.codes.Codes.part`). Where the row's picture says nothing of a
        vector, and everywhere else, the codes keep their values bit for bit.

        Raises ZooError as :meth:`Codes.part`, and for layers in which a row of WHOLE has no share.
        """
        parts = codes.part(classes=None if row.class_id == WHOLE else [row.class_id], layers=layers)
        where, source = dict(parts), dict(codes)
        for name, part in parts.items():
            where[name] = None
            if part is not None and name in row.values:
                axis, own = codes.specs[name].axis("class"), codes[name]
                value, present = (
                    (tensor if axis is None else tensor.unsqueeze(axis - 1))
                    for tensor in (row.values[name], row.present[name])
                )
                source[name] = value.to(own).expand_as(own)
                where[name] = part & present.to(own.device)
        if all(part is None for part in where.values()):
            raise ZooError(
                f"Row {row.id} holds the codes of a picture as a whole, which have no share in these layers: name "
                f"layer {codes.layers}, or no layers."
            )
        return codes.where(where, Codes(source, codes.specs))

    def _called(self, class_id: int) -> str:
        if class_id == WHOLE:
            return WHOLE_NAME
        return self.table.names[class_id] if 0 <= class_id < len(self.table) else f"class {class_id}"

    def _contents(self) -> str:
        return self.table.listed(list(self.classes())) or "rows of whole pictures only"

    def _check_row(self, row: int) -> None:
        if not 0 <= row < len(self):
            raise ZooError(f"There is no row {row} in {self.path}: give one from 0 to {len(self) - 1}.")

    def _rows(self, rows: NDArray[np.int64]) -> list[BankRow]:
        if not len(rows):
            return []
        specs = self.origin.specs
        table = self._read(rows, list(columns(specs)))
        try:
            return [BankRow.from_columns(entries, specs) for entries in table.to_pylist()]
        except (RuntimeError, TypeError) as error:
            raise ZooError(self._damaged()) from error

    def _damaged(self) -> str:
        return f"The code bank {self.path} is damaged: write it again with `zoo codes extract`."

    def _vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """All codes of rows of one class ``[n, entries]``."""
        table = self._read(rows, [codes_column(name) for name in self.origin.specs])
        whole = [column.combine_chunks().flatten().to_numpy() for column in table.columns if column.null_count == 0]
        return np.concatenate([entries.reshape(len(rows), -1) for entries in whole], axis=1)

    def _read(self, rows: NDArray[np.int64], names: list[str]) -> pa.Table:
        """Some columns of some rows, in the order of ``rows``."""
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        file = parquet.ParquetFile(self._source, metadata=self._metadata)
        try:
            pieces = [
                file.read_row_group(group, columns=names).take(rows[groups == group] - self._starts[group])
                for group in np.unique(groups).tolist()
            ]
        except (pa.ArrowException, OSError) as error:
            raise ZooError(self._damaged()) from error
        return pa.concat_tables(pieces).take(np.argsort(np.argsort(groups, kind="stable")))


def _spread(vectors: NDArray[np.float32], count: int) -> list[int]:
    """Indices of at most ``count`` vectors of ``[n, entries]``: the first, then always the farthest from the others."""
    chosen = [0]
    distance = np.linalg.norm(vectors - vectors[0], axis=1)
    while len(chosen) < min(count, len(vectors)):
        distance[chosen] = -1
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(vectors - vectors[chosen[-1]], axis=1))
    return chosen
