"""Tables and pages from stored results alone: every kind of row, marks, escaping, and benches that are half done."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import zoo_bench
from tests.benchmarks.stored_bench import WARNING, by_label, finish, lay
from zoo.errors import ZooError
from zoo_bench import report
from zoo_bench.grid import Grid
from zoo_bench.tables import TABLES

DATA = "data"

NUMBERS = {
    "GauGAN-VAE": (0.2031, 0.155),
    "GroupDNet": (0.2184, 0.159),
    "CLVAE": (0.2162, 0.158),
    DATA: (0.3, 0.1),
}


def cells(grid: Grid, table: str, label: str) -> list[Path]:
    row = next(one for one in grid.rows[table] if one.row.label == label)
    return [grid.cells[key].folder for key in row.cells]


def read(out: Path, table: str) -> pd.DataFrame:
    return pd.read_csv(out / f"table{table}.csv").set_index("method")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished")
    grid = lay(out, ["3"])
    for cell in grid.cells.values():
        finish(cell, by_label(grid, "3", NUMBERS), vgg="random vgg19 (seed 1234)", network="random features")
    report.write(out)
    return out


@pytest.fixture(scope="module")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GauGAN cannot have the numbers, GauGAN-VAE failed, CLVAE is training, the rest has not begun."""
    out = tmp_path_factory.mktemp("half_done")
    grid = lay(out, ["1", "2"])
    value = by_label(grid, "1", {"GauGAN": (33.0, None)})
    for cell in grid.cells.values():
        if cell.source.name == "gaugan":
            finish(cell, value)
    (failed,) = cells(grid, "1", "GauGAN-VAE")
    (failed / "failed.json").write_text(json.dumps({"reason": "Out of <memory> & | luck_y.", "trace": None, "time": 0}))
    (clvae,) = cells(grid, "1", "CLVAE")
    (clvae / "state.json").write_text(json.dumps({"phase": "training", "done": 5, "total": 20}))
    report.write(out)
    return out


def test_frames_hold_ours_beside_the_papers(finished: Path):
    table = read(finished, "3")
    assert table.index.tolist() == [*NUMBERS]
    assert table["Diversity"].to_dict() == {label: numbers[0] for label, numbers in NUMBERS.items()}
    assert table.loc["CLVAE", "Top-1 GT-similarity (paper)"] == 0.158
    assert np.isnan(table.loc[DATA, "Diversity (paper)"])
    row = table.loc["CLVAE"]
    assert (row["classes"], row["resolution"], row["images"], row["samples per mask"]) == (16, "32x32", 3, 4)
    assert (row["features"], row["perceptual network"]) == ("random features", "random vgg19 (seed 1234)")
    assert (row["seed"], row["profile"]) == (0, "smoke")


def test_best_and_second_are_marked_among_the_methods(finished: Path):
    rows = {
        label: [cell.strip() for cell in line.split("|")[2:6]]
        for line in (finished / "table3.md").read_text().splitlines()
        for label in NUMBERS
        if line.startswith(f"| {label} ")
    }
    assert rows["GroupDNet"] == ["**0.218**", "**0.218**", "0.159", "0.159"]
    assert rows["CLVAE"] == ["<u>0.216</u>", "<u>0.216</u>", "<u>0.158</u>", "<u>0.158</u>"]
    assert rows["GauGAN-VAE"] == ["0.203", "0.203", "**0.155**", "**0.155**"]
    assert rows[DATA] == ["0.300", "–", "0.100", "–"], "the generator of the data is not ranked"
    tex = (finished / "table3.tex").read_text()
    assert r"GroupDNet & \textbf{0.218} & \textbf{0.218} & 0.159 & 0.159 \\" in tex and r"\underline{0.216}" in tex
    assert r"\textbf{0.300}" not in tex and r"\begin{tabular}{lrrrr}" in tex and r"\toprule" in tex


