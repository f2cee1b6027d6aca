"""How far cells are, read from files that the test writes, and how that is shown."""

import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.benchmarks.stored_bench import finish, lay
from zoo.engine.folder import RunFolder
from zoo.errors import ZooError
from zoo_bench.cell import CellFolder, CellStatus, Failure, State
from zoo_bench.grid import Grid
from zoo_bench.harness.local import Ended
from zoo_bench.harness.progress import Lines, Progress, Terminal, View, show_status
from zoo_bench.harness.run import Session
from zoo_bench.harness.selection import require_rows, selected
from zoo_bench.tables import choose, read


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Grid]:
    out = tmp_path_factory.mktemp("bench")
    return out, lay(out, ["2", "3"])


@contextmanager
def at_work(folder: Path, state: State | None) -> Iterator[None]:
    """As while a worker runs a cell."""
    with CellFolder(folder).locked():
        if state is not None:
            state.save(folder)
        yield


def write_log(folder: Path, lines: list[tuple[int, float]], end: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    entries = [{"iteration": i, "seconds": s, "losses": {"gan": 0.5, "kl": i / 10}} for i, s in lines]
    (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries) + end)


def test_training_is_seen_in_its_log(tmp_path: Path):
    folder = tmp_path / "cell"
    with at_work(folder, None):
        assert CellStatus.of(folder).phase == "starting"
    with at_work(folder, State("training", 0, 100)):
        assert CellStatus.of(folder) == CellStatus("training", 0, 100)
        write_log(folder, [(10, 30.0), (20, 50.0), (30, 70.0)], end='{"iteration": 40, "sec')
        # 2 s per iteration, of which 70 are left; the first line has the start in it
        assert CellStatus.of(folder) == CellStatus("training", 30, 100, {"gan": 0.5, "kl": 3.0}, 140.0)
        assert CellStatus.of(folder).text() == "training 30/100, gan 0.5, kl 3, about 0:02:20 left"
    assert CellStatus.of(folder).phase == "waiting", "nobody runs it, and there is no checkpoint to go on from"


def test_a_resumed_training_is_timed_from_where_it_went_on(tmp_path: Path):
    folder = tmp_path / "cell"
    write_log(folder, [(10, 1000.0), (20, 2000.0), (30, 2008.0)])
    with at_work(folder, State("training", 20, 50)):
        status = CellStatus.of(folder)
        assert status.left == pytest.approx(8.0 / 10 * 20)
        write_log(folder, [(10, 1000.0), (20, 2000.0), (30, 2008.0), (40, 2012.0)])
        assert CellStatus.of(folder).left == pytest.approx((12.0 - 8.0) / 10 * 10)
        write_log(folder, [(10, 1000.0), (20, 2000.0)])
        assert CellStatus.of(folder).left is None, "nothing of this process yet"


def test_evaluation_is_seen_in_the_state(tmp_path: Path):
    now = time.time()
    state = State("evaluating", 25, 100, since=now - 50, time=now)
    with at_work(tmp_path / "cell", state):
        status = CellStatus.of(tmp_path / "cell")
    assert (status.phase, status.done, status.total) == ("evaluating", 25, 100)
    assert status.left == pytest.approx(150, abs=1)
    assert status.text().startswith("evaluating 25/100 pictures, about 0:02:")


def test_a_cell_that_was_left_alone(laid: tuple[Path, Grid], tmp_path: Path):
    folder = tmp_path / "cell"
    assert CellStatus.of(folder).phase == "waiting"
    State("training", 0, 100).save(folder_of(folder))
    for name in ("latest.pth", "iter_000040.pth"):
        (folder / name).touch()
    assert CellStatus.of(folder) == CellStatus("stopped", 40, 100)
    State("evaluating", 3, 8).save(folder)
    assert CellStatus.of(folder).text() == "stopped: trained, but not evaluated"
    Failure("It is broken.").save(folder)
    assert CellStatus.of(folder) == CellStatus("failed", note="It is broken.")
    with at_work(folder, State("training", 40, 100)):
        assert CellStatus.of(folder).phase == "training", "it is being tried again"


