"""Charts: histograms of the numbers of single pictures, and numbers against the number of layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zoo.metrics import parse_metric
from zoo_bench.cell import CellFolder
from zoo_bench.report.figures.sheet import DPI, FONT, WIDTH
from zoo_bench.results import Results

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F00")
"""Okabe and Ito's, distinct for any colour vision; line styles differ, too."""
STYLES = ("-", "--", "-.", ":")
OVERLAID = 4
"""Histograms in one chart; more rows are spread over several charts."""
BINS, FEW = 24, 50
"""Bins of a chart, half as many where a row has fewer masks than this."""


def histograms(results: Results, cells: Mapping[str, CellFolder]) -> Figure | None:
    """Per metric of random samples one column: the shares of the test masks by their number, methods overlaid.

    The row of the data's generator is the grey background of every chart.

    Args:
        results: The results of one table.
        cells: The cell of each row, by label.
    """
    metrics = [metric for metric in results.metrics() if parse_metric(metric.name).cls.codes == "random"]
    generators = results.generators()
    values = {m.name: {row: _of_pictures(cell, m.name) for row, cell in cells.items()} for m in metrics}
    methods = [row for row in cells if row not in generators and any(len(values[m.name][row]) for m in metrics)]
    if not methods:
        return None
    charts = -(-len(methods) // OVERLAID)
    groups = [[methods[n] for n in part] for part in np.array_split(np.arange(len(methods)), charts)]
    figure = Figure(figsize=(WIDTH, 3.1 * charts), dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.subplots(charts, len(metrics), squeeze=False, sharex="col")
    for column, metric in enumerate(metrics):
        of_rows = values[metric.name]
        known = [found for found in of_rows.values() if len(found)]
        edges = _edges(known) if known else np.linspace(0, 1, 3)
        for number, group in enumerate(groups):
            chart = axes[number, column]
            for row in generators & of_rows.keys():
                _shares(chart, of_rows[row], edges, label=row, fill=True, color="#D8D8D8")
            for position, row in enumerate(group):
                style, colour = STYLES[position % len(STYLES)], COLOURS[methods.index(row) % len(COLOURS)]
                _shares(chart, of_rows[row], edges, label=row, color=colour, linestyle=style, linewidth=1.8)
            _label(chart, metric.title if number + 1 == charts else "", "share of masks" if column == 0 else "")
    entries: dict[str, Artist] = {}
    for chart in axes.flat:
        handles, labels = chart.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    figure.legend(entries.values(), entries.keys(), fontsize=FONT, ncols=4, frameon=False, loc="outside upper center")
    return figure


def _shares(chart: Axes, values: NDArray[np.float64], edges: NDArray[np.float64], **style: Any) -> None:
    if not len(values):
        return
    counts, _ = np.histogram(values, edges)
    chart.stairs(counts / len(values), edges, **style)


def _edges(values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Bins over everything that is overlaid; fewer for few pictures."""
    together, fewest = np.concatenate(values), min(map(len, values))
    low, high = float(together.min()), float(together.max())
    margin = max((high - low) * 0.02, 1e-4)
    return np.linspace(low - margin, high + margin, (BINS if fewest >= FEW else BINS // 2) + 1)


def _of_pictures(cell: CellFolder, metric: str) -> NDArray[np.float64]:
    return cell.pictures.loc[cell.pictures["metric"] == metric, "value"].to_numpy(np.float64)


def against_layers(results: Results, cells: Mapping[str, CellFolder]) -> Figure | None:
    """One chart per metric, and one of the training's seconds per epoch, over the number of layers."""
    finished = set(results.loc[results["value"].notna() & ~results["generator"], "row"])
    counts = {row: count for row, cell in cells.items() if row in finished and (count := layers(cell)) is not None}
    if len(counts) < 2:
        return None
    metrics = results.metrics()
    figure = Figure(figsize=(6.0, 2.0 * (len(metrics) + 1)), dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.subplots(len(metrics) + 1, 1, sharex=True)
    x = list(counts.values())
    for chart, metric, colour in zip(axes, metrics, COLOURS, strict=False):
        values = results[results["metric"] == metric.name].groupby("row")["value"]
        means, spread = values.mean().astype(np.float64), values.std().fillna(0.0).astype(np.float64)
        rows = list(counts)
        _curve(chart, x, np.array(means[rows], np.float64), np.array(spread[rows], np.float64), colour)
        _label(chart, "", metric.title.replace(" GT-", "\nGT-"))
        for row in results.loc[results["generator"] & results["value"].notna(), "row"].unique():
            chart.axhline(means[row], color="#888888", linewidth=1, linestyle=":")
            chart.annotate(row, (x[0], means[row]), color="#666666", fontsize=FONT - 1.5, va="bottom")
    seconds = np.array([seconds_per_epoch(cells[row]) or np.nan for row in counts], float)
    _curve(axes[-1], x, seconds, np.zeros(len(seconds)), COLOURS[len(metrics)])
    _label(axes[-1], "number of layers L", "seconds\nper epoch")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1].set_ylim(0, np.nanmax(seconds) * 1.15 if np.isfinite(seconds).any() else 1)
    return figure


def _curve(chart: Axes, x: Sequence[int], y: NDArray[np.float64], spread: NDArray[np.float64], colour: str) -> None:
    bars = spread if spread.any() else None
    chart.errorbar(np.array(x, float), y, yerr=bars, color=colour, marker="o", linewidth=1.8, capsize=3)


def _label(chart: Axes, x: str, y: str) -> None:
    chart.set_xlabel(x, fontsize=FONT)
    chart.set_ylabel(y, fontsize=FONT)
    chart.tick_params(labelsize=FONT - 1.5)
    chart.spines[["top", "right"]].set_visible(False)


def layers(cell: CellFolder) -> int | None:
    """The number of layers of a cell's method, or None where it has no such setting."""
    count = cell.config.get("method", {}).get("layers")
    return None if count is None else int(count)


def seconds_per_epoch(cell: CellFolder) -> float | None:
    """Wall-clock seconds of training per epoch; None where the run did not record them."""
    record = cell.record
    done = record.get("trained") or record.get("iterations")
    if not done or "seconds" not in record or "iterations_per_epoch" not in record:
        return None
    return float(record["seconds"] / done * record["iterations_per_epoch"])


def devices(cells: Iterable[CellFolder]) -> list[str]:
    """What the cells were trained on."""
    return sorted({str(cell.record["device"]) for cell in cells if cell.record.get("device")})
