"""Charts: histograms of the numbers of pictures (10), and numbers against the number of layers (11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zoo_bench.report.figures.sheet import DPI, FONT, WIDTH
from zoo_bench.report.frames import Frame
from zoo_bench.stored import StoredCell, StoredRow

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F00")
"""Okabe and Ito's, which people with any colour vision can tell apart; the styles of the lines help as well."""
STYLES = ("-", "--", "-.", ":")
OVERLAID = 4
"""Histograms in one chart; more rows are dealt out over charts one below the other."""
BINS, FEW = 24, 50
"""Bins of a chart, half as many where a row has fewer masks than this."""


def histograms(frame: Frame) -> Figure | None:
    """Per metric of random samples one column: the shares of the test masks by their number, methods overlaid.

    The row of the data's own drawing is the grey ground of every chart.
    """
    metrics = [name for name, metric in frame.metrics.items() if metric.cls.codes == "random"]
    values = {metric: [(line.row, _of_pictures(line.row, metric)) for line in frame.lines] for metric in metrics}
    rows = [line.row for line in frame.lines if any(len(v) for m in metrics for r, v in values[m] if r is line.row)]
    methods = [row for row in rows if not row.is_data]
    if not methods:
        return None
    charts = -(-len(methods) // OVERLAID)
    groups = [[methods[n] for n in part] for part in np.array_split(np.arange(len(methods)), charts)]
    figure = Figure(figsize=(WIDTH, 3.1 * charts), dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.subplots(charts, len(metrics), squeeze=False, sharex="col")
    for column, metric in enumerate(metrics):
        known = [v for _, v in values[metric] if len(v)]
        edges = _edges(known) if known else np.linspace(0, 1, 3)
        for number, group in enumerate(groups):
            chart = axes[number, column]
            for row, found in values[metric]:
                if row.is_data and len(found):
                    _shares(chart, found, edges, label=row.label, fill=True, color="#D8D8D8")
            for position, row in enumerate(group):
                found = next(v for r, v in values[metric] if r is row)
                if len(found):
                    style, colour = STYLES[position % len(STYLES)], COLOURS[methods.index(row) % len(COLOURS)]
                    _shares(chart, found, edges, label=row.label, color=colour, linestyle=style, linewidth=1.8)
            _label(chart, frame.title(metric) if number + 1 == charts else "", "share of masks" if column == 0 else "")
    entries: dict[str, Artist] = {}
    for chart in axes.flat:
        handles, labels = chart.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    figure.legend(entries.values(), entries.keys(), fontsize=FONT, ncols=4, frameon=False, loc="outside upper center")
    return figure


def _shares(chart: Axes, values: NDArray[np.float64], edges: NDArray[np.float64], **style: Any) -> None:
    counts, _ = np.histogram(values, edges)
    chart.stairs(counts / len(values), edges, **style)


def _edges(values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Bins over everything that is overlaid; fewer for few pictures."""
    together, fewest = np.concatenate(values), min(map(len, values))
    low, high = float(together.min()), float(together.max())
    margin = max((high - low) * 0.02, 1e-4)
    return np.linspace(low - margin, high + margin, (BINS if fewest >= FEW else BINS // 2) + 1)


def _of_pictures(row: StoredRow, metric: str) -> NDArray[np.float64]:
    if row.first is None:
        return np.zeros(0)
    pictures = row.first.pictures
    return pictures.loc[pictures["metric"] == metric, "value"].to_numpy(np.float64)


def against_layers(frame: Frame) -> Figure | None:
    """One chart per metric, and one of the training's seconds per epoch, over the number of layers."""
    points = [(layers(line.row), line) for line in frame.lines if layers(line.row) is not None]
    points = [(count, line) for count, line in points if any(n.mean is not None for n in line.numbers.values())]
    if len(points) < 2:
        return None
    counts = [count for count, _ in points]
    charts = len(frame.metrics) + 1
    figure = Figure(figsize=(6.0, 2.0 * charts), dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.subplots(charts, 1, sharex=True)
    for chart, metric, colour in zip(axes, frame.metrics, COLOURS, strict=False):
        numbers = [line.numbers[metric] for _, line in points]
        means = np.array([np.nan if n.mean is None else n.mean for n in numbers], float)
        spread = np.array([n.deviation or 0.0 for n in numbers], float)
        _curve(chart, counts, means, spread, colour)
        _label(chart, "", frame.title(metric).replace(" GT-", "\nGT-"))
        ceiling = [line.numbers[metric].mean for line in frame.lines if line.row.is_data]
        if ceiling and ceiling[0] is not None:
            chart.axhline(ceiling[0], color="#888888", linewidth=1, linestyle=":")
            chart.annotate("data", (counts[0], ceiling[0]), color="#666666", fontsize=FONT - 1.5, va="bottom")
    seconds = np.array([seconds_per_epoch(line.row.first) or np.nan for _, line in points], float)
    _curve(axes[-1], counts, seconds, np.zeros(len(seconds)), COLOURS[len(frame.metrics)])
    _label(axes[-1], "number of layers L", "seconds\nper epoch")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1].set_ylim(0, np.nanmax(seconds) * 1.15 if np.isfinite(seconds).any() else 1)
    return figure


def _curve(
    chart: Axes, x: Sequence[int | None], y: NDArray[np.float64], spread: NDArray[np.float64], colour: str
) -> None:
    bars = spread if spread.any() else None
    chart.errorbar(np.array(x, float), y, yerr=bars, color=colour, marker="o", linewidth=1.8, capsize=3)


def _label(chart: Axes, x: str, y: str) -> None:
    chart.set_xlabel(x, fontsize=FONT)
    chart.set_ylabel(y, fontsize=FONT)
    chart.tick_params(labelsize=FONT - 1.5)
    chart.spines[["top", "right"]].set_visible(False)


def layers(row: StoredRow) -> int | None:
    """The number of layers of a row's method, or None where it has no such setting."""
    count = None if row.is_data or row.first is None else row.first.config.get("method", {}).get("layers")
    return None if count is None else int(count)


def seconds_per_epoch(cell: StoredCell | None) -> float | None:
    """Wall-clock seconds of training per epoch; None where the run did not record them."""
    record = {} if cell is None else cell.record
    done = record.get("trained") or record.get("iterations")
    if not done or "seconds" not in record or "iterations_per_epoch" not in record:
        return None
    return float(record["seconds"] / done * record["iterations_per_epoch"])


def devices(frame: Frame) -> list[str]:
    """What the rows were trained on."""
    found = [line.row.first.record.get("device") for line in frame.lines if line.row.first is not None]
    return sorted({str(device) for device in found if device})
