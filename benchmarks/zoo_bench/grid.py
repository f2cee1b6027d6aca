"""Which cells the chosen tables need: one for every distinct run, however many rows show it."""

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
from zoo_bench.given import Given, matching
from zoo_bench.tables import Row, Table, settings_that_tell_rows_apart

STAND_IN = "procedural stand-in"
REAL = "real"
DATA = "data"
"""Label of the last row of a table of stand-ins, and what its cells have for a method: the drawing of the data itself,
which says how diverse pictures of one mask are there.
"""
KEY_DIGITS = 8
"""The key of a cell ends in so many hexadecimal digits."""


@dataclass
class Cell:
    """One run: a resolved config, trained once (or ``given`` as a checkpoint) and judged by ``metrics``.

    method: its name, or :data:`DATA`, which is not trained; its config then says which pictures. data: where the
    pictures come from, in words. folder: where the run and its results lie.
    """

    method: str
    config: Config
    data: str
    folder: Path
    given: Given | None = None
    metrics: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.folder.name

    @property
    def seed(self) -> int:
        return self.config.train.seed

    @property
    def checkpoint(self) -> Path:
        from zoo.engine.folder import RunFolder  # brings torch, as do the other imports inside of functions here

        return self.given.path if self.given is not None else RunFolder(self.folder).latest

    @property
    def results(self) -> Path:
        return self.folder / "results.jsonl"

    @property
    def title(self) -> str:
        return f"{self.method} on {self.config.data['name']}"

    def save(self) -> None:
        """Write ``cell.json``, from which a worker in another process, or on another machine, takes its work."""
        content = {
            "method": self.method,
            "config": self.config.to_dict(),
            "data": self.data,
            "given": None if self.given is None else str(self.given.path.resolve()),
            "metrics": self.metrics,
        }
        with atomic_file(self.folder / "cell.json") as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Cell:
        """The cell that :meth:`save` wrote to a folder. Raises ZooError where there is none."""
        path = folder / "cell.json"
        try:
            content = json.loads(path.read_text())
            config = Config.from_dict(content["config"], str(path))
            given = None if content["given"] is None else Given.read(Path(content["given"]))
            return cls(content["method"], config, content["data"], folder, given, content["metrics"])
        except (OSError, ValueError, KeyError) as error:
            raise ZooError(f"{path} does not describe a cell ({error}): run `zoo bench` again to write it.") from error


@dataclass(frozen=True)
class Place:
    """Where the numbers of one row come from: the keys of its cells, one per seed, or why it has none."""

    row: Row
    cells: tuple[str, ...] = ()
    failure: str = ""


