"""Cells in worker processes and in jobs: who serves whom, what becomes of crashes, and who may run a cell."""

import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.benchmarks.small_bench import METRICS, SETS, results, tables
from zoo import checkpoints
from zoo.engine import train
from zoo.engine.folder import RunFolder
from zoo.errors import ZooError
from zoo.plugins import load_plugins
from zoo_bench.cell import Cell, CellBusyError, CellFolder, State
from zoo_bench.grid import BenchOptions, build_grid
from zoo_bench.harness.cluster import Jobs, parameters
from zoo_bench.harness.evaluation import evaluate_cell
from zoo_bench.harness.local import Ended, Executor, Processes, _gpus, shares
from zoo_bench.harness.worker import run_cell
from zoo_bench.tables import choose, read

READERS = (("itself", 0), ("forked", 2))


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ZOO_WEIGHTS", str(tmp_path)), ("TORCH_HOME", str(tmp_path)), ("ZOO_OFFLINE", "1")):
        monkeypatch.setenv(name, value)


def cells(out: Path, fragile: Path, *rows: str, sets: Sequence[str] = SETS) -> list[Path]:
    """The folders of the cells of fragile rows, laid out but not run."""
    load_plugins([fragile])
    out.mkdir(exist_ok=True)
    chosen = choose(read(tables(out / "tables", *rows)), ["1"], toy=True)
    grid = build_grid(chosen, BenchOptions("smoke", out, sets=sets))
    for cell in grid.cells.values():
        cell.save()
    return [grid.cells[one.cells[0]].folder for one in grid.rows["1"][: len(rows)]]


def ended(executor: Executor, folder: Path) -> Ended:
    """Run a cell and wait for its end."""
    executor.start(folder)
    for _ in range(300):
        for one in executor.wait(0.5):
            assert one.folder == folder
            return one
    raise AssertionError("the cell did not end")


def pid(folder: Path) -> int:
    state = CellFolder(folder).state
    assert state is not None
    return state.pid


@pytest.mark.slow
def test_a_process_ends_with_its_cell_and_says_how(no_weights: None, fragile: Path, tmp_path: Path):
    good, error, crash, last = cells(tmp_path, fragile, "", "ends: error, at: 2", "ends: crash, at: 2", "number: 3")
    executor = Processes(1, [fragile])
    try:
        assert [ended(executor, folder).outcome for folder in (good, error)] == ["done", "done"]
        assert len({pid(good), pid(error), os.getpid()}) == 3
        assert set(results(good)) == set(METRICS)
        failure = CellFolder(error).failure
        assert failure is not None and failure.reason.startswith("RuntimeError: out of luck")
        assert failure.trace is not None and "train_step" in (error / failure.trace).read_text()

        gone = ended(executor, crash)
        assert gone.outcome == "died" and "SIGSEGV" in gone.why and str(CellFolder(crash).output) in gone.why
        assert "Segmentation fault" in CellFolder(crash).output.read_text()
        assert ended(executor, last).outcome == "done"
        assert not any(CellFolder(folder).running for folder in (good, error, crash, last))

        with CellFolder(last).locked():
            (last / "results.jsonl").unlink()
            busy = ended(executor, last)
        assert busy.outcome == "busy" and "is being run by" in busy.why
    finally:
        executor.close()


def test_a_worker_has_processes_read_its_pictures(no_weights: None, fragile: Path, tmp_path: Path):
    """They are forked while a thread of the process watches the harness."""
    folders = [cells(tmp_path / kind, fragile, "", sets=(*SETS, f"train.workers={n}"))[0] for kind, n in READERS]
    executor = Processes(1, [fragile])
    try:
        assert [ended(executor, folder).outcome for folder in folders] == ["done", "done"]
    finally:
        executor.close()
    assert results(folders[0]) == results(folders[1])


def test_only_one_process_runs_a_cell(no_weights: None, fragile: Path, tmp_path: Path):
    (folder,) = cells(tmp_path, fragile, "")
    State("training").save(folder)
    assert not CellFolder(folder).running
    with CellFolder(folder).locked():
        assert CellFolder(folder).running
        with (
            pytest.raises(CellBusyError, match=rf"process {pid(folder)} on "),
            CellFolder(folder).locked(0.0),
        ):
            pass
        with pytest.raises(CellBusyError):
            run_cell(folder)
        assert not (folder / "results.jsonl").exists()
    assert not CellFolder(folder).running
    run_cell(folder)
    assert results(folder)[METRICS[0]] > 0


