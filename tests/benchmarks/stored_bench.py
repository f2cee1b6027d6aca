"""A bench folder as a finished bench leaves it, with numbers that the test chooses and pictures that are drawn.

Cells are those of the real grid. Their pictures come from the generator of the stand-ins, in another style for
every cell, where a method would have synthesised them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from zoo import factory
from zoo.config import is_toy
from zoo.files import write_text
from zoo.metrics import parse_metric, results
from zoo.metrics.results import Result
from zoo_bench.cell import Cell
from zoo_bench.grid import BenchOptions, Grid, build_grid
from zoo_bench.interventions import Intervention
from zoo_bench.oracle import OraclePictures
from zoo_bench.showcase import Showcase
from zoo_bench.tables import TABLES, choose, read

SETS = ("train.iterations=20", "data.size=[32, 32]", "data.standin={train: 2, test: 3, seed: 0}")
RECORD = '{"iterations": 20, "trained": 20, "iterations_per_epoch": 10, "seconds": 50.0, "device": "a CPU"}'

WARNING = "FID from 3 pictures, fewer than its 2048 dimensions"

Value = Callable[[Cell, str], float | None]
"""The number of a cell in a metric."""


def lay(out: Path, tables: Sequence[str], *, profile: str = "smoke", seeds: int = 1, source: Path = TABLES) -> Grid:
    """The grid of the tables, saved to ``out`` with its cells, none of which has run."""
    grid = build_grid(
        choose(read(source), tables, toy=is_toy(profile)), BenchOptions(profile, out, seeds=seeds, sets=SETS)
    )
    grid.save(out)
    for cell in grid.cells.values():
        cell.save()
    return grid


def by_label(grid: Grid, table: str, numbers: Mapping[str, Sequence[float | None]]) -> Value:
    """The numbers of a table's rows, in the order of its metrics; later seeds have a thousandth more each."""
    metrics = grid.tables[table].metrics
    first = min(cell.seed for cell in grid.cells.values())
    found = {
        key: dict(zip(metrics, numbers[one.row.label], strict=True))
        for one in grid.rows[table]
        for key in one.cells
        if one.row.label in numbers
    }

    def value(cell: Cell, metric: str) -> float | None:
        number = found[cell.key][metric]
        return None if number is None else number + 0.001 * (cell.seed - first)

    return value


def finish(cell: Cell, value: Value, *, vgg: str = "vgg19", network: str = "alexnet (ImageNet)") -> None:
    """Leave what a worker leaves in the folder of a cell that has run to its end."""
    metrics = {metric: value(cell, metric) for metric in cell.metrics}
    results.write(
        cell.files.results_file, [_result(cell, metric, number, vgg, network) for metric, number in metrics.items()]
    )
    pictures = _pictures(cell, metrics)
    pictures.to_parquet(cell.folder / "pictures.parquet", index=False)
    if cell.source.trains:
        write_text(cell.folder / "record.json", RECORD)
    source = OraclePictures(cell.config, seed=sum(cell.key.encode()))
    showcase = Showcase.collect(source, factory.dataset(cell.config, "test"), pictures)
    if cell.source.name == "clvae":
        showcase = replace(showcase, interventions=tuple(_intervention(showcase, axis) for axis in ("layer", "class")))
    showcase.save(cell.folder / "showcase.npz")


def _result(cell: Cell, metric: str, value: float | None, vgg: str, network: str) -> Result:
    has = value is not None
    protocol = {
        "dataset": cell.config.data["name"],
        "split": "test",
        "classes": cell.config.data["classes"],
        "resolution": "{}x{}".format(*cell.config.data["size"]),
        "images": 3,
        "codes": parse_metric(metric).cls.codes,
        "samples": parse_metric(metric).samples,
        "network": network,
    }
    return Result(
        metric=metric,
        value=value,
        better=parse_metric(metric).cls.better,
        protocol=protocol if has else {},
        data=cell.data,
        method=cell.source.name,
        settings={},
        training={"iterations": 20, "vgg": vgg, "device": "a CPU"} if cell.source.trains else {},
        seed=cell.seed,
        profile=cell.config.profile or "",
        config="0" * 8,
        checkpoint="1" * 12,
        device="a CPU",
        seconds=1.0,
        warnings=(WARNING,) * ("fid" in metric) if has else (f"{cell.source.name} has no codes to draw",),
        versions={"torch": "2.x"},
    )


def _pictures(cell: Cell, metrics: Mapping[str, float | None]) -> pd.DataFrame:
    """Numbers of single pictures around the number of all."""
    pairs = factory.dataset(cell.config, "test").pairs
    around = np.random.default_rng(sum(cell.key.encode())).normal(1, 0.15, len(pairs))
    rows = [
        (index, pair.name, metric, value * around[index])
        for metric, value in metrics.items()
        if value is not None and "fid" not in metric
        for index, pair in enumerate(pairs)
    ]
    return pd.DataFrame(rows, columns=["index", "name", "metric", "value"])


def _intervention(showcase: Showcase, axis: str) -> Intervention:
    parts = [f"{axis} {n + 1}" for n in range(3)]
    redrawn = np.stack([np.roll(showcase.samples[0][:4], n, axis=0) for n in range(3)])
    return Intervention(axis, int(showcase.first.index[0]), showcase.samples[0][-1], np.array(parts), redrawn)
