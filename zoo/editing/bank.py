"""The code bank: one Parquet file with the codes and thumbnails of every class in every picture of a dataset.

:mod:`zoo.editing.bank_row` defines its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from zoo.data import PairedDataset
from zoo.data.class_tables import ClassTable, class_table
from zoo.editing.bank_row import WHOLE, WHOLE_NAME, BankRow, codes_column, columns, rows_of
from zoo.editing.dataset_codes import Origin, encoded
from zoo.editing.loaded_method import table_of
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo.interfaces import Method

BATCH = 16
"""Batch size for encoding; the rows of a batch form a row group."""

METADATA = b"zoo code bank"
CLASS_NAMES = b"zoo class names"
"""Keys of the file's metadata."""


def extract_bank(
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
    """Encode a dataset and write its bank, atomically.

    Args:
        method: A method with codes and an encoder.
        dataset: The pictures.
        out: Output file (.parquet).
        checkpoint: SHA-256 of the method's checkpoint.
        table: Names of the classes; None for those of the method.
        limit: Use only the first N pictures.
        min_share: Classes that cover a smaller fraction of a picture are omitted.
        progress: Called with the number of pictures done and their total.

    Returns:
        The number of rows.

    Raises:
        ZooError: If the method has no codes or no encoder.
    """
    names = (table or table_of(method)).names
    origin = Origin.of(method, dataset, limit, checkpoint)
    metadata = {METADATA: origin.to_json(), CLASS_NAMES: json.dumps(names)}
    schema = pa.schema(columns(origin.specs), metadata=metadata)
    rows = 0
    with atomic_file(out) as temporary, parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for pictures, codes, there in encoded(method, dataset, limit=limit, batch=BATCH, progress=progress):
            found: list[dict[str, Any]] = []
            for index, name in enumerate(pictures.name):
                own = codes.rows([index]), {code: mask[index : index + 1] for code, mask in there.items()}
                found += rows_of(name, pictures.image[index], pictures.label[index], *own, names, min_share)
            numbered = [{"row": rows + number, **row} for number, row in enumerate(found)]
            writer.write_table(pa.Table.from_pylist(numbered, schema=schema))
            rows += len(found)
    return rows


class CodeBank:
    """A bank on disk. Classes and shares are kept in memory; names, codes and thumbnails are read on demand."""

    def __init__(self, path: Path, source: pa.OSFile) -> None:
        """Read the metadata of an open file; use :meth:`open`.

        Raises ValueError, KeyError or an error of pyarrow for a file of another kind.
        """
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
        """Open a bank. Raises ZooError for a file that is missing, damaged, or not a code bank."""
        try:
            source = pa.OSFile(str(path), "rb")
        except OSError as error:
            raise ZooError(f"There is no code bank {path}: write one with `zoo codes extract`.") from error
        try:
            return cls(path, source)
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise ZooError(
                f"{path} is not a code bank, or is damaged: give a file written by `zoo codes extract`."
            ) from error

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._class_ids)

    def check(self, method: Method, checkpoint: str = "") -> None:
        """Raises ZooError for codes of another method or checkpoint; see :meth:`Origin.check`."""
        self.origin.check(method, f"The code bank {self.path}", checkpoint)

    def classes(self) -> dict[int, int]:
        """The number of rows of each class, without those of whole pictures."""
        ids, counts = np.unique(self._class_ids[self._class_ids != WHOLE], return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def find(self, class_id: int, *, limit: int = 10, diverse: bool = False, like: int | None = None) -> list[BankRow]:
        """Search the rows of a class; by default the largest regions come first.

        Args:
            class_id: The class, or WHOLE.
            limit: Maximum number of rows.
            diverse: Start with the largest region, then repeatedly take the row farthest from all chosen ones.
            like: A row of the class; the rows whose codes are nearest to it come first, without the row itself.

        Raises:
            ZooError: If the class has no rows, if ``diverse`` and ``like`` are both given, or if the row ``like`` is of
                another class.
        """
        rows = np.flatnonzero(self._class_ids == class_id)
        if not len(rows):
            raise ZooError(
                f"{self.path} has no rows of {self._called(class_id)}: give one of its classes ({self._contents()})."
            )
        if diverse and like is not None:
            raise ZooError("Diverse rows and rows like another one are two different searches: choose one of them.")
        rows = rows[np.argsort(-self._shares[rows], kind="stable")]
        if like is not None:
            self._check_row(like)
            if self._class_ids[like] != class_id:
                raise ZooError(
                    f"Row {like} of {self.path} is of the class {self._called(self._class_ids[like])}, but rows of "
                    f"{self._called(class_id)} were requested: give a row of that class."
                )
            rows = rows[rows != like]
            own, *others = self._vectors(np.array([like, *rows]))
            rows = rows[np.argsort([np.linalg.norm(other - own) for other in others], kind="stable")]
        elif diverse:
            rows = rows[_spread(self._vectors(rows), limit)]
        return self._rows(rows[:limit])

    def row(self, row: int) -> BankRow:
        """Read a row. Raises ZooError if it does not exist."""
        self._check_row(row)
        return self._rows(np.array([row]))[0]

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
        """The codes of rows of one class as vectors ``[n, entries]``."""
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
    """Farthest-point sampling: indices of at most ``count`` vectors ``[n, entries]``, starting with the first."""
    chosen = [0]
    distance = np.linalg.norm(vectors - vectors[0], axis=1)
    while len(chosen) < min(count, len(vectors)):
        distance[chosen] = -1
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(vectors - vectors[chosen[-1]], axis=1))
    return chosen
