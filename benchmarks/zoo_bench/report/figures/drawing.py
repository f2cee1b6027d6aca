"""The figures of a bench, with their names and captions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from matplotlib.figure import Figure

from zoo.files import atomic_file
from zoo_bench.cell import CellFolder
from zoo_bench.report.figures import charts, pictures
from zoo_bench.report.text import run_kind
from zoo_bench.results import Results
from zoo_bench.showcase import Showcase
from zoo_bench.tables import Table


@dataclass(frozen=True)
class Drawn:
    """A figure in a file; ``run`` is the kind of the run, ``text`` says what it shows, ``alt`` the same in short."""

    path: Path
    title: str
    run: str
    text: str
    alt: str

    @property
    def heading(self) -> str:
        """Title and kind of the run."""
        return f"{self.title} ({self.run})"


@dataclass(frozen=True)
class Material:
    """What the figures of one table are drawn from.

    ``results`` are those of the table, ``cells`` the folders of the first seed of each row. ``used`` holds the cells
    whose own figures an earlier table has shown.
    """

    table: Table
    results: Results
    cells: Mapping[str, CellFolder]
    used: set[str]

    @property
    def methods(self) -> list[str]:
        """The labels of the rows of methods."""
        return [str(row) for row in self.results.loc[~self.results["generator"], "row"].unique()]

    @cached_property
    def pictures(self) -> pictures.Shown:
        """The rows that have pictures."""
        return pictures.shown(self.cells)


Plan = tuple[str, Figure | None, str]
"""What a figure shows, the figure (None where numbers or pictures are missing), and the text below it."""


def draw(results: Results, cells: Mapping[str, CellFolder], folder: Path) -> list[Drawn]:
    """Write every figure that the tables ask for and that can be drawn, and remove those of an earlier report.

    Args:
        results: The results of the bench.
        cells: Its cells by key.
        folder: Where the figures are written.

    Returns:
        The figures: first those with a number of the publication, in their order.
    """
    used: set[str] = set()
    drawn: list[tuple[float, Drawn]] = []
    for name, table in results.tables.items():
        part = results.of(name)
        keys = part.dropna(subset=["cell"]).groupby("row", sort=False)["cell"].first()
        material = Material(table, part, {str(row): cells[key] for row, key in keys.items()}, used)
        for kind, number in table.figures.items():
            for what, figure, text in KINDS[kind](material):
                if figure is not None:
                    prefix = [] if number is None else [f"figure{number}"]
                    path = folder / f"{'_'.join([*prefix, what.replace(' ', '_'), name])}.png"
                    alt = f"{what}, {table.subject or table.title.partition(',')[0]}, table {name}"
                    title = f"{'Figure' if number is None else f'Figure {number}'}: {alt}"
                    with atomic_file(path) as temporary:
                        figure.savefig(temporary, metadata={"Software": None})
                    order = float("inf") if number is None else number
                    drawn.append((order, Drawn(path, title, run_kind(part), text, alt)))
    for path in set(folder.glob("*.png")) - {one.path for _, one in drawn}:
        path.unlink()
    return [one for _, one in sorted(drawn, key=lambda pair: pair[0])]


def _reconstructions(material: Material) -> Iterator[Plan]:
    text = "Reconstructions of the first test pictures with the codes of the ground truth, beside the ground truth."
    rows = [(label, one) for label, one in material.pictures if label in material.methods]
    yield "reconstructions", pictures.reconstructions(rows), text


def _samples(material: Material) -> Iterator[Plan]:
    text = (
        "Samples with random codes for the first test masks, a row per method; the mask is set into the corner of "
        "the first picture. They are the first of those that the metrics see."
    )
    yield "samples", pictures.samples(material.pictures), text


def _histograms(material: Material) -> Iterator[Plan]:
    text = (
        "How the numbers of single masks are spread: the share of the test masks in each interval of Diversity and "
        "of Top-1. The tables give the means."
    )
    yield "histograms", charts.histograms(material.results, material.cells), text


def _layers(material: Material) -> Iterator[Plan]:
    on = " and ".join(charts.devices(material.cells.values())) or "an unknown device"
    text = (
        "Scores and training time against the number of encoder layers L, of which all but the last give class-wise "
        f"codes. Seconds per epoch are wall-clock seconds of the training, on {on}, times the iterations of an epoch."
    )
    yield "numbers of layers", charts.against_layers(material.results, material.cells), text


def _codes(material: Material) -> Iterator[Plan]:
    chosen = _most_parts(material)
    if chosen is None:
        return
    label, showcase = chosen
    kept = "the codes of the ground truth" if len(showcase.first.reconstruction) else "the codes of one draw"
    for axis in ("layer", "class"):
        text = (
            f"{label}, one {axis} of the codes redrawn at a time while all else keeps {kept}. "
            "Numbers: mean absolute change of a pixel, of 255. Last column: where the redraws change the picture, on "
            "one scale for all rows."
        )
        yield f"codes redrawn {axis} by {axis}", pictures.interventions(showcase, axis), text
    material.used.add(material.cells[label].path.name)


def _worst(material: Material) -> Iterator[Plan]:
    rows = [(label, one) for label, one in material.pictures if label in material.methods and len(one.worst.index)]
    if rows:
        label, showcase = rows[-1]
        text = f"The test pictures that {label} reconstructs worst, by their LPIPS to the reconstruction."
        yield "worst reconstructions", pictures.worst(showcase), text


def _most_parts(material: Material) -> tuple[str, Showcase] | None:
    """The method with the most parts to redraw layer by layer; the last of equals.

    None where it was shown before, or where there is no method with pictures.
    """

    def parts(row: tuple[str, Showcase]) -> int:
        return max((len(one.parts) for one in row[1].interventions if one.axis == "layer"), default=0)

    rows = [(label, one) for label, one in material.pictures if label in material.methods]
    chosen = max(reversed(rows), key=parts, default=None)  # max takes the first of equals
    return None if chosen is None or material.cells[chosen[0]].path.name in material.used else chosen


KINDS: dict[str, Callable[[Material], Iterator[Plan]]] = {
    "reconstructions": _reconstructions,
    "samples": _samples,
    "histograms": _histograms,
    "layers": _layers,
    "codes": _codes,
    "worst": _worst,
}
"""The figures that a table may ask for in its YAML."""