def folder_of(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_status_shows_every_row(laid: tuple[Path, Grid], capsys: pytest.CaptureFixture[str]):
    out, grid = laid
    cells = [grid.cells[one.cells[0]] for one in grid.rows["2"]]
    finish(cells[0], lambda cell, metric: 0.25 if metric.startswith("diversity") else 0.125)
    Failure("It is broken.").save(cells[1].folder)
    with at_work(cells[2].folder, State("training", 10, 20)):
        show_status(out)
    lines = capsys.readouterr().out.splitlines()
    found = {line.split("  ")[0]: " ".join(line.split()) for line in lines[1:7]}
    assert lines[0] == "Table 2: ADE20K, random codes"
    assert found["GauGAN-VAE"] == "GauGAN-VAE finished diversity_lpips_alex_4 0.2500, top1_lpips_alex_4_l1 0.1250"
    assert found["GauGAN-VAE*"] == "GauGAN-VAE* failed It is broken."
    assert found["GroupDNet"].startswith("GroupDNet training") and "10/20" in found["GroupDNet"]
    assert found["CLVAE"] == "CLVAE waiting" and found["data"] == "data waiting"
    assert lines[-1].endswith("profile smoke: 9 cells (1 finished, 1 failed, 1 training, 6 waiting).")
    show_status(out, tables=["3"], only=["clvae"])
    assert [line.split() for line in capsys.readouterr().out.splitlines()[:2]][1] == ["CLVAE", "waiting"]
    with pytest.raises(ZooError, match='has no table "4"; it has 2, 3'):
        show_status(out, tables=["4"])


def test_only_speaks_of_labels_methods_datasets_and_keys(laid: tuple[Path, Grid]):
    _, grid = laid

    def labels(*patterns: str) -> dict[str, list[str]]:
        return {table: [one.row.label for one in rows] for table, rows in selected(grid, patterns).items()}

    assert labels("CLVAE") == labels("clvae") == {"2": ["CLVAE"], "3": ["CLVAE"]}
    assert labels("gaugan-vae[*]") == {"2": ["GauGAN-VAE*"]}
    assert labels("GauGAN-VAE*")["2"] == ["GauGAN-VAE", "GauGAN-VAE*"], "a star stands for anything"
    assert labels("* on deepfashion")["3"] == ["GauGAN-VAE", "GroupDNet", "CLVAE", "data"]
    assert labels("2/group*", "3/data") == {"2": ["GroupDNet"], "3": ["data"]}
    key = grid.rows["2"][1].cells[0]
    assert labels(key) == labels(f"{key[:-3]}*") == {"2": ["GauGAN-VAE*"]}
    assert {table: len(rows) for table, rows in selected(grid).items()} == {"2": 5, "3": 4}
    with pytest.raises(ZooError, match=r'"clave" fits no row; did you mean "clvae"'):
        selected(grid, ["clave"])
    with pytest.raises(ZooError, match=r'did you mean "clvae on deepfashion"'):
        selected(grid, ["clvae on deepfashon"])


def test_mistyped_names_are_refused_before_keys_are_known(laid: tuple[Path, Grid]):
    tables = choose(read(), ["2"], toy=True)
    for pattern in ("clave", "clvae on gta5", "2/clave", ""):
        with pytest.raises(ZooError, match="fits no row"):
            require_rows(tables, [pattern])
    _, grid = laid
    keys = [key for rows in grid.rows.values() for one in rows for key in one.cells]
    for pattern in [
        "GauGAN-VAE*",
        "3/data",
        "DATA on ade20k",
        "groupdnet",
        "*",
        *keys,
        *(f"{key[:-3]}*" for key in keys),
    ]:
        assert selected(grid, [pattern])
        require_rows(grid.tables, [pattern])


ALONE = """
import sys
sys.argv[0] = "zoo"
from zoo import cli
try:
    cli.main()
finally:
    print("torch" in sys.modules, "pandas" in sys.modules)
"""


def alone(*words: object) -> subprocess.CompletedProcess[str]:
    """``zoo WORDS`` in a process of its own, whose last line says which slow packages it has loaded."""
    return subprocess.run([sys.executable, "-c", ALONE, *map(str, words)], capture_output=True, text=True, timeout=60)


def test_status_needs_no_slow_packages(laid: tuple[Path, Grid], tmp_path: Path):
    out, grid = laid
    shutil.copytree(out, tmp_path, dirs_exist_ok=True)
    first, second, third = (tmp_path / "cells" / one.cells[0] for one in grid.rows["3"][:3])
    finish(replace(grid.cells[first.name], folder=first), lambda cell, metric: 0.25)
    for name in ("latest.pth", "iter_000040.pth"):
        (second / name).touch()
    with at_work(third, State("training", 10, 20)):
        write_log(third, [(12, 5.0)])
        process = alone("bench", "--status", "--out", tmp_path, "--tables", "3", "--only", "*VAE", "--only", "group*")
    lines = [line.split() for line in process.stdout.splitlines()]
    assert lines[1][:4] == ["GauGAN-VAE", "finished", "diversity_lpips_alex_4", "0.2500,"]
    assert lines[2] == ["GroupDNet", "stopped"]
    assert lines[3][:2] == ["CLVAE", "training"] and "12/20" in lines[3]
    assert lines[-1] == ["False", "False"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "clave"], '--only "clave" fits no row; did you mean "clvae"'),
        (["--tables", "3", "--only", "clvae on gta5"], 'fits no row; did you mean "clvae on deepfashion"'),
        (["--tables", "3,layer"], 'no table "layer"; did you mean "layers"'),
        (["--tables", "3", "--checkpoints", "nowhere.pth"], "no checkpoint at nowhere.pth"),
    ],
)
def test_mistyped_choices_are_refused_before_anything_slow_is_loaded(tmp_path: Path, words: list[str], sentence: str):
    process = alone("bench", *words, "--out", tmp_path / "out")
    assert process.returncode == 2 and process.stdout == "False False\n"
    assert sentence in process.stderr and process.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_files_of_a_run_are_those_that_training_writes(tmp_path: Path):
    run, cell = RunFolder(tmp_path), CellFolder(tmp_path)
    assert cell.path / "log.jsonl" == run.log and cell.saved_iteration is None
    for path in (run.latest, run.checkpoint(7), run.checkpoint(1_000_000)):
        path.touch()
    assert cell.saved_iteration == 1_000_000


