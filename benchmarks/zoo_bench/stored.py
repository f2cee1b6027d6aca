"""What a bench folder holds, as the report reads it: no model is loaded, and nothing needs to be finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo_bench.grid import DATA, STAND_IN, Grid, Place
from zoo_bench.tables import Row, Table

if TYPE_CHECKING:
    import pandas as pd

    from zoo.metrics.results import Result
    from zoo_bench.showcase import Showcase


@dataclass(frozen=True)
class StoredCell:
    """The files of one cell, each read when it is first asked for; what is missing or damaged is empty.

    failures: sentences about damaged files, filled as they are read. Only results, pictures and showcase need pandas
    and torch.
    """

    folder: Path

    @property
    def key(self) -> str:
        return self.folder.name

    @cached_property
    def failures(self) -> list[str]:
        return []

    @cached_property
    def content(self) -> dict[str, Any]:
        """``cell.json``."""
        return self._json("cell.json")

    @cached_property
    def record(self) -> dict[str, Any]:
        """``record.json`` of the training."""
        return self._json("record.json")

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config, as plain values; empty where the cell was never laid out."""
        config: dict[str, Any] = self.content.get("config", {})
        return config

    @property
    def method(self) -> str:
        return str(self.content.get("method", ""))

    @property
    def seed(self) -> int:
        return int(self.config.get("train", {}).get("seed", 0))

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the pictures."""
        size = self.config.get("data", {}).get("size")
        return None if size is None else (int(size[0]), int(size[1]))

    @property
    def drawn(self) -> bool:
        """Whether the pictures are procedural."""
        return str(self.content.get("data", "")).startswith(STAND_IN)

    @property
    def length(self) -> str:
        """How long the training was to be, in words; empty where there is none."""
        train = self.config.get("train", {})
        if not train or self.method == DATA or self.content.get("given"):
            return ""
        iterations = self.record.get("iterations") or train.get("iterations")
        if iterations is not None:
            return f"{iterations} iterations"
        decay = train.get("decay_epochs")
        return f"{train.get('epochs')}{f' + {decay}' if decay else ''} epochs"

    @property
    def log(self) -> Path:
        """The losses of the training, a line of JSON every few iterations."""
        return self.folder / "log.jsonl"

    @property
    def saved(self) -> int | None:
        """The iteration of the newest checkpoint, as its name says; None where there is no checkpoint."""
        numbers = [int(path.stem.removeprefix("iter_")) for path in self.folder.glob("iter_*.pth")]
        return max(numbers, default=0) if (self.folder / "latest.pth").is_file() else None

    @cached_property
    def values(self) -> dict[str, float | None]:
        """The numbers in ``results.jsonl`` by metric, without what is said of them."""
        path = self.folder / "results.jsonl"

        def read() -> dict[str, float | None]:
            entries = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
            return {entry["metric"]: entry["value"] for entry in entries}

        found: dict[str, float | None] = self._guarded(read, {}) if path.is_file() else {}
        return found

    @cached_property
    def results(self) -> dict[str, Result]:
        """By metric."""
        from zoo.metrics import results

        found: list[Result] = self._guarded(lambda: results.read(self.folder / "results.jsonl"), [])
        return {result.metric: result for result in found}

    @cached_property
    def failure(self) -> str:
        """Why the last attempt failed; empty where it did not."""
        return str(self._json("failed.json").get("reason", ""))

    @cached_property
    def progress(self) -> str:
        """What the worker was doing when it last said so, as "training, 40 of 100"."""
        state = self._json("state.json")
        if state.get("phase") not in ("training", "evaluating"):
            return ""
        return f"{state['phase']}, {state.get('done', 0)} of {state.get('total', '?')}"

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """Per-picture numbers, with the columns index, name, metric, value."""
        import pandas as pd

        empty = pd.DataFrame({"index": [], "name": [], "metric": [], "value": []})
        path = self.folder / "pictures.parquet"
        return empty if not path.is_file() else self._guarded(lambda: pd.read_parquet(path), empty)

    @cached_property
    def showcase(self) -> Showcase | None:
        from zoo_bench.showcase import Showcase

        path = self.folder / "showcase.npz"
        return None if not path.is_file() else self._guarded(lambda: Showcase.load(path), None)

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return {} if not path.is_file() else self._guarded(lambda: dict(json.loads(path.read_text())), {})

    def _guarded(self, read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except ZooError as error:
            self.failures.append(str(error))
        except (OSError, ValueError, TypeError, KeyError) as error:
            self.failures.append(f"A file of the cell {self.key} cannot be read ({error}): run `zoo bench` again.")
        return otherwise


@dataclass(frozen=True)
class StoredRow:
    """A row of a table with its cells, one per seed; failure: why it has none."""

    row: Row
    cells: tuple[StoredCell, ...]
    failure: str

    @property
    def label(self) -> str:
        return self.row.label

    @property
    def is_data(self) -> bool:
        """Whether it is the row of the data's own drawing, which competes with nobody."""
        return self.row.method == DATA

    @property
    def first(self) -> StoredCell | None:
        """The cell that figures show."""
        return self.cells[0] if self.cells else None


@dataclass(frozen=True)
class StoredTable:
    """One table of the bench with its rows in order."""

    name: str
    table: Table
    profile: str
    rows: tuple[StoredRow, ...]

    @property
    def cells(self) -> list[StoredCell]:
        """The cells that were laid out."""
        return [cell for row in self.rows for cell in row.cells if cell.content]

    @property
    def subject(self) -> str:
        """What its pictures are called."""
        return _SUBJECTS.get(self.table.dataset, self.table.title.partition(",")[0])


_SUBJECTS = {"ade20k": "ADE20K", "deepfashion": "DeepFashion", "gta5": "GTA-5"}


def load(out: Path) -> list[StoredTable]:
    """The tables of a bench folder. Raises ZooError where there is no bench."""
    grid = Grid.load(out)
    known: dict[str, StoredCell] = {}

    def row(place: Place) -> StoredRow:
        cells = [known.setdefault(key, StoredCell(out / "cells" / key)) for key in place.cells]
        return StoredRow(place.row, tuple(cells), place.failure)

    return [
        StoredTable(name, table, grid.profile, tuple(map(row, grid.places[name])))
        for name, table in grid.tables.items()
    ]