def test_caveats_of_all_rows_stand_in_one_sentence(finished: Path):
    text = (finished / "table3.md").read_text()
    (sentence,) = [line for line in text.splitlines() if line.startswith("All rows: ")]
    assert all(word in sentence for word in ("procedural", "random features", "random vgg19"))
    assert text.count("random features") == 2, "there, and in the protocol"


def test_caveats_of_some_rows_stand_in_their_notes(tmp_path: Path):
    grid = lay(tmp_path, ["3"])
    for cell in grid.cells.values():
        network = "random features" if cell.source.name == "clvae" else "alexnet (ImageNet)"
        finish(cell, by_label(grid, "3", NUMBERS), network=network)
    view = report.write(tmp_path).tables[0]
    assert view.notes == {"CLVAE": "metric on random features"}
    assert "- CLVAE: metric on random features" in view.markdown()


def test_the_long_frame_has_one_line_per_row_seed_and_metric(finished: Path):
    results = zoo_bench.load(finished)
    assert len(results) == 4 * 2 and results["generator"].sum() == 2
    assert results.groupby("row")["value"].first().to_dict() == {row: numbers[0] for row, numbers in NUMBERS.items()}
    methods = results[~results["generator"]]
    assert type(methods).__name__ == "Results" and methods.table(3).index.tolist() == [*NUMBERS][:3]
    line = results[(results["row"] == "CLVAE") & (results["title"] == "Diversity")].iloc[0]
    assert (line["value"], line["published"], line["better"], line["digits"]) == (0.2162, 0.216, "higher", 3)
    assert (line["method"], line["dataset"], line["seed"], line["status"]) == ("clvae", "deepfashion", 0, "finished")
    assert results.claims(3)["outcome"].tolist() == ["confirmed", "confirmed", "confirmed"]


def test_protocol_stands_under_the_table_once(finished: Path):
    lines = (finished / "table3.md").read_text().split("Protocol:")[1].split("Claims")[0].strip().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "- All rows: procedural stand-in (2 train, 3 test, seed 0), test split, 16 classes, 32x32"
    )
    assert "4 samples per mask" in lines[0] and "seed 0" in lines[0]
    assert lines[1] == "- GauGAN-VAE, GroupDNet, CLVAE: perceptual network random vgg19 (seed 1234), 20 iterations"


def test_headings_say_that_a_toy_run_is_one(finished: Path):
    text = (finished / "report.md").read_text()
    what = "32x32 procedural pictures, 20 iterations"
    assert text.splitlines()[0] == (f"TOY RUN: profile smoke, {what}: these numbers are not meaningful.")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[0] == f"## Table 3: DeepFashion, random codes (TOY RUN: {what})"
    assert len(headings) > 3 and all(heading.endswith(f"(TOY RUN: {what})") for heading in headings)
    page = (finished / "report.html").read_text()
    assert page.count("TOY RUN") == len(headings) + 2, "the page's title and opening, and every section"


def test_claims_of_a_toy_run_mean_nothing(finished: Path):
    lines = [line for line in (finished / "report.md").read_text().splitlines() if "CLVAE is more diverse" in line]
    assert len(lines) == 1
    assert lines[0].startswith("- **confirmed (a toy run: not meaningful)**: CLVAE is more diverse than GauGAN-VAE")
    assert lines[0].endswith("(CLVAE 0.216 > GauGAN-VAE 0.203)")


def test_other_profiles_are_no_toys(tmp_path: Path):
    grid = lay(tmp_path, ["3"], profile="cpu")
    for cell in grid.cells.values():
        finish(cell, by_label(grid, "3", NUMBERS))
    text = report.write(tmp_path).markdown()
    assert "TOY" not in text and "toy" not in text
    assert "## Table 3: DeepFashion, random codes (profile cpu: 32x32 procedural pictures, 20 iterations)" in text
    assert "- **confirmed**: CLVAE is more diverse" in text


