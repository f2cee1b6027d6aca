"""A bench that is killed, worker or harness, goes on from its last checkpoint, to the numbers of a quiet run."""

import json
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from tests.benchmarks import small_bench
from tests.benchmarks.small_bench import METRICS, PLUGIN, SETS, all_results, logged, pictures, tables, until
from zoo import checkpoints
from zoo_bench.cell import CellFolder
from zoo_bench.showcase import Showcase
from zoo_bench.tables import TABLES

EVERY = 10
LONGER = (*SETS, "train.iterations=60", f"train.checkpoint_every={EVERY}", "train.keep=1")


def words(out: Path, sets: tuple[str, ...] = LONGER) -> list[object]:
    return ["--plugin", PLUGIN, "--out", out, *(word for each in sets for word in ("--set", each))]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tables(tmp_path_factory.mktemp("tables") / "tables", "pause: 0.05", "pause: 0.05, number: 1")


@pytest.fixture(scope="module")
def quiet(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bench that nobody disturbed."""
    folder = tmp_path_factory.mktemp("quiet")
    process = small_bench.start(source, *words(folder / "out"), cwd=folder)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "row0" in out and "row1" in out
    return folder / "out"


def first_cell(out: Path) -> Path:
    """The folder of the first row's cell, once the bench has laid it out."""
    until((out / "bench.json").is_file)
    return out / "cells" / json.loads((out / "bench.json").read_text())["tables"]["1"]["rows"][0]["cells"][0]


def begun(process: subprocess.Popen[str], out: Path, iteration: int) -> Path:
    """The folder of the first cell, once it has logged so many iterations."""
    cell = first_cell(out)
    until(lambda: process.poll() is not None or len(logged(cell)) >= iteration)
    assert process.poll() is None, process.communicate()
    return cell


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.mark.slow
def test_after_the_harness_and_a_worker_were_killed_the_numbers_are_those_of_a_quiet_run(
    quiet: Path, source: Path, tmp_path: Path
):
    out = tmp_path / "out"
    process = small_bench.start(source, *words(out), cwd=tmp_path)
    cell = begun(process, out, EVERY + 2)
    state = CellFolder(cell).state
    assert state is not None and CellFolder(cell).running and alive(state.pid) and state.pid != process.pid
    process.kill()
    process.communicate()
    done = len(logged(cell))
    until(lambda: not alive(state.pid), 30)  # without its harness, the worker saves itself and ends
    assert not CellFolder(cell).running
    saved = checkpoints.load(cell / "latest.pth")["progress"]["iteration"]
    assert done <= saved < 40, "what was trained by then is saved"

    before = logged(cell)
    process = small_bench.start(source, *words(out), cwd=tmp_path)
    begun(process, out, saved + EVERY + 2)
    assert logged(cell)[:saved] == before[:saved], "no iteration was trained again"
    state = CellFolder(cell).state
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2 and "1 cell failed" in err.splitlines()[-1]
    reason = "Its worker was ended by SIGKILL (by hand, or because memory ran out)"
    for said in (err, (cell / "failed.json").read_text(), (out / "table1.csv").read_text()):
        assert reason in said
    assert len(all_results(out)) == 2, "the others went on"

    checkpoint = checkpoints.load(cell / "latest.pth")["progress"]["iteration"]
    assert checkpoint > saved and checkpoint % EVERY == 0
    before = logged(cell)[:checkpoint]
    process = small_bench.start(source, *words(out), cwd=tmp_path)  # not its own fault, so no --retry-failed
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0 and "2 of 3 cells are finished already" in err
    assert logged(cell)[:checkpoint] == before, "it went on from the checkpoint"
    assert [line["iteration"] for line in logged(cell)] == list(range(1, 61))
    assert not (cell / "failed.json").exists()
    numbers = all_results(quiet)
    assert all_results(out) == numbers and len(numbers) == 3
    assert all(set(found) == set(METRICS) for found in numbers.values())
    for name in numbers:
        pd.testing.assert_frame_equal(pictures(quiet / "cells" / name), pictures(out / "cells" / name))


@pytest.mark.slow
def test_a_bench_that_is_told_to_stop_saves_and_says_how_to_go_on(source: Path, tmp_path: Path):
    process = small_bench.start(source, *words(tmp_path / "out"), "--jobs", 2, cwd=tmp_path)
    cell = begun(process, tmp_path / "out", 5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    last = err.splitlines()[-1]
    assert last.startswith("Error: Stopped by Ctrl-C") and "the same bench command continues" in last
    assert not list(tmp_path.glob("out/cells/*/failed.json")) and not CellFolder(cell).running
    saved = checkpoints.load(cell / "latest.pth")["progress"]["iteration"]
    assert saved >= 5
    notes = pd.read_csv(tmp_path / "out" / "table1.csv").set_index("method")["note"]
    assert notes["row0"] == f"not run yet (training, {saved} of 60)" and notes["data"] == "not run yet"
    assert "row0" in (tmp_path / "out" / "report.html").read_text()
    assert "Writing the report of what is finished" in err
    sound(tmp_path / "out", unfinished=False)


@pytest.mark.slow
def test_a_bench_that_is_told_twice_ends_at_once(tmp_path: Path):
    source = tables(tmp_path / "tables", "pause: 10")
    process = small_bench.start(source, *words(tmp_path / "out"), cwd=tmp_path)
    cell = begun(process, tmp_path / "out", 1)
    worker = CellFolder(cell).state
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None, "it waits for the end of the iteration"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and err.splitlines()[-1] == "Interrupted."
    assert worker is not None and not alive(worker.pid) and not CellFolder(cell).running
    assert not (cell / "latest.pth").exists(), "the iteration did not come to its end"
    sound(tmp_path / "out", unfinished=False)


def sound(out: Path, *, unfinished: bool = True) -> None:
    """Whatever a kill left behind can be read; ``unfinished``: files that have not got their names yet may be there."""
    for path in out.rglob("*"):
        if path.name.startswith("."):
            assert unfinished, path
            continue
        if not path.is_file():
            continue
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.name == "results.jsonl":
            assert all(json.loads(line) for line in path.read_text().splitlines())
        elif path.suffix == ".parquet":
            pd.read_parquet(path)
        elif path.suffix == ".pth":
            checkpoints.load(path)
        elif path.name == "showcase.npz":
            Showcase.load(path)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.long
def test_all_tables_killed_ten_times_end_with_the_numbers_of_a_quiet_run(tmp_path: Path):
    sets = (
        *("train.iterations=6", "train.batch_size=2", "train.checkpoint_every=2", "train.log_every=1"),
        *("data.size=[32, 64]", "data.standin={train: 4, test: 2, seed: 0}"),
    )
    command = ["--tables", "all", "--profile", "smoke", "--jobs", 2, *(w for each in sets for w in ("--set", each))]
    begun = time.monotonic()
    calm = small_bench.start(TABLES, *command, "--out", tmp_path / "quiet", cwd=tmp_path)
    _, err = calm.communicate(timeout=1800)
    assert calm.returncode == 0, err
    length = time.monotonic() - begun

    rng, out = random.Random(0), tmp_path / "out"
    for number in range(10):
        process = small_bench.start(TABLES, *command, "--out", out, cwd=tmp_path)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=rng.uniform(0.1, 0.4) * length)
        victims = children(process.pid) if number % 3 != 1 and process.poll() is None else []
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if number % 3 == 0:
            time.sleep(3)  # the harness goes on with other workers
        process.kill()
        process.communicate()
        sound(out)
    for _ in range(3):  # a cell may have failed because its worker was killed, and is tried again
        last = small_bench.start(TABLES, *command, "--out", out, cwd=tmp_path)
        _, err = last.communicate(timeout=1800)
        if last.returncode == 0:
            break
    assert last.returncode == 0, err
    numbers = all_results(tmp_path / "quiet")
    assert all_results(out) == numbers and len(numbers) == 21
    for cell in numbers:
        folders = (tmp_path / "quiet" / "cells" / cell, out / "cells" / cell)
        pd.testing.assert_frame_equal(*map(pictures, folders))
