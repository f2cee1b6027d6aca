"""A bench of two tables and toy runs: cells are shared, reused, resumed, replaced by given files, and may fail.

They run in this process; the tests of workers, of clusters and of killing have other processes.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.benchmarks.small_bench import pictures, results, tables
from zoo import checkpoints
from zoo.data import standin
from zoo.engine import train
from zoo.errors import ZooError
from zoo_bench.cell import Cell
from zoo_bench.grid import BenchOptions, Grid, build_grid
from zoo_bench.harness.local import InProcess
from zoo_bench.harness.run import run
from zoo_bench.tables import Table, choose, read

TABLES = """
1:
    title: reconstruction
    dataset: deepfashion
    metrics: [lpips_alex_reconstruction]
    rows:
      - {label: "GauGAN*", method: gaugan, paper: [0.500]}
      - {label: CLVAE, method: clvae, paper: [0.462]}
      - {label: diverges, method: gaugan, settings: {feature_matching_weight: 1.0e+38}}
      - {label: unknown, method: gogan}

2:
    title: random codes
    dataset: deepfashion
    toy_samples: 3
    metrics: ["diversity_lpips_alex_{samples}", "top1_lpips_alex_{samples}_l1"]
    rows:
      - {label: CLVAE, method: clvae, paper: [0.216, 0.158]}
      - {label: GauGAN, method: gaugan}