def test_every_kind_of_missing_number_says_so(half_done: Path):
    table = read(half_done, "1")
    assert table["note"].to_dict() == {
        "GauGAN": f"{WARNING}; gaugan has no codes to draw",
        "GauGAN-VAE": "failed: Out of <memory> & | luck_y.",
        "CLVAE": "not run yet (training, 5 of 20)",
        DATA: "not run yet",
    }
    rows = [[cell.strip() for cell in line.split("|")] for line in (half_done / "table1.md").read_text().splitlines()]
    ours = {row[1]: (row[2], row[4]) for row in rows if len(row) == 7}
    assert ours["GauGAN"] == ("33.0", "–")
    assert ours["GauGAN-VAE"] == ("failed", "failed")
    assert ours["CLVAE"] == ours[DATA] == ("not run", "not run")
    assert "Not every row has run" in (half_done / "table1.md").read_text()
    assert "no number of CLVAE (not run), GauGAN-VAE (failed)" in (half_done / "report.md").read_text()


def test_nothing_that_was_written_by_others_becomes_markup(half_done: Path):
    page = (half_done / "report.html").read_text()
    assert "failed: Out of &lt;memory&gt; &amp; | luck_y." in page and "<memory>" not in page
    assert r"failed: Out of &lt;memory> & \| luck\_y." in (half_done / "report.md").read_text()
    assert r"Out of \textless{}memory\textgreater{} \& | luck\_y" in (half_done / "table1.tex").read_text()
    assert r"GauGAN-VAE\*" in (half_done / "table2.md").read_text()


def test_what_is_true_of_all_rows_is_said_once(tmp_path: Path):
    grid = lay(tmp_path, ["1"])
    numbers = dict.fromkeys(("GauGAN", "GauGAN-VAE", "CLVAE", DATA), (33.0, 0.5))
    for cell in grid.cells.values():
        if cell.source.name != "clvae":
            finish(cell, by_label(grid, "1", numbers))
    made = report.write(tmp_path)
    assert made.results.table(1)["note"].tolist() == [WARNING, WARNING, "not run yet", WARNING]
    text = (tmp_path / "table1.md").read_text()
    assert text.count(WARNING) == 1 and f"All rows: {WARNING}" in text


def test_a_method_without_samples_has_the_protocol_of_the_others(tmp_path: Path):
    """A table with both kinds of metrics, as of faces, here of a stand-in."""
    tables = tmp_path / "both.yaml"
    tables.write_text(
        "title: both kinds\n"
        "dataset: deepfashion\n"
        "metrics: [lpips_alex_reconstruction, 'diversity_lpips_alex_{samples}']\n"
        "rows: [{label: GauGAN, method: gaugan}, {label: GroupDNet, method: groupdnet}]\n"
    )
    grid = lay(tmp_path, ["both"], source=tables)
    numbers = {"GauGAN": (0.5, None), "GroupDNet": (0.4, 0.2), DATA: (0.3, 0.3)}
    for cell in grid.cells.values():
        finish(cell, by_label(grid, "both", numbers))
    report.write(tmp_path)
    text = (tmp_path / "tableboth.md").read_text()
    assert "1 (GT-similarity), 4 (Diversity) samples per mask" in text.split("- All rows:")[1].splitlines()[0]
    assert "- GauGAN, GroupDNet: perceptual network vgg19, 20 iterations" in text
    assert "(paper)" not in text, "nothing was published"
    assert re.search(r"\| GauGAN +\| +<u>0.500</u> \| +– \|", text)


def test_a_bench_that_has_not_begun_has_a_report(tmp_path: Path):
    lay(tmp_path, ["3"])
    made = report.write(tmp_path)
    assert made.figures == []
    assert set(made.results.table(3)["note"]) == {"not run yet"}
    assert made.results.table(3)["Diversity"].isna().all()


def test_rows_without_a_config_are_failed_rows(tmp_path: Path):
    tables = tmp_path / "3.yaml"
    tables.write_text((TABLES / "3.yaml").read_text().replace("method: groupdnet", "method: grupdnet"))
    lay(tmp_path, ["3"], source=tables)
    note = report.write(tmp_path).results.table(3).loc["GroupDNet", "note"]
    assert note.startswith('failed: There is no method "grupdnet"')