def test_a_cell_whose_description_is_damaged_fails_with_a_sentence(tmp_path: Path):
    folder = tmp_path / "cells" / "one"
    folder.mkdir(parents=True)
    (folder / "cell.json").write_text('{"method": "gaugan"')
    run_cell(folder)
    failure = CellFolder(folder).failure
    assert failure is not None and "cell.json does not describe a cell" in failure.reason


def test_a_trained_cell_keeps_what_using_the_method_takes(no_weights: None, fragile: Path, tmp_path: Path):
    (folder,) = cells(tmp_path, fragile, "")
    run = RunFolder(folder)
    train(Cell.load(folder).config, work_dir=folder, progress=False)
    full, numbered = checkpoints.load(run.latest), run.checkpoints()
    assert len(numbered) == 2 and all("optimizers" in checkpoints.load(path) for path in numbered)
    trained = (folder / "log.jsonl").read_bytes()
    run_cell(folder)
    assert (folder / "log.jsonl").read_bytes() == trained, "it had been trained already"
    slim = checkpoints.load(run.latest)
    assert torch.equal(slim["method"]["generator.colours"], full["method"]["generator.colours"])
    assert slim["progress"] == full["progress"] and slim["config"] == full["config"]
    assert run.checkpoints() == numbered
    assert not any("optimizers" in checkpoints.load(path) for path in (run.latest, *numbered))
    assert run.latest.samefile(numbered[-1]), "which takes no room of its own"
    assert named_by_results(folder) == {hashlib.sha256(run.latest.read_bytes()).hexdigest()[:12]}


@pytest.mark.parametrize("lost", [["results.jsonl"], ["results.jsonl", "record.json", "state.json"]])
def test_a_worker_that_dies_before_its_evaluation_does_not_train_again(
    no_weights: None, fragile: Path, tmp_path: Path, lost: list[str]
):
    (folder,) = cells(tmp_path, fragile, "")
    run_cell(folder)
    before, found = (folder / "latest.pth").read_bytes(), results(folder)
    for name in lost:
        (folder / name).unlink()
    run_cell(folder)
    assert CellFolder(folder).failure is None and results(folder) == found
    assert (folder / "latest.pth").read_bytes() == before


def test_a_worker_that_dies_while_it_strips_checkpoints_continues(no_weights: None, fragile: Path, tmp_path: Path):
    (folder,) = cells(tmp_path, fragile, "")
    run = RunFolder(folder)
    train(Cell.load(folder).config, work_dir=folder, progress=False)
    checkpoints.strip_optimizer(run.checkpoints()[-1])
    unfinished = [folder / ".latest.4242.pth", folder / ".pictures.4242.parquet"]
    for path in unfinished:
        path.write_bytes(b"half of it")
    run_cell(folder)
    assert "optimizers" not in checkpoints.load(run.latest) and run.latest.samefile(run.checkpoints()[-1])
    assert set(results(folder)) == set(METRICS) and not any(path.exists() for path in unfinished)


def test_the_file_that_results_name_stays(no_weights: None, fragile: Path, tmp_path: Path):
    """Cells of older benches have whole checkpoints, and a further metric is one of the same file."""
    (folder,) = cells(tmp_path, fragile, "")
    cell, run = Cell.load(folder), RunFolder(folder)
    train(cell.config, work_dir=folder, progress=False)
    evaluate_cell(cell, [METRICS[0]], lambda done, total: None)
    before = run.latest.read_bytes()
    run_cell(folder)
    assert set(results(folder)) == set(METRICS)
    assert run.latest.read_bytes() == before
    assert named_by_results(folder) == {hashlib.sha256(before).hexdigest()[:12]}


def named_by_results(folder: Path) -> set[str]:
    """The hashes of checkpoints in the results of a cell."""
    return {json.loads(line)["checkpoint"] for line in (folder / "results.jsonl").read_text().splitlines()}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_named_and_the_cell_tried_again(no_weights: None, fragile: Path, tmp_path: Path):
    (folder,) = cells(tmp_path, fragile, "ends: full, at: 2")
    run_cell(folder)
    failure = CellFolder(folder).failure
    assert failure is not None and failure.again
    assert failure.reason.startswith(f"There is no room left on the disk of {folder}: free some")


