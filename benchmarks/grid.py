"""Which cells the chosen tables need: one for every distinct run, however many rows show it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.given import Given, matching
from benchmarks.tables import Row, Table, settings_that_tell_rows_apart
from zoo.config import Config, resolve
from zoo.data.standin import standin
from zoo.engine.folder import FREE, RunFolder
from zoo.errors import ZooError
from zoo.registry import DATASETS

STAND_IN = "procedural stand-in"
REAL = "real"


@dataclass
class Cell:
    """One run: a resolved config, trained once (or ``given`` as a checkpoint) and judged by ``metrics``.

    data: where its pictures come from, in words. folder: where the run and its results lie.
    """

    config: Config
    data: str
    folder: Path
    given: Given | None
    metrics: list[str] = field(default_factory=list)

    @property
    def checkpoint(self) -> Path:
        return self.given.path if self.given is not None else RunFolder(self.folder).latest

    @property
    def results(self) -> Path:
        return self.folder / "results.jsonl"

    @property
    def title(self) -> str:
        return f"{self.config.method['name']} on {self.config.data['name']}"


@dataclass
class Grid:
    """cells: by key, in the order of the tables. places: the cell of each row, by (table, number of the row).

    failures: the sentence for each row that has no cell, because its config cannot be made.
    """

    cells: dict[str, Cell] = field(default_factory=dict)
    places: dict[tuple[str, int], str] = field(default_factory=dict)
    failures: dict[tuple[str, int], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Choices:
    """What the command chose for all rows alike."""

    profile: str
    out: Path
    data_root: Path | None = None
    seed: int | None = None
    sets: Sequence[str] = ()


def lay_out(tables: Mapping[str, Table], choices: Choices, given: Sequence[Given] = ()) -> Grid:
    """The grid of the tables; stand-ins are drawn here where they are needed and missing.

    Raises ZooError when no row at all has a config (a mistyped setting, say); single rows end up in ``failures``.
    """
    grid = Grid()
    datasets = {table.dataset for table in tables.values()}
    for name, table in tables.items():
        for number, row in enumerate(table.rows):
            try:
                cell = _cell(row, table, tables, choices, given, alone=len(datasets) == 1)
            except ZooError as error:
                grid.failures[name, number] = str(error)
                continue
            known = grid.cells.setdefault(cell.folder.name, cell)
            known.metrics += [metric for metric in table.metrics if metric not in known.metrics]
            grid.places[name, number] = cell.folder.name
    if not grid.cells:
        raise ZooError(next(iter(grid.failures.values())))
    return grid


def _cell(
    row: Row, table: Table, tables: Mapping[str, Table], choices: Choices, given: Sequence[Given], *, alone: bool
) -> Cell:
    own = [f"method.{key}={json.dumps(value)}" for key, value in row.settings.items()]
    root = None if choices.data_root is None else _root(choices.data_root, table.dataset, alone)
    config = resolve(
        row.method, table.dataset, choices.profile, [*own, *choices.sets], data_root=root, seed=choices.seed
    )
    found = matching(given, config, settings_that_tell_rows_apart(tables, row.method))
    if found is not None:
        shape = {key: found.config.data[key] for key in ("size", "classes")}
        config = replace(config, method=found.config.method, data={**config.data, **shape})
    if root is None and config.data["standin"] is not None:
        folder = standin(config, choices.out / "data")
        config = replace(config, data={**config.data, "root": folder})
        numbers = config.data["standin"]
        data = f"{STAND_IN} ({numbers['train']} train, {numbers['test']} test, seed {numbers['seed']})"
        identity = folder.name
    else:
        data, identity = REAL, _identity(config, ("test",) if found else ("train", "test"))
    key = f"{config.method['name']}-{config.data['name']}-{_hash(config, identity, found)}"
    return Cell(config, data, choices.out / "cells" / key, found)


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
    content = config.to_dict()
    for section, _, key in (name.partition(".") for name in FREE - {"train.iterations", "train.epochs"}):
        content[section].pop(key, None)
    content["data"]["pictures"] = identity
    return _digits([content, None if given is None else given.sha256])


def _digits(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