@dataclass
class Grid:
    """profile: its name. tables: by name. places: for every table, one per row, in order. cells: by key, in the order
    of the tables; empty in a grid that was loaded, whose cells are read from their folders.
    """

    profile: str
    tables: dict[str, Table]
    places: dict[str, list[Place]] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """The sentences of the rows that have no cell, because their config cannot be made."""
        return [place.failure for places in self.places.values() for place in places if place.failure]

    def save(self, out: Path) -> None:
        """Write ``bench.json``, which ``zoo report`` reads; tables that an earlier command left there stay.

        Tables of another profile do not: their numbers cannot stand in one report.
        """
        path, tables = out / "bench.json", {}
        if path.is_file():
            try:
                before = Grid.load(out)
            except ZooError:  # damaged, so it is written anew
                before = Grid(self.profile, {})
            if before.profile == self.profile:
                tables = {name: (table, before.places[name]) for name, table in before.tables.items()}
        tables |= {name: (table, self.places[name]) for name, table in self.tables.items()}
        content = {
            name: {"table": asdict(table), "places": [asdict(place) for place in places]}
            for name, (table, places) in tables.items()
        }
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps({"profile": self.profile, "tables": content}, indent=2) + "\n")

    @classmethod
    def load(cls, out: Path) -> Grid:
        """What :meth:`save` wrote. Raises ZooError where there is none."""
        path = out / "bench.json"
        try:
            content = json.loads(path.read_text())
            grid = cls(content["profile"], {})
            for name, entry in content["tables"].items():
                grid.tables[name] = check_struct(entry["table"], Table, "", lambda key: str(path))
                grid.places[name] = [check_struct(p, Place, "", lambda key: str(path)) for p in entry["places"]]
            return grid
        except OSError as error:
            raise ZooError(f"There is no bench in {out}: give the folder that `zoo bench --out` wrote to.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ZooError(f"{path} is damaged ({error}): run the same `zoo bench` again to write it.") from error


@dataclass(frozen=True)
class Choices:
    """What the command chose for all rows alike; ``seeds`` runs of each row, from ``seed`` (None: the config's) on."""

    profile: str
    out: Path
    data_root: Path | None = None
    seed: int | None = None
    seeds: int = 1
    sets: Sequence[str] = ()


def lay_out(tables: Mapping[str, Table], choices: Choices, given: Sequence[Given] = ()) -> Grid:
    """The grid of the tables; stand-ins are drawn here where they are needed and missing.

    A table whose pictures are stand-ins has one more row than the file says, :data:`DATA`. Raises ZooError when no row
    at all has a config (a mistyped setting, say); other rows without one say so in their place.
    """
    grid = Grid(choices.profile, dict(tables))
    alone = len({table.root or table.dataset for table in tables.values()}) == 1
    for name, table in tables.items():
        places = grid.places[name] = []
        for row in table.rows:
            try:
                cells = _cells(row, table, tables, choices, given, alone=alone)
            except ZooError as error:
                places.append(Place(row, failure=str(error)))
            else:
                places.append(_place(row, cells, table, grid))
        drawn = [grid.cells[key] for place in places for key in place.cells if _is_stand_in(grid.cells[key])]
        if drawn:
            cells = {cell.seed: _of_data(cell, choices.out) for cell in drawn}
            places.append(_place(Row(DATA, DATA), list(cells.values()), table, grid))
    if not grid.cells:
        raise ZooError(grid.failures[0])
    return grid


def fitting(given: Sequence[Given], tables: Mapping[str, Table], choices: Choices) -> list[Given]:
    """Those of the checkpoints that fit a row of the tables. Raises ZooError where no row has a config at all."""
    fit: list[Given] = []
    failures: list[ZooError] = []
    for table in tables.values():
        for row in table.rows:
            try:
                config = _config(row, table, choices, alone=False)
            except ZooError as error:  # lay_out says so in its place, as long as there are others
                failures.append(error)
                continue
            telling = settings_that_tell_rows_apart(tables, row.method)
            fit += [one for one in given if one not in fit and one.fits(config, telling)]
    if len(failures) == sum(len(table.rows) for table in tables.values()):
        raise failures[0]
    return fit


def _place(row: Row, cells: Sequence[Cell], table: Table, grid: Grid) -> Place:
    """Put the cells of a row into the grid, or find them there."""
    for cell in cells:
        known = grid.cells.setdefault(cell.key, cell)
        known.metrics += [metric for metric in table.metrics if metric not in known.metrics]
    return Place(row, tuple(cell.key for cell in cells))


def _config(row: Row, table: Table, choices: Choices, *, alone: bool) -> Config:
    """The config of a row, before its pictures are looked for."""
    own = [f"method.{key}={json.dumps(value)}" for key, value in row.settings.items()]
    own += [f"data.{key}={json.dumps(value)}" for key, value in table.data.items()]
    root = None if choices.data_root is None else _root(choices.data_root, table.root or table.dataset, alone)
    if root is None and table.root is not None:
        root = Path("data") / table.root
    return resolve(row.method, table.dataset, choices.profile, [*own, *choices.sets], data_root=root, seed=choices.seed)


def _cells(
    row: Row, table: Table, tables: Mapping[str, Table], choices: Choices, given: Sequence[Given], *, alone: bool
) -> list[Cell]:
    """The cells of a row, one per seed."""
    from zoo.data.standin import standin

    config = _config(row, table, choices, alone=alone)
    found = matching(given, config, settings_that_tell_rows_apart(tables, row.method))
    if found is not None:
        shape = {key: found.config.data[key] for key in ("size", "classes")}
        config = replace(config, method=found.config.method, data={**config.data, **shape})
    if choices.data_root is None and config.data["standin"] is not None and table.root is None:
        folder = standin(config, choices.out / "data")
        config = replace(config, data={**config.data, "root": folder})
        numbers = config.data["standin"]
        data = f"{STAND_IN} ({numbers['train']} train, {numbers['test']} test, seed {numbers['seed']})"
        identity = folder.name
    else:
        data, identity = REAL, _identity(config, ("test",) if found else ("train", "test"))
    cells = []
    for seed in range(config.train.seed, config.train.seed + choices.seeds):
        seeded = replace(config, train=replace(config.train, seed=seed))
        key = f"{row.method}-{config.data['name']}-{_hash(seeded, identity, found)}"
        cells.append(Cell(row.method, seeded, data, choices.out / "cells" / key, found))
    return cells


def _is_stand_in(cell: Cell) -> bool:
    return cell.data.startswith(STAND_IN)


def _of_data(cell: Cell, out: Path) -> Cell:
    """The cell that draws the test masks of ``cell`` anew, in other styles."""
    identity = [Path(cell.config.data["root"]).name, cell.config.profile, cell.seed]
    key = f"{DATA}-{cell.config.data['name']}-{_digits(identity)}"
    return Cell(DATA, cell.config, cell.data, out / "cells" / key)


def _root(root: Path, name: str, alone: bool) -> Path:
    """The folder of one dataset: ``root/name``, or ``root`` itself where only one dataset is wanted."""
    return root if alone and not (root / name).is_dir() and root.is_dir() else root / name


def _identity(config: Config, splits: Sequence[str]) -> str:
    """Digits that tell collections of pictures apart, wherever they lie. Raises ZooError where a split has none."""
    dataset, root = DATASETS.get(config.data["name"]), Path(config.data["root"])
    names = {}
    for split in splits:
        names[split] = [pair.name for pair in dataset.listing(root, split).pairs]
        if not names[split]:
            raise ZooError(dataset.nothing_at(root, split))
    return _digits(names)


def _hash(config: Config, identity: str, given: Given | None) -> str:
    """Digits that change with whatever changes the numbers of a cell; not with places or how it is watched."""
    from zoo.engine.folder import RESUMABLE_OVERRIDES

    content = config.to_dict()
    for section, _, key in (name.partition(".") for name in RESUMABLE_OVERRIDES - {"train.iterations", "train.epochs"}):
        content[section].pop(key, None)
    content["data"]["pictures"] = identity
    content["code"] = {"zoo": zoo.__version__, "plugin": _source(config.method["name"])}
    return _digits([content, None if given is None else given.sha256])


@cache
def _source(method: str) -> str:
    """Digits that change with any line of the plugin that brings a method."""
    cls = METHODS.get(method)
    folder, module = home(cls), sys.modules[cls.__module__]
    assert folder is not None and module.__file__ is not None, "a method comes from a file"
    files = sorted(folder.rglob("*.py")) if module.__package__ else [Path(module.__file__)]
    return _digits({str(path.relative_to(folder)): path.read_text() for path in files})


def _digits(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:KEY_DIGITS]