def test_several_seeds_give_mean_and_deviation(tmp_path: Path):
    grid = lay(tmp_path, ["3"], seeds=3)
    for cell in grid.cells.values():
        finish(cell, by_label(grid, "3", NUMBERS))
    results = report.write(tmp_path).results
    row = results.table(3).loc["CLVAE"]
    values = np.array([0.2162, 0.2172, 0.2182])
    assert row["Diversity"] == pytest.approx(values.mean())
    assert row["Diversity (std)"] == pytest.approx(values.std(ddof=1))
    assert results.protocol(3).loc["CLVAE", "seed"] == "0, 1, 2"
    assert "0.217 ± 0.001" in (tmp_path / "table3.md").read_text()
    assert "confirmed in 3 of 3 seeds" in (tmp_path / "report.md").read_text()


def test_a_missing_seed_is_named(tmp_path: Path):
    grid = lay(tmp_path, ["3"], seeds=2)
    for cell in grid.cells.values():
        if not (cell.source.name == "clvae" and cell.seed == 1):
            finish(cell, by_label(grid, "3", NUMBERS))
    row = report.write(tmp_path).results.table(3).loc["CLVAE"]
    assert (row["note"], row["Diversity"]) == ("seed 1 not run yet", 0.2162)
    assert np.isnan(row["Diversity (std)"])


def test_damaged_files_are_named_and_stop_nothing(tmp_path: Path):
    grid = lay(tmp_path, ["3"])
    for cell in grid.cells.values():
        finish(cell, by_label(grid, "3", NUMBERS))
    (clvae,) = cells(grid, "3", "CLVAE")
    (group,) = cells(grid, "3", "GroupDNet")
    (clvae / "results.jsonl").write_text('{"metric": ')
    (group / "showcase.npz").write_bytes(b"PK")
    frame = report.write(tmp_path).results.table(3)
    assert "results.jsonl cannot be read" in frame.loc["CLVAE", "note"]
    assert frame.loc["GroupDNet", "Diversity"] == 0.2184
    assert frame["Diversity"].notna().sum() == 3


def test_a_folder_without_a_bench_is_an_error(tmp_path: Path):
    with pytest.raises(ZooError, match="There is no bench in"):
        report.write(tmp_path)


class Page(HTMLParser):
    """Collects what a page asks for and what it lacks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_stands_alone_and_can_be_read_by_all(finished: Path):
    page = Page((finished / "report.html").read_text())
    assert page.open == [], "every element is closed"
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert not page.all("link") and not page.all("script")
    pictures = page.all("img")
    assert len(pictures) == len(list((finished / "figures").glob("*.png"))) > 0
    files = {path.read_bytes() for path in (finished / "figures").glob("*.png")}
    assert {base64.b64decode(str(p["src"]).removeprefix("data:image/png;base64,")) for p in pictures} == files
    assert all(picture["alt"] for picture in pictures)
    assert page.all("th") and {th["scope"] for th in page.all("th")} == {"col", "row"}
    targets = {attributes["id"] for tag, attributes in page.tags if "id" in attributes}
    assert {str(a["href"]).removeprefix("#") for a in page.all("a")} == targets, "contents lead to every section"


def test_reports_are_the_same_again_and_need_no_model(finished: Path, monkeypatch: pytest.MonkeyPatch):
    before = {path: path.read_bytes() for path in (*finished.glob("table*"), *finished.glob("report.*"))}
    assert len(before) == 5

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network was built")

    monkeypatch.setattr(torch.nn.Module, "__init__", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    report.write(finished)
    assert {path: path.read_bytes() for path in before} == before


def test_the_terminal_shows_tables_and_claims(finished: Path, capsys: pytest.CaptureFixture[str]):
    report.write(finished).show()
    shown = capsys.readouterr().out
    assert shown.startswith("TOY RUN") and "Table 3: DeepFashion, random codes" in shown
    assert "CLVAE 0.216 > GauGAN-VAE 0.203" in shown
