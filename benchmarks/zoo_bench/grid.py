"""The cells of the chosen tables: one for every distinct run, even if several rows show it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import zoo
from zoo.config import Config, resolve
from zoo.config.values import check_struct
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo.plugins import home
from zoo.registries import DATASETS, METHODS
from zoo_bench.cell import Cell
from zoo_bench.sources import DataGenerator, ExternalCheckpoint, TrainedHere, matching
from zoo_bench.tables import Row, Table

STAND_IN = "procedural stand-in"
REAL = "real"


@dataclass(frozen=True)
class RowCells:
    """The keys of the cells of a row, one per seed, or the reason why there are none.

    ``generator`` marks the row of the data generator, which is not compared with the methods.
    """

    row: Row
    cells: tuple[str, ...] = ()
    failure: str = ""
    generator: bool = False


@dataclass
class Grid:
    """All rows of the tables of a bench, in order, and their cells.

    ``cells`` (by key, in the order of the tables) is empty in a loaded grid: they are read from their folders.
    """

    profile: str
    tables: dict[str, Table]
    rows: dict[str, list[RowCells]] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """Why rows have no cells: their configs are not valid."""
        return [one.failure for rows in self.rows.values() for one in rows if one.failure]

    def save(self, out: Path) -> None:
        """Write ``bench.json``. Tables of earlier commands are kept, unless they have another profile."""
        path, tables = out / "bench.json", {}
        if path.is_file():
            try:
                before = Grid.load(out)
            except ZooError:  # damaged, so it is overwritten
                before = Grid(self.profile, {})
            if before.profile == self.profile:
                tables = {name: (table, before.rows[name]) for name, table in before.tables.items()}
        tables |= {name: (table, self.rows[name]) for name, table in self.tables.items()}
        content = {
            name: {"table": asdict(table), "rows": [asdict(one) for one in rows]}
            for name, (table, rows) in tables.items()
        }
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps({"profile": self.profile, "tables": content}, indent=2) + "\n")

    @classmethod
    def load(cls, out: Path) -> Grid:
        """Read the output of :meth:`save`. Raises ZooError if it is missing or invalid."""
        path = out / "bench.json"
        try:
            content = json.loads(path.read_text())
            grid = cls(content["profile"], {})
            for name, entry in content["tables"].items():
                grid.tables[name] = check_struct(entry["table"], Table, "", lambda key: str(path))
                grid.rows[name] = [check_struct(one, RowCells, "", lambda key: str(path)) for one in entry["rows"]]
            return grid
        except OSError as error:
            raise ZooError(f"There is no bench in {out}: give the --out folder of `zoo bench`.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ZooError(f"{path} is damaged ({error}): run the same `zoo bench` again to write it.") from error


@dataclass(frozen=True)
class BenchOptions:
    """Options that apply to all rows.

    ``seeds`` runs of each row start at ``seed`` (None: the config's). ``data_root`` is the folder of all datasets, or
    of the only one that the tables need. ``sets`` are further settings (``"train.iterations=5"``).
    """

    profile: str
    out: Path
    data_root: Path | None = None
    seed: int | None = None
    seeds: int = 1
    sets: Sequence[str] = ()


def build_grid(
    tables: Mapping[str, Table], options: BenchOptions, checkpoints: Sequence[ExternalCheckpoint] = ()
) -> Grid:
    """Build the grid of the tables. Missing stand-ins are generated.

    Tables of stand-ins have an additional row: that of :class:`DataGenerator`.

    Raises:
        ZooError: Where no row at all has a valid config (a mistyped setting, say); single rows without one carry
            the reason as their ``failure``.
    """
    grid = Grid(options.profile, dict(tables))
    alone = len({table.root or table.dataset for table in tables.values()}) == 1
    for name, table in tables.items():
        rows = grid.rows[name] = []
        for row in table.rows:
            try:
                cells = _cells(row, table, tables, options, checkpoints, alone=alone)
            except ZooError as error:
                rows.append(RowCells(row, failure=str(error)))
            else:
                rows.append(RowCells(row, _add(cells, table, grid)))
        drawn = [grid.cells[key] for one in rows for key in one.cells if grid.cells[key].data.startswith(STAND_IN)]
        if drawn:
            by_seed = {cell.seed: _generator_cell(cell, options.out) for cell in drawn}
            label = DataGenerator.name
            rows.append(RowCells(Row(label, label), _add(list(by_seed.values()), table, grid), generator=True))
    if not grid.cells:
        raise ZooError(grid.failures[0])
    return grid


def used_checkpoints(
    checkpoints: Sequence[ExternalCheckpoint], tables: Mapping[str, Table], options: BenchOptions
) -> list[ExternalCheckpoint]:
    """The checkpoints that fit a row of the tables. Raises ZooError if no row has a valid config."""
    used: list[ExternalCheckpoint] = []
    failures: list[ZooError] = []
    for table in tables.values():
        for row in table.rows:
            try:
                config = _config(row, table, options, alone=False)
            except ZooError as error:  # build_grid reports it with its row, if other rows have a config
                failures.append(error)
                continue
            keys = distinguishing_settings(tables, row.method)
            used += [one for one in checkpoints if one not in used and one.fits(config, keys)]
    if len(failures) == sum(len(table.rows) for table in tables.values()):
        raise failures[0]
    return used


def distinguishing_settings(tables: Mapping[str, Table], method: str) -> set[str]:
    """The settings of a method that any row sets; runs that agree in these belong to the same row."""
    return {key for table in tables.values() for row in table.rows if row.method == method for key in row.settings}


def _add(cells: Sequence[Cell], table: Table, grid: Grid) -> tuple[str, ...]:
    """Add the cells of a row to the grid unless they exist; returns their keys."""
    for cell in cells:
        known = grid.cells.setdefault(cell.key, cell)
        known.metrics += [metric for metric in table.metrics if metric not in known.metrics]
    return tuple(cell.key for cell in cells)


def _config(row: Row, table: Table, options: BenchOptions, *, alone: bool) -> Config:
    """The config of a row, before its pictures are looked for."""
    own = [f"method.{key}={json.dumps(value)}" for key, value in row.settings.items()]
    own += [f"data.{key}={json.dumps(value)}" for key, value in table.data.items()]
    root = None if options.data_root is None else _root(options.data_root, table.root or table.dataset, alone)
    if root is None and table.root is not None:
        root = Path("data") / table.root
    return resolve(row.method, table.dataset, options.profile, [*own, *options.sets], data_root=root, seed=options.seed)


def _cells(
    row: Row,
    table: Table,
    tables: Mapping[str, Table],
    options: BenchOptions,
    checkpoints: Sequence[ExternalCheckpoint],
    *,
    alone: bool,
) -> list[Cell]:
    """The cells of a row, one per seed."""
    from zoo.data.standin import standin

    config = _config(row, table, options, alone=alone)
    found = matching(checkpoints, config, distinguishing_settings(tables, row.method))
    if found is not None:
        shape = {key: found.config.data[key] for key in ("size", "classes")}
        config = replace(config, method=found.config.method, data={**config.data, **shape})
    if options.data_root is None and config.data["standin"] is not None and table.root is None:
        folder = standin(config, options.out / "data")
        config = replace(config, data={**config.data, "root": folder})
        numbers = config.data["standin"]
        data = f"{STAND_IN} ({numbers['train']} train, {numbers['test']} test, seed {numbers['seed']})"
        identity = folder.name
    else:
        data, identity = REAL, _pictures_hash(config, ("test",) if found else ("train", "test"))
    cells = []
    for seed in range(config.train.seed, config.train.seed + options.seeds):
        seeded = replace(config, train=replace(config.train, seed=seed))
        key = f"{row.method}-{config.data['name']}-{_run_hash(seeded, identity, found)}"
        cells.append(Cell(found or TrainedHere(row.method), seeded, data, options.out / "cells" / key))
    return cells


def _generator_cell(cell: Cell, out: Path) -> Cell:
    """The cell that renders the test masks of ``cell`` in other styles."""
    identity = [Path(cell.config.data["root"]).name, cell.config.profile, cell.seed]
    key = f"{DataGenerator.name}-{cell.config.data['name']}-{_hash(identity)}"
    return Cell(DataGenerator(), cell.config, cell.data, out / "cells" / key)


def _root(root: Path, name: str, alone: bool) -> Path:
    """The folder of one dataset: ``root/name``, or ``root`` itself if only one dataset is needed."""
    return root if alone and not (root / name).is_dir() and root.is_dir() else root / name


def _pictures_hash(config: Config, splits: Sequence[str]) -> str:
    """Hash of the names of the pictures, independent of the folder. Raises ZooError if a split has none."""
    dataset, root = DATASETS.get(config.data["name"]), Path(config.data["root"])
    names = {}
    for split in splits:
        names[split] = [pair.name for pair in dataset.listing(root, split).pairs]
        if not names[split]:
            raise ZooError(dataset.nothing_at(root, split))
    return _hash(names)


def _run_hash(config: Config, pictures: str, checkpoint: ExternalCheckpoint | None) -> str:
    """Hash of everything that affects the numbers of a cell, without paths, logging and checkpoint intervals."""
    from zoo.engine.folder import RESUMABLE_OVERRIDES

    content = config.to_dict()
    for section, _, key in (name.partition(".") for name in RESUMABLE_OVERRIDES - {"train.iterations", "train.epochs"}):
        content[section].pop(key, None)
    content["data"]["pictures"] = pictures
    content["code"] = {"zoo": zoo.__version__, "plugin": _source_hash(config.method["name"])}
    return _hash([content, None if checkpoint is None else checkpoint.sha256])


@cache
def _source_hash(method: str) -> str:
    """Hash of the source files of a method's plugin."""
    cls = METHODS.get(method)
    folder, module = home(cls), sys.modules[cls.__module__]
    assert folder is not None and module.__file__ is not None, "a method comes from a file"
    files = sorted(folder.rglob("*.py")) if module.__package__ else [Path(module.__file__)]
    return _hash({str(path.relative_to(folder)): path.read_text() for path in files})


def _hash(content: Any) -> str:
    """The first eight hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