"""
DIVERSITY, TOP1 = "diversity_lpips_alex_3", "top1_lpips_alex_3_l1"
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
    folder = tmp_path_factory.mktemp("tables")
    for text in TABLES.split("\n\n"):
        name, _, table = text.strip().partition(":\n")
        (folder / f"{name}.yaml").write_text(dedent(table))
    return folder


def tables_of(source: Path, name: str) -> dict[str, Table]:
    return choose(read(source), [name], toy=True)


@dataclass
class Run:
    out: Path
    grid: Grid
    failed: int

    def cell(self, table: str, row: int, seed: int = 0) -> Cell:
        return self.grid.cells[self.grid.rows[table][row].cells[seed]]


def bench(out: Path, source: Path, *tables: str, **choices: Any) -> int:
    """The toy bench in a folder; how many of its cells have failed."""
    arguments = {"profile": "smoke", "sets": SETS, "source": source, "progress": False, "executor": InProcess()}
    return run(tables, out=out, **(arguments | choices))


@pytest.fixture(scope="module")
def mini(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("bench")
    failed = bench(out, source, "all")
    return Run(out, build_grid(tables_of(source, "all"), BenchOptions("smoke", out, sets=SETS)), failed)


def values(out: Path, table: str) -> pd.DataFrame:
    return pd.read_csv(out / f"table{table}.csv").set_index("method")


def test_rows_stand_beside_the_published_numbers(mini: Run):
    one, two = values(mini.out, "1"), values(mini.out, "2")
    assert one["GT-similarity (paper)"].dropna().to_dict() == {"GauGAN*": 0.5, "CLVAE": 0.462}
    stored = results(mini.cell("2", 0).folder)
    assert one.loc["CLVAE", "GT-similarity"] == stored["lpips_alex_reconstruction"] > 0
    assert two.loc["CLVAE", "Diversity"] == stored[DIVERSITY] > 0
    assert two.loc["CLVAE", "Top-1 GT-similarity"] == stored[TOP1] > 0
    assert two.loc["CLVAE", "Top-1 GT-similarity (paper)"] == 0.158


def test_rows_print_their_protocol(mini: Run):
    row = pd.read_csv(mini.out / "table2.csv", dtype=str).set_index("method").loc["CLVAE"]
    assert row["data"] == "procedural stand-in (2 train, 2 test, seed 0)"
    assert (row["split"], row["classes"], row["resolution"], row["images"]) == ("test", "16", "32x32", "2")
    assert (row["samples per mask"], row["iterations"], row["seed"], row["profile"]) == ("3", "2", "0", "smoke")
    assert row["features"] == "random features"
    assert row["perceptual network"] == "random vgg19 (seed 1234)"
    assert values(mini.out, "1").loc["CLVAE", "samples per mask"] == 1


def test_numbers_are_the_means_over_their_pictures(mini: Run):
    cell = mini.cell("2", 0)
    per_picture = pictures(cell.folder)
    stored = results(cell.folder)
    assert set(per_picture["metric"]) == set(stored) == {"lpips_alex_reconstruction", DIVERSITY, TOP1}
    for metric, rows in per_picture.groupby("metric"):
        assert rows["index"].tolist() == [0, 1]
        assert np.mean(rows["value"]) == pytest.approx(stored[metric], rel=1e-12)


def test_a_method_without_codes_says_that_it_has_none_to_draw(mini: Run):
    row = values(mini.out, "2").loc["GauGAN"]
    assert row["note"] == "gaugan has no codes to draw" and np.isnan(row["Diversity"])
    assert results(mini.cell("2", 1).folder)[DIVERSITY] is None
    assert mini.cell("2", 1) is mini.cell("1", 0), "its reconstructions stand in the other table"


def test_the_data_itself_is_the_last_row_and_needs_no_training(mini: Run):
    assert list(values(mini.out, "2").index) == ["CLVAE", "GauGAN", "data"]
    cell = mini.cell("2", 2)
    assert cell is mini.cell("1", 4) and not list(cell.folder.glob("*.pth"))
    assert values(mini.out, "2").loc["data", "Diversity"] > values(mini.out, "2").loc["CLVAE", "Diversity"] > 0


def test_failed_rows_say_why_and_stop_nobody(mini: Run):
    table = values(mini.out, "1")
    assert mini.failed == 2
    assert table.loc["diverges", "note"].startswith("failed: Training diverged by iteration")
    assert table.loc["unknown", "note"].startswith('failed: There is no method "gogan"; did you mean "gaugan"')
    assert table.loc[["diverges", "unknown"], "GT-similarity"].isna().all()
    assert table.loc[["GauGAN*", "CLVAE", "data"], "GT-similarity"].notna().all()
    failure = mini.cell("1", 2).files.failure
    assert failure is not None and not failure.again and failure.trace is None
    states = [mini.cell("1", row).files.state for row in (0, 2)]
    assert [state.phase for state in states if state is not None] == ["done", "failed"]


def test_tables_share_a_cell(mini: Run):
    assert mini.cell("1", 1) is mini.cell("2", 0)
    trained = sorted(path.parent.name for path in (mini.out / "cells").glob("*/latest.pth"))
    assert trained == sorted(mini.cell("1", number).folder.name for number in (0, 1))


def snapshot(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_finished_and_failed_cells_are_not_run_again(mini: Run, source: Path, capsys: pytest.CaptureFixture[str]):
    cells = [cell.folder for cell in mini.grid.cells.values()]
    failed = mini.cell("1", 2).folder
    before = {folder: snapshot(folder) for folder in cells if folder != failed}
    failure = mini.cell("1", 2).files.failure
    assert bench(mini.out, source, "all", progress=True) == 2
    assert {folder: snapshot(folder) for folder in before} == before
    assert mini.cell("1", 2).files.failure == failure
    err = capsys.readouterr().err
    assert "3 of 4 cells are finished already." in err
    assert "failed before, --retry-failed tries it again: Training diverged" in err


def test_failed_cells_are_tried_again_when_that_is_asked_for(fragile: Path, tmp_path: Path):
    trap = tmp_path / "trap"
    trap.touch()
    file = tables(tmp_path / "tables", f"ends: error, at: 2, trap: {trap}")
    out = tmp_path / "out"
    assert bench(out, file, "1", plugins=[fragile]) == 1
    note = values(out, "1").loc["row0", "note"]
    (folder,) = [path.parent for path in out.glob("cells/*/failed.json")]
    assert note == f"failed: RuntimeError: out of luck (traceback in {folder / 'error.txt'})"
    assert "train_step" in (folder / "error.txt").read_text()
    trap.unlink()
    assert bench(out, file, "1", plugins=[fragile]) == 1, "that it would succeed now does not matter"
    assert bench(out, file, "1", plugins=[fragile], retry_failed=True) == 0
    assert not (folder / "failed.json").exists() and results(folder)[DIVERSITY] > 0


def test_only_some_rows(mini: Run, source: Path, tmp_path: Path):
    assert bench(tmp_path, source, "all", only=["data", "2/gaugan"]) == 0
    assert sorted(path.parent.name for path in tmp_path.glob("cells/*/results.jsonl")) == sorted(
        mini.cell("2", row).key for row in (1, 2)
    )
    table = values(tmp_path, "1")
    assert table.loc["CLVAE", "note"] == "not run yet"
    assert table["GT-similarity"].dropna().to_dict() == {
        label: values(mini.out, "1").loc[label, "GT-similarity"] for label in ("GauGAN*", "data")
    }


def test_tables_of_several_commands_stand_in_one_report(mini: Run, source: Path, tmp_path: Path):
    shutil.copytree(mini.out / "cells", tmp_path / "cells")
    for name in ("2", "1"):
        bench(tmp_path, source, name)
        assert (tmp_path / f"table{name}.csv").read_text() == (mini.out / f"table{name}.csv").read_text()
    grid = Grid.load(tmp_path)
    assert set(grid.tables) == {"1", "2"} and grid.rows["2"] == mini.grid.rows["2"]
    assert "## Table 2" in (tmp_path / "report.md").read_text()


def test_several_seeds_are_several_runs_of_a_row(mini: Run, source: Path, tmp_path: Path):
    shutil.copytree(mini.out / "cells", tmp_path / "cells")
    assert bench(tmp_path, source, "2", only=["clvae"], seeds=2) == 0
    first, second = Grid.load(tmp_path).rows["2"][0].cells
    assert first == mini.cell("2", 0).key, "the run with the first seed is the one that was there"
    found = [results(tmp_path / "cells" / key)[DIVERSITY] for key in (first, second)]
    assert found[0] != found[1]
    assert values(tmp_path, "2").loc["CLVAE", "Diversity"] == pytest.approx(np.mean(found))


def test_random_features_give_way_to_trained_ones(
    mini: Run, source: Path, tmp_path: Path, weights_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(mini.out, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("ZOO_WEIGHTS", str(weights_dir))
    assert bench(tmp_path, source, "2") == 0
    row = values(tmp_path, "2").loc["CLVAE"]
    assert row["features"] == "alexnet (ImageNet)"
    assert row["perceptual network"] == "random vgg19 (seed 1234)", "the run itself is the old one"
    assert row["Diversity"] != values(mini.out, "2").loc["CLVAE", "Diversity"]


def test_unfinished_cells_are_resumed(mini: Run, source: Path, tmp_path: Path):
    finished = mini.cell("2", 0).folder
    killed = tmp_path / "cells" / finished.name
    shutil.copytree(finished, killed)
    for path in [*killed.glob("*.pth"), killed / "results.jsonl"]:
        path.unlink()
    config = mini.cell("2", 0).config
    train(replace(config, train=replace(config.train, iterations=1)), work_dir=killed, progress=False)
    for name in ("record.json", "iter_000001.pth"):
        (killed / name).unlink()
    assert bench(tmp_path, source, "2") == 0
    assert not (killed / "iter_000001.pth").exists(), "the first iteration was not trained again"
    ours, theirs = (checkpoints.load(folder / "latest.pth") for folder in (killed, finished))
    assert ours["progress"]["iteration"] == 2
    assert all(torch.equal(ours["method"][key], theirs["method"][key]) for key in ours["method"] if "extra" not in key)
    assert values(tmp_path, "2").loc["CLVAE", "Diversity"] == values(mini.out, "2").loc["CLVAE", "Diversity"]


def test_given_checkpoints_take_the_place_of_training(mini: Run, source: Path, tmp_path: Path):
    given = mini.cell("2", 0).folder / "latest.pth"
    only = ["clvae", "data"]
    assert bench(tmp_path, source, "2", checkpoints=[given], only=only) == 0
    row, trained = values(tmp_path, "2").loc["CLVAE"], values(mini.out, "2").loc["CLVAE"]
    assert row["Diversity"] == trained["Diversity"]
    assert row["note"] == f"external checkpoint {given}"
    assert not list((tmp_path / "cells").glob("*/*.pth"))
    with pytest.raises(ZooError, match="no checkpoint at"):
        bench(tmp_path, source, "2", checkpoints=[tmp_path / "nothing"])


def test_given_checkpoints_that_fit_no_row_are_refused(mini: Run, source: Path, fragile: Path, tmp_path: Path):
    file = tables(tmp_path / "tables", "")
    sentence = r"No row of the tables 1 fits what --checkpoints .*clvae-deepfashion-\w+ holds \(clvae on deepfashion\)"
    with pytest.raises(ZooError, match=sentence):
        bench(tmp_path / "out", file, "1", checkpoints=[mini.cell("2", 0).folder], plugins=[fragile])
    mistyped = {"checkpoints": [mini.cell("2", 0).folder], "sets": ["train.epocs=3"]}
    with pytest.raises(ZooError, match=r'"train\.epocs".*did you mean "train\.epochs"'):
        bench(tmp_path / "out", source, "2", **mistyped)
    assert not (tmp_path / "out").exists()
    both = mini.cell("2", 0).folder.parent
    assert bench(tmp_path / "out", source, "2", checkpoints=[both], only=["data"]) == 0, (
        "others in the folder do not matter"
    )


def test_a_damaged_grid_is_written_anew(mini: Run, source: Path, tmp_path: Path):
    shutil.copytree(mini.out, tmp_path, dirs_exist_ok=True)
    (tmp_path / "bench.json").write_text('{"profile": "sm')
    with pytest.raises(ZooError, match=r"damaged.*zoo bench"):
        Grid.load(tmp_path)
    assert bench(tmp_path, source, "2") == 0
    assert set(Grid.load(tmp_path).tables) == {"2"}
    assert values(tmp_path, "2").equals(values(mini.out, "2"))


def test_data_root_is_the_folder_of_datasets_or_of_the_dataset(source: Path, tmp_path: Path):
    standin.make("deepfashion", tmp_path / "data" / "deepfashion", train=1, test=1, seed=0, size=(32, 32))
    chosen = tables_of(source, "2")
    roots = [tmp_path / "data", tmp_path / "data" / "deepfashion"]
    grids = [build_grid(chosen, BenchOptions("smoke", tmp_path, data_root=root)) for root in roots]
    cells = [next(iter(grid.cells.values())) for grid in grids]
    assert [cell.config.data["root"] for cell in cells] == [roots[1], roots[1]]
    assert {cell.data for cell in cells} == {"real"}
    assert cells[0].folder == cells[1].folder
    with pytest.raises(ZooError, match=r"no folder .*deepfashion comes from"):
        build_grid(chosen, BenchOptions("smoke", tmp_path, data_root=tmp_path / "nowhere"))


def test_cells_are_told_apart_by_what_changes_their_numbers(source: Path, tmp_path: Path):
    chosen = tables_of(source, "2")

    def key(*sets: str, seed: int = 0) -> str:
        return next(iter(build_grid(chosen, BenchOptions("smoke", tmp_path, seed=seed, sets=[*SETS, *sets])).cells))

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
    with pytest.raises(ZooError, match=r"data/deepfashion.*--data-root"):
        build_grid(tables_of(source, "2"), BenchOptions("paper", tmp_path))


def test_missing_feature_weights_are_noticed_before_training(source: Path, tmp_path: Path):
    standin.make("deepfashion", tmp_path / "deepfashion", train=1, test=1, seed=0, size=(32, 32))
    assert bench(tmp_path, source, "2", profile="paper", data_root=tmp_path, sets=(), only=["clvae"]) == 1
    row = values(tmp_path, "2").loc["CLVAE"]
    assert row["note"].startswith("failed: The weights of AlexNet trained on ImageNet are missing")
    assert not list((tmp_path / "cells").glob("*/*.pth"))


def test_mistyped_settings_stop_before_anything_runs(source: Path, tmp_path: Path):
    with pytest.raises(ZooError, match=r'did you mean "train\.iterations"'):
        bench(tmp_path, source, "all", sets=["train.iteration=3"])
    assert not list(tmp_path.iterdir())
