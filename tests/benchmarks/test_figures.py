"""Figures: which ones a bench has, and that what they draw are the stored numbers and pictures."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tests.benchmarks.stored_bench import finish, lay
from zoo.visual import distinct_colours
from zoo_bench import report
from zoo_bench.cell import Cell, CellFolder
from zoo_bench.grid import Grid
from zoo_bench.report.figures import draw
from zoo_bench.report.figures.charts import against_layers, devices, histograms
from zoo_bench.report.figures.pictures import interventions, reconstructions, samples, shown, worst
from zoo_bench.report.figures.sheet import Row, mask, panel, sheet
from zoo_bench.results import Results


def number(cell: Cell, metric: str) -> float | None:
    """A number that grows with the layers of CLVAE; GauGAN has no samples."""
    if cell.source.name == "gaugan" and metric.startswith(("diversity", "top1")):
        return None
    layers = cell.config.method.get("layers", 0) if cell.source.trains else 0
    return 30.0 + layers if metric.startswith("fid") else 0.2 + 0.01 * layers


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    grid: Grid = lay(folder, ["1", "2", "3", "4", "5", "layers"])
    for cell in grid.cells.values():
        finish(cell, number)
    return folder


@pytest.fixture(scope="module")
def results(out: Path) -> Results:
    return Results.load(out)


@pytest.fixture(scope="module")
def cells(out: Path, results: Results) -> dict[str, dict[str, CellFolder]]:
    """By table and row."""
    keys = results.groupby(["table", "row"], sort=False)["cell"].first()
    found: dict[str, dict[str, CellFolder]] = {}
    for (table, row), key in keys.items():
        found.setdefault(table, {})[row] = CellFolder(out / "cells" / key)
    return found


def pictures(figure: Figure) -> list[np.ndarray]:
    """What the axes show, row by row."""
    return [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts if text.get_text()]


def upright(image: np.ndarray) -> np.ndarray:
    return np.moveaxis(image, 0, -1)


@pytest.mark.slow
def test_a_bench_has_the_figures_of_the_paper(out: Path):
    drawn = report.write(out).figures
    numbers = [figure.title.partition(":")[0].removeprefix("Figure").strip() for figure in drawn]
    assert set(numbers) == {"6", "7", "8", "9", "10", "11", "16", ""}
    assert [int(n) for n in numbers if n] == sorted(int(n) for n in numbers if n)
    once = ("6", "7", "8", "9", "11", "16")
    assert {n: numbers.count(n) for n in once} == dict.fromkeys(once, 1)
    assert numbers.count("10") == 3, "a histogram per dataset"
    unnumbered = [figure.path.name for figure, number in zip(drawn, numbers, strict=True) if not number]
    assert any(name.startswith("codes_redrawn_layer_by_layer") for name in unnumbered)
    titles = " ".join(figure.title for figure in drawn)
    assert all(subject in titles for subject in ("ADE20K", "DeepFashion", "GTA-5"))
    for figure in drawn:
        with Image.open(figure.path) as image:
            assert image.format == "PNG" and image.width > 400
        assert figure.run.startswith("TOY RUN: 32x32 procedural pictures")


def test_figures_of_an_earlier_report_do_not_stay(out: Path, results: Results, tmp_path: Path):
    (tmp_path / "figure99_old.png").write_bytes(b"")
    by_key = {key: CellFolder(out / "cells" / key) for key in results["cell"]}
    drawn = draw(results, by_key, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {figure.path.name for figure in drawn}
    assert "figure8_samples_3.png" in {figure.path.name for figure in drawn}


def test_reconstructions_stand_beside_the_ground_truth(cells: dict[str, dict[str, CellFolder]]):
    rows = [(label, one) for label, one in shown(cells["1"]) if label != "data"]
    figure = reconstructions(rows)
    assert figure is not None
    assert texts(figure) == ["mask", "ground truth", "GauGAN", "GauGAN-VAE", "CLVAE"]
    second = pictures(figure)[5:10]
    showcase = dict(rows)["GauGAN-VAE"]
    assert np.array_equal(second[0], distinct_colours(151).numpy()[showcase.first.label[1]])
    assert np.array_equal(second[1], upright(showcase.first.image[1]))
    assert np.array_equal(second[3], upright(showcase.first.reconstruction[1]))


def test_many_methods_turn_the_sheet_round(cells: dict[str, dict[str, CellFolder]]):
    rows = [(f"method {n}", one) for n, (_, one) in enumerate([*shown(cells["5"])[:5]])]
    figure = reconstructions(rows)
    assert figure is not None
    assert texts(figure)[2:] == [f"method {n}" for n in range(5)]
    masks = len(rows[0][1].first.index)
    assert np.array_equal(pictures(figure)[masks], upright(rows[0][1].first.image[0])), "the second row is the truth"


def test_samples_have_a_row_per_method_and_the_mask_in_the_first(cells: dict[str, dict[str, CellFolder]]):
    rows = shown(cells["2"])
    figure = samples(rows)
    assert figure is not None
    labels = ["GauGAN-VAE", "GauGAN-VAE*", "GroupDNet", "CLVAE", "data"]
    assert [text for text in texts(figure) if not text.startswith("sample")] == labels * 2
    found = pictures(figure)
    across = len(found) // 10
    for position, (_, showcase) in enumerate(rows):
        assert np.array_equal(found[position * across + 2], upright(showcase.samples[0][2]))
        assert np.array_equal(found[(5 + position) * across], upright(showcase.samples[1][0]))
    insets = [axes.child_axes for axes in figure.axes]
    assert [bool(inset) for inset in insets] == [n in (0, 5 * across) for n in range(len(found))]
    label = mask(rows[0][1].first.label[1], 151)
    assert np.array_equal(np.asarray(insets[5 * across][0].get_images()[0].get_array()), upright(label))


def test_rows_of_other_masks_do_not_stand_in_one_sheet(cells: dict[str, dict[str, CellFolder]]):
    mixed = {"GauGAN-VAE": cells["2"]["GauGAN-VAE"], "GroupDNet": cells["3"]["GroupDNet"]}
    assert [label for label, _ in shown(mixed)] == ["GauGAN-VAE"]


def test_worst_reconstructions_show_their_number(cells: dict[str, dict[str, CellFolder]]):
    showcase = dict(shown(cells["1"]))["CLVAE"]
    figure = worst(showcase)
    assert figure is not None
    values = showcase.worst.value
    assert list(values) == sorted(values, reverse=True)
    assert [t for t in texts(figure) if t.startswith("LPIPS")] == [f"LPIPS {value:.3f}" for value in values]
    assert np.array_equal(pictures(figure)[2], upright(showcase.worst.reconstruction[0]))
    assert worst(dict(shown(cells["3"]))["CLVAE"]) is None, "a table without reconstructions has no worst"


def test_interventions_say_how_much_a_part_changes(cells: dict[str, dict[str, CellFolder]]):
    showcase = dict(shown(cells["4"]))["CLVAE"]
    figure = interventions(showcase, "layer")
    assert figure is not None
    one = showcase.interventions[0]
    change = np.abs(one.redrawn[1].astype(float) - one.base).mean()
    assert f"layer 2\nchange {change:.1f}" in texts(figure)
    assert np.array_equal(pictures(figure)[3], upright(one.redrawn[0][0]))
    assert interventions(dict(shown(cells["4"]))["cIMLE"], "layer") is None


def test_histograms_are_shares_of_the_masks(results: Results, cells: dict[str, dict[str, CellFolder]]):
    part = results.of(2)
    figure = histograms(part, cells["2"])
    assert figure is not None
    assert [axes.get_xlabel() for axes in figure.axes] == ["Diversity", "Top-1 GT-similarity"]
    for axes, metric in zip(figure.axes, part["metric"].unique(), strict=True):
        drawn = {patch.get_label(): patch.get_data() for patch in axes.patches}
        assert set(drawn) == {"GauGAN-VAE", "GauGAN-VAE*", "GroupDNet", "CLVAE", "data"}
        pictures = cells["2"]["CLVAE"].pictures
        values = pictures.loc[pictures["metric"] == metric, "value"].to_numpy()
        shares, edges, _ = drawn["CLVAE"]
        expected = [((values >= a) & (values < b)).sum() / len(values) for a, b in pairwise(edges)]
        assert shares == pytest.approx(expected)
        assert sum(shares) == pytest.approx(1)


def test_figure_11_draws_numbers_and_seconds_over_layers(results: Results, cells: dict[str, dict[str, CellFolder]]):
    rows = cells["layers"]
    record = {"iterations": 20, "trained": 20, "iterations_per_epoch": 10, "seconds": 50.0, "device": "a CPU"}
    assert json.loads((rows["L = 1"].path / "record.json").read_text()) == record
    figure = against_layers(results.of("layers"), rows)
    assert figure is not None
    diversity, top1, seconds = figure.axes
    line = diversity.lines[0]
    assert list(line.get_xdata()) == [1, 2, 3, 4, 5, 6]
    assert list(line.get_ydata()) == pytest.approx([0.21, 0.22, 0.23, 0.24, 0.25, 0.26])
    assert list(seconds.lines[0].get_ydata()) == pytest.approx([25.0] * 6), "50 s / 20 iterations * 10 per epoch"
    assert seconds.get_xlabel() == "number of layers L" and "Top-1" in top1.get_ylabel()
    assert devices(rows.values()) == ["a CPU"]


def test_figure_11_waits_for_a_second_point(tmp_path: Path):
    grid = lay(tmp_path, ["layers"])
    cell = next(iter(grid.cells.values()))
    finish(cell, number)
    assert against_layers(Results.load(tmp_path), {"L = 1": cell.files}) is None


def test_letters_do_not_leave_the_sheet():
    image = np.zeros((3, 20, 30), np.uint8)
    row = Row("75 % (5 layers), a rather long name", [panel(image, caption="a long caption"), panel(image), None])
    figure = sheet([row, Row("b", [panel(image)])])
    figure.canvas.draw()
    box = figure.bbox
    for text in figure.texts:
        extent = text.get_window_extent()
        assert extent.x0 >= box.x0 - 1 and extent.x1 <= box.x1 + 1
        assert extent.y0 >= box.y0 - 1 and extent.y1 <= box.y1 + 1