def test_further_metrics_join_the_ones_that_are_there(no_weights: None, fragile: Path, tmp_path: Path):
    (folder,) = cells(tmp_path, fragile, "")
    description = json.loads((folder / "cell.json").read_text())

    def ask(*metrics: str) -> None:
        (folder / "cell.json").write_text(json.dumps(description | {"metrics": metrics}))
        run_cell(folder)

    ask(METRICS[0])
    before, trained = results(folder), (folder / "latest.pth").stat().st_mtime_ns
    ask(METRICS[1], "lpips_alex_reconstruction")
    found = results(folder)
    assert set(found) == {*METRICS, "lpips_alex_reconstruction"} and found[METRICS[0]] == before[METRICS[0]]
    assert found["lpips_alex_reconstruction"] is None, "fragile has no encoder"
    lines = map(json.loads, (folder / "results.jsonl").read_text().splitlines())
    assert {line["metric"]: line["warnings"] for line in lines}["lpips_alex_reconstruction"] == [
        "fragile has no encoder"
    ]
    stored = pd.read_parquet(folder / "pictures.parquet")
    assert stored.groupby("metric")["index"].apply(sorted).to_dict() == {metric: [0, 1] for metric in METRICS}
    assert (folder / "latest.pth").stat().st_mtime_ns == trained


@pytest.mark.slow
def test_where_there_are_gpus_processes_are_no_forks(
    no_weights: None, fragile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """CUDA does not work in forks of a process whose imports have looked for GPUs."""
    monkeypatch.setattr("zoo_bench.harness.local._gpus", lambda: ["7"])
    (folder,) = cells(tmp_path, fragile, "")
    executor = Processes(2, [fragile])
    try:
        executor.start(folder)
        (child,) = multiprocessing.active_children()
        environment = Path(f"/proc/{child.pid}/environ")  # empty until the new program has started
        started = (text for _ in range(300) if (text := environment.read_text()) or time.sleep(0.1))
        assert "CUDA_VISIBLE_DEVICES=7" in next(started).split("\0"), "before CUDA is loaded"
        assert "CUDA_VISIBLE_DEVICES" not in os.environ
        assert next(one for _ in range(300) for one in executor.wait(0.5)).outcome == "done"
        assert set(results(folder)) == set(METRICS)
    finally:
        executor.close()


def test_jobs_share_the_gpus_or_the_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8))
    assert shares(3, []) == [{"OMP_NUM_THREADS": "2"}] * 3 and shares(1, []) == [{}]
    assert [share["CUDA_VISIBLE_DEVICES"] for share in shares(3, ["0", "1"])] == ["0", "1", "0"]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert _gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7,8")
    assert _gpus() == ["5", "7"]


@pytest.mark.slow
def test_cells_run_as_jobs(no_weights: None, fragile: Path, tmp_path: Path):
    good, bad, killed = cells(tmp_path, fragile, "", "ends: error, at: 2", "ends: kill, at: 2")
    executor = Jobs(tmp_path, [fragile], at_once=3, cluster="local")
    for folder in (good, bad, killed):
        assert executor.free > 0
        executor.start(folder)
    assert executor.free == 0
    found: dict[Path, Ended] = {}
    for _ in range(300):
        found |= {one.folder: one for one in executor.wait(0.5)}
        if len(found) == 3:
            break
    assert {folder: one.outcome for folder, one in found.items()} == {good: "done", bad: "done", killed: "died"}
    assert set(results(good)) == set(METRICS)
    failure = CellFolder(bad).failure
    assert failure is not None and "out of luck" in failure.reason
    assert found[killed].why.startswith("ended in job ") and str(tmp_path / "jobs") in found[killed].why


@pytest.mark.slow
def test_a_preempted_job_goes_back_into_the_queue_and_continues(no_weights: None, fragile: Path, tmp_path: Path):
    trap = tmp_path / "trap"
    (folder,) = cells(tmp_path, fragile, f"ends: preempted, at: 2, trap: {trap}")
    trap.touch()
    executor = Jobs(tmp_path, [fragile], at_once=1, cluster="local")
    assert ended(executor, folder).outcome == "done"
    assert set(results(folder)) == set(METRICS)
    assert not trap.exists(), "the job was preempted"
    steps = [json.loads(line)["iteration"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2]


def test_settings_of_jobs():
    asked = parameters({"partition": "gpu", "gres": "gpu:1", "time": "90", "mem": "16GB", "reservation": "mine"})
    assert asked["slurm_partition"] == "gpu" and asked["slurm_gres"] == "gpu:1" and asked["slurm_time"] == 90
    assert asked["slurm_additional_parameters"] == {"reservation": "mine"}
    with pytest.raises(ZooError, match="time=1:30"):
        parameters({"time": "1:30"})


def test_without_slurm_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ZooError, match=r"No job can be sent to slurm .*sbatch"):
        Jobs(tmp_path, cluster="slurm")


def test_without_submitit_a_sentence_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(ZooError, match=r"submitit.*pip install"):
        Jobs(tmp_path)
