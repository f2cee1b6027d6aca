"""Which figures a bench has, under which names, with what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from zoo.files import atomic_file
from zoo.metrics import parse_metric
from zoo_bench.report.figures import charts, pictures
from zoo_bench.report.frames import Frame
from zoo_bench.report.protocol import run_of
from zoo_bench.showcase import Showcase
from zoo_bench.stored import StoredTable

SAMPLES_IN = {"ade20k": "7", "deepfashion": "8", "gta5": "9"}
"""The paper's numbers of the figures with samples of a dataset."""
UNNUMBERED = 99
"""Figures that the paper does not have come last."""


@dataclass(frozen=True)
class Drawn:
    """A figure in a file. run: the kind of the run. text: what it shows. alt: the same in short."""

    path: Path
    title: str
    run: str
    text: str
    alt: str

    @property
    def heading(self) -> str:
        return f"{self.title} ({self.run})"


@dataclass(frozen=True)
class Plan:
    """A figure to be written as ``<name>.png``; number: the paper's, or empty."""

    name: str
    number: str
    title: str
    figure: Figure
    text: str


def draw(frames: Sequence[Frame], folder: Path) -> list[Drawn]:
    """Write every figure that the stored numbers and pictures suffice for, and remove those of an earlier report."""
    done = set[str]()
    plans = [(frame, plan) for frame in frames for plan in _plans(frame, done)]
    drawn = []
    for frame, plan in sorted(plans, key=lambda one: int(one[1].number or UNNUMBERED)):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{plan.name}.png"
        _write(plan.figure, path)
        title = f"{f'Figure {plan.number}' if plan.number else 'Figure'}: {plan.title}"
        run = run_of(frame.stored.cells, frame.stored.profile)
        drawn.append(Drawn(path, title, run, plan.text, plan.title))
    for path in set(folder.glob("*.png")) - {one.path for one in drawn}:
        path.unlink()
    return drawn


def _plans(frame: Frame, done: set[str]) -> Iterator[Plan]:
    """The figures of one table; ``done`` holds the cells whose own figures an earlier table has shown."""
    stored = frame.stored
    rows = pictures.shown(stored)
    random = any(parse_metric(metric).cls.codes == "random" for metric in frame.metrics)
    rebuilt = any(parse_metric(metric).cls.codes == "encoded" for metric in frame.metrics)
    methods = [row.label for row in stored.rows if not row.is_data]
    if rebuilt:
        figure = pictures.reconstructions([(label, one) for label, one in rows if label in methods])
        text = "Reconstructions of the first test pictures with the codes of the ground truth, beside the ground truth."
        yield from _plan("6" if stored.name == "1" else "", "reconstructions", stored, figure, text)
    if random and stored.name != "layers":
        of_paper = stored.name in ("2", "3", "4")
        number = SAMPLES_IN.get(stored.table.dataset, "") if of_paper else ""
        text = (
            "Samples with random codes for the first test masks, a row per method; the mask is set into the corner of "
            "the first picture. They are the first of those that the metrics judge."
        )
        yield from _plan(number, "samples", stored, pictures.samples(rows), text)
        text = (
            "How the numbers of single masks are spread: the share of the test masks in each interval of Diversity and "
            "of Top-1. The tables give the means."
        )
        yield from _plan("10" if of_paper else "", "histograms", stored, charts.histograms(frame), text)
    if stored.name == "layers":
        on = " and ".join(charts.devices(frame)) or "an unknown device"
        text = (
            "Scores and training time against the number of encoder layers L, of which all but the last give "
            f"class-wise codes. Seconds per epoch are wall-clock seconds of the training, on {on}, times the "
            "iterations of an epoch."
        )
        yield from _plan("11", "numbers of layers", stored, charts.against_layers(frame), text)
        return
    yield from _of_cells(stored, methods, rows, done)


def _of_cells(stored: StoredTable, methods: Sequence[str], rows: pictures.Shown, done: set[str]) -> Iterator[Plan]:
    """Figures of one method: the first of the table, or of a later row, whose codes have layers."""
    cells = {row.label: row.first.key for row in stored.rows if row.first is not None}
    one = _with_layers([(label, showcase) for label, showcase in rows if label in methods])
    if one is None or cells[one[0]] in done:
        return
    label, showcase = one
    done.add(cells[label])
    kept = "the codes of the ground truth" if len(showcase.first.reconstruction) else "the codes of one draw"
    for axis in ("layer", "class"):
        text = (
            f"{label}, one {axis} of the codes redrawn at a time while all else keeps {kept}. "
            "Numbers: mean absolute change of a pixel, of 255. Last column: where the redraws change the picture, on "
            "one scale for all rows."
        )
        figure = pictures.interventions(showcase, axis)
        yield from _plan("", f"codes redrawn {axis} by {axis}", stored, figure, text)
    text = f"The test pictures that {label} reconstructs worst, by their LPIPS to the reconstruction."
    number = "16" if stored.name == "1" else ""
    yield from _plan(number, "worst reconstructions", stored, pictures.worst(showcase), text)


def _with_layers(rows: pictures.Shown) -> tuple[str, Showcase] | None:
    """The row with the most parts to redraw layer by layer; the last of them, as the paper's own method comes last."""

    def parts(row: tuple[str, Showcase]) -> int:
        return max((len(one.parts) for one in row[1].interventions if one.axis == "layer"), default=0)

    # max takes the first of equals, and equal are all rows where no codes have layers
    return max(reversed(rows), key=parts, default=None)


def _plan(number: str, what: str, stored: StoredTable, figure: Figure | None, text: str) -> Iterator[Plan]:
    if figure is not None:
        name = "_".join([*([f"figure{number}"] if number else []), what.replace(" ", "_"), stored.name])
        yield Plan(name, number, f"{what}, {stored.subject}, table {stored.name}", figure, text)


def _write(figure: Figure, path: Path) -> None:
    """The file appears whole or not at all."""
    with atomic_file(path) as temporary:
        figure.savefig(temporary, metadata={"Software": None})
