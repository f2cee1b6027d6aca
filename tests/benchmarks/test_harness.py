"""A bench of two tables and toy runs: cells are shared, reused, resumed, replaced by given files, and may fail."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import torch

from benchmarks.grid import Cell, Choices, Grid, lay_out
from benchmarks.harness import run
from benchmarks.tables import read
from zoo import checkpoints
from zoo.data import procedural
from zoo.errors import ZooError

TABLES = """
profiles: {smoke: {samples: 3}, paper: {samples: 3}}
tables:
  1:
    title: reconstruction
    dataset: deepfashion
    codes: encoded
    metrics: [lpips_alex_reconstruction]
    rows:
      - {label: "GauGAN*", method: gaugan, paper: [0.500]}
      - {label: CLVAE, method: clvae, paper: [0.462]}
      - {label: diverges, method: gaugan, settings: {feature_matching_weight: 1.0e+38}}
      - {label: unknown, method: gogan}
  2:
    title: random codes
    dataset: deepfashion
    codes: random
    metrics: [diversity_lpips_alex, top1_lpips_alex_l1]
    rows:
      - {label: CLVAE, method: clvae, paper: [0.216, 0.158]}
"""
SETS = (
    "train.iterations=2",
    "train.batch_size=2",
    "train.checkpoint_every=1",
    "train.keep=2",
    "data.size=[32, 32]",
    "data.standin={train: 2, test: 2, seed: 0}",
)


@pytest.fixture(autouse=True, scope="module")
def no_weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with suppress(pytest.skip.Exception):
        request.getfixturevalue("weights_dir")  # found through the variable that is about to change
    with pytest.MonkeyPatch.context() as patch:
        empty = str(tmp_path_factory.mktemp("no_weights"))
        for name, value in (("ZOO_WEIGHTS", empty), ("TORCH_HOME", empty), ("ZOO_OFFLINE", "1")):
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "tables.yaml"
    path.write_text(TABLES)
    return path


@dataclass
class Run:
    out: Path
    grid: Grid
    failed: int

    def cell(self, table: str, row: int) -> Cell:
        return self.grid.cells[self.grid.places[table, row]]


@pytest.fixture(scope="module")
def mini(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("bench")
    failed = run(["all"], profile="smoke", out=out, sets=SETS, source=source, progress=False)
    return Run(out, lay_out(read(source).tables, Choices("smoke", out, sets=SETS)), failed)


def values(out: Path, table: str) -> pd.DataFrame:
    return pd.read_csv(out / f"table{table}.csv").set_index("method")


def test_rows_stand_beside_the_published_numbers(mini: Run):
    one, two = values(mini.out, "1"), values(mini.out, "2")
    assert one["GT-similarity (paper)"].dropna().to_dict() == {"GauGAN*": 0.5, "CLVAE": 0.462}
    stored = {r["metric"]: r["value"] for r in map(json.loads, mini.cell("2", 0).results.read_text().splitlines())}
    assert one.loc["CLVAE", "GT-similarity"] == stored["lpips_alex_reconstruction"] > 0
    assert two.loc["CLVAE", "Diversity"] == stored["diversity_lpips_alex"] > 0
    assert two.loc["CLVAE", "Top-1 GT-similarity"] == stored["top1_lpips_alex_l1"] > 0
    assert two.loc["CLVAE", "Top-1 GT-similarity (paper)"] == 0.158


def test_rows_print_their_protocol(mini: Run):
    row = values(mini.out, "2").loc["CLVAE"]
    assert row["data"] == "procedural stand-in (2 train, 2 test, seed 0)"
    assert (row["split"], row["classes"], row["resolution"], row["images"]) == ("test", 16, "32x32", 2)
    assert (row["samples per mask"], row["iterations"], row["seed"], row["profile"]) == (3, 2, 0, "smoke")
    assert row["features"] == "random features"
    assert row["perceptual trunk"] == "random vgg19 (seed 1234)"
    assert values(mini.out, "1").loc["CLVAE", "samples per mask"] == 1


def test_report_opens_with_a_warning(mini: Run):
    text = (mini.out / "report.md").read_text()
    assert text.splitlines()[0] == (
        "TOY RUN: profile smoke, 32x32 procedural pictures, 2 iterations: these numbers say nothing about the methods."
    )
    assert "## Table 2: random codes" in text
    assert "GauGAN\\*" in text and "0.500" in text, "the digits of the paper, and no accidental italics"


def test_failed_rows_say_why_and_stop_nobody(mini: Run):
    table = values(mini.out, "1")
    assert mini.failed == 2
    assert table.loc["diverges", "note"].startswith("failed: Training diverged by iteration")
    assert table.loc["unknown", "note"].startswith('failed: There is no method "gogan"; did you mean "gaugan"')
    assert table.loc[["diverges", "unknown"], "GT-similarity"].isna().all()
    assert table.loc[["GauGAN*", "CLVAE"], "GT-similarity"].notna().all()
    assert "failed: Training diverged" in (mini.out / "report.md").read_text()


def test_tables_share_a_cell(mini: Run):
    assert mini.cell("1", 1) is mini.cell("2", 0)
    trained = sorted(path.parent.name for path in (mini.out / "cells").glob("*/latest.pth"))
    assert trained == sorted(mini.cell("1", number).folder.name for number in (0, 1))


def test_finished_cells_are_reused(mini: Run, source: Path):
    cells = [mini.cell("1", 0), mini.cell("1", 1)]
    before = {path: path.stat().st_mtime_ns for cell in cells for path in cell.folder.iterdir()}
    report = (mini.out / "report.md").read_text()
    failed = run(["all"], profile="smoke", out=mini.out, sets=SETS, source=source, progress=False)
    assert failed == 2
    assert {path: path.stat().st_mtime_ns for cell in cells for path in cell.folder.iterdir()} == before
    assert (mini.out / "report.md").read_text() == report


def test_random_features_give_way_to_trained_ones(
    mini: Run, source: Path, tmp_path: Path, weights_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(mini.out, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("ZOO_WEIGHTS", str(weights_dir))
    assert run(["2"], profile="smoke", out=tmp_path, sets=SETS, source=source, progress=False) == 0
    row = values(tmp_path, "2").loc["CLVAE"]
    assert row["features"] == "alexnet (ImageNet)"
    assert row["perceptual trunk"] == "random vgg19 (seed 1234)", "the run itself is the old one"
    assert row["Diversity"] != values(mini.out, "2").loc["CLVAE", "Diversity"]


def test_unfinished_cells_are_resumed(mini: Run, source: Path, tmp_path: Path):
    finished = mini.cell("2", 0).folder
    killed = tmp_path / "cells" / finished.name
    shutil.copytree(finished, killed)
    for name in ("results.jsonl", "record.json", "iter_000002.pth"):
        (killed / name).unlink()
    (killed / "iter_000001.pth").replace(killed / "latest.pth")
    assert run(["2"], profile="smoke", out=tmp_path, sets=SETS, source=source, progress=False) == 0
    assert not (killed / "iter_000001.pth").exists(), "the first iteration was not trained again"
    ours, theirs = (checkpoints.load(folder / "latest.pth") for folder in (killed, finished))
    assert ours["progress"]["iteration"] == 2
    assert all(torch.equal(ours["method"][key], theirs["method"][key]) for key in ours["method"] if "extra" not in key)
    assert values(tmp_path, "2").loc["CLVAE", "Diversity"] == values(mini.out, "2").loc["CLVAE", "Diversity"]


def test_given_checkpoints_take_the_place_of_training(mini: Run, source: Path, tmp_path: Path):
    given = mini.cell("2", 0).checkpoint
    arguments = {"profile": "smoke", "out": tmp_path, "sets": SETS, "source": source, "progress": False}
    assert run(["2"], given=[given], **arguments) == 0
    row, trained = values(tmp_path, "2").loc["CLVAE"], values(mini.out, "2").loc["CLVAE"]
    assert row["Diversity"] == trained["Diversity"]
    assert row["note"] == f"given checkpoint {given}"
    assert not list((tmp_path / "cells").glob("*/*.pth"))
    with pytest.raises(ZooError, match="no checkpoint at"):
        run(["2"], given=[tmp_path / "nothing"], **arguments)


def test_data_root_is_the_folder_of_datasets_or_of_the_dataset(source: Path, tmp_path: Path):
    procedural.make("deepfashion", tmp_path / "data" / "deepfashion", train=1, test=1, seed=0, size=(32, 32))
    tables = read(source).choose(["2"])
    roots = [tmp_path / "data", tmp_path / "data" / "deepfashion"]
    grids = [lay_out(tables, Choices("smoke", tmp_path, data_root=root)) for root in roots]
    cells = [next(iter(grid.cells.values())) for grid in grids]
    assert [cell.config.data["root"] for cell in cells] == [roots[1], roots[1]]
    assert {cell.data for cell in cells} == {"real"}
    assert cells[0].folder == cells[1].folder
    with pytest.raises(ZooError, match=r"no folder .*deepfashion comes from"):
        lay_out(tables, Choices("smoke", tmp_path, data_root=tmp_path / "nowhere"))


def test_cells_are_told_apart_by_what_changes_their_numbers(source: Path, tmp_path: Path):
    tables = read(source).choose(["2"])

    def key(*sets: str, seed: int = 0) -> str:
        (key,) = lay_out(tables, Choices("smoke", tmp_path, seed=seed, sets=[*SETS, *sets])).cells
        return key

    assert key() == key("train.log_every=7", "train.workers=1", "train.keep=1", "data.root=elsewhere")
    others = [
        key(),
        key("train.iterations=3"),
        key("method.kl_weight=0.1"),
        key("data.standin.seed=1"),
        key("train.optimizers.generator.lr=0.1"),
        key(seed=1),
    ]
    assert len(set(others)) == len(others)


def test_profile_without_a_stand_in_asks_for_the_data(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match=r"There is no folder data/deepfashion.*--data-root"):
        lay_out(read(source).choose(["2"]), Choices("paper", tmp_path))


def test_missing_feature_weights_are_noticed_before_training(source: Path, tmp_path: Path):
    procedural.make("deepfashion", tmp_path / "deepfashion", train=1, test=1, seed=0, size=(32, 32))
    assert run(["2"], profile="paper", data_root=tmp_path, out=tmp_path, source=source, progress=False) == 1
    row = values(tmp_path, "2").loc["CLVAE"]
    assert row["note"].startswith("failed: The weights of AlexNet trained on ImageNet are missing")
    assert not list((tmp_path / "cells").glob("*/*.pth"))


def test_mistyped_settings_stop_before_anything_runs(source: Path, tmp_path: Path):
    with pytest.raises(ZooError, match=r'did you mean "train\.iterations"'):
        run(["all"], profile="smoke", out=tmp_path, sets=["train.iteration=3"], source=source)
    assert not list(tmp_path.iterdir())