def test_what_is_left_is_estimated_from_what_has_been_seen():
    progress = Progress({key: key for key in "abcde"}, jobs=1, waiting=3)
    assert progress.left({}) is None
    progress.running["a"] = time.monotonic() - 10
    assert progress.left({"a": CellStatus("training", left=20)}) == pytest.approx(20 + 3 * 30, abs=1), (
        "as long as this one"
    )
    progress.seconds = [40, 60]
    assert progress.left({"a": CellStatus("training", left=20)}) == pytest.approx(20 + 3 * 50, abs=1)
    assert progress.left({"a": CellStatus("starting")}) == pytest.approx(40 + 3 * 50, abs=1)
    progress = replace(progress, jobs=2, running={"a": time.monotonic(), "b": time.monotonic()})
    both = {"a": CellStatus("training", left=20), "b": CellStatus("training", left=500)}
    assert progress.left(both) == pytest.approx(500, abs=1), "the longest cell"
    assert "about 0:08:20 left in all" in progress.summary(both)


def test_a_terminal_has_a_line_for_every_cell_at_work(tmp_path: Path):
    folder = tmp_path / "cells" / "key"
    progress = Progress({"key": "CLVAE on gta5", "other": "GauGAN on gta5"}, jobs=1, waiting=1, failed=1)
    progress.running["key"] = time.monotonic()
    text = io.StringIO()
    view = Terminal(tmp_path, progress, Console(file=text, width=100, force_terminal=True, color_system=None))
    view.open()
    with at_work(folder, State("training", 0, 40)):
        write_log(folder, [(10, 5.0), (20, 10.0)])
        view.event("other", "failed: It is broken.")
        view.refresh()
        view.close()
    shown = text.getvalue()
    assert "[2/2] GauGAN on gta5 (other): failed: It is broken." in shown
    (line,) = {line.strip() for line in shown.splitlines() if "20/40" in line}
    assert "CLVAE on gta5" in line and "training" in line
    assert "about 0:00:10" in line and "gan 0.5  kl 2" in line
    assert "0 of 2 cells finished, 1 failed, about 0:00:20 left in all" in shown


def test_lines_are_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    progress = Progress({"key": "CLVAE on gta5"}, jobs=1)
    progress.running["key"] = time.monotonic()
    view = Lines(tmp_path, progress)
    with at_work(tmp_path / "cells" / "key", State("training", 5, 40)):
        for _ in range(3):
            view.refresh()
        assert capsys.readouterr().err == "[1/1] CLVAE on gta5 (key): training 5/40; 0 of 1 cells finished\n"
        monkeypatch.setattr("zoo_bench.harness.progress.INTERVAL", 0.0)
        view.refresh()
        assert len(capsys.readouterr().err.splitlines()) == 1


class Elsewhere:
    """An executor whose cells are all at work in another bench, until that one has finished them."""

    jobs = 1
    free = 1

    def __init__(self, end: Callable[[Path], None]) -> None:
        self.started: list[Path] = []
        self.end = end

    def start(self, folder: Path) -> None:
        self.started.append(folder)

    def wait(self, seconds: float) -> list[Ended]:
        if not self.started:
            return []
        self.end(self.started[-1])
        return [Ended(self.started.pop(), "busy", "is being run by process 7 on host")]

    def stop(self) -> None: ...

    def close(self) -> None: ...


class Events(View):
    def __init__(self, out: Path, progress: Progress) -> None:
        super().__init__(out, progress)
        self.events: list[str] = []

    def event(self, key: str, text: str) -> None:
        self.events.append(text)


def test_a_cell_of_another_bench_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoo_bench.harness.run.FIRST_PAUSE", 0.01)
    grid = lay(tmp_path, ["3"])
    first, second = list(grid.cells.values())[:2]

    def end(folder: Path) -> None:
        if folder == first.folder:
            finish(first, lambda cell, metric: 0.5)
        else:
            Failure("It is broken there.").save(folder)

    progress = Progress({first.key: "first", second.key: "second"}, jobs=1)
    view = Events(tmp_path, progress)
    Session(progress, Elsewhere(end), view).run([first, second])
    assert (progress.finished, progress.failed) == (1, 1)
    assert sorted(view.events) == [
        "failed in another bench: It is broken there.",
        "finished by another bench: diversity_lpips_alex_4 0.5000, top1_lpips_alex_4_l1 0.5000",
        *["is being run by process 7 on host; waiting for it"] * 2,
    ]
