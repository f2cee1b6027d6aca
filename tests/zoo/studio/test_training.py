"""The first model of a user who has none."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.command_line import working_in
from tests.zoo.studio.pages import ADDRESS, pixels_of
from zoo.studio.server import create_app
from zoo.studio.studio_state import StudioState
from zoo.studio.subprocess_guard import run_until_stdin_closes
from zoo.studio.training import Training


def waited(training, seconds=300):
    """Poll until the run is finished or has failed; returns the states in between."""
    seen, end = [], time.monotonic() + seconds
    while not training.poll() and training.failure is None:
        assert time.monotonic() < end
        seen.append(training.status())
        time.sleep(0.2)
    return seen


def reached(condition, seconds=60) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def processes(word: str) -> list[str]:
    """The command lines with a word in them, of processes that have not ended."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended just now
            continue
    return [line for line in lines if word in line]


def test_a_module_runs_until_its_stdin_is_closed(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "module.py").write_text("import sys, time; print(sys.argv, __name__, flush=True); time.sleep(60)")
    command = run_until_stdin_closes(tmp_path / "work", "module", ["one", "two"])
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == f"{[str(tmp_path / 'module.py'), 'one', 'two']} __main__\n"
        assert child.poll() is None and (tmp_path / "work").is_dir()
        child.stdin.close()
        assert child.wait(20) != 0
    assert not (tmp_path / "work").exists()


def test_a_folder_is_removed_while_the_module_still_writes(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "module.py").write_text(
        "import itertools, pathlib\n"
        "for n in itertools.count():\n"
        "    pathlib.Path(str(n % 50)).mkdir(exist_ok=True)\n"
        "    pathlib.Path(str(n % 50), f'{n}.txt').write_text('half')\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    with subprocess.Popen(
        run_until_stdin_closes(work, "module"),
        cwd=work,
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdin is not None and reached(lambda: len(list(work.rglob("*.txt"))) > 500)
        child.stdin.close()
        assert child.wait(20) != 0
    assert not work.exists()


@pytest.mark.slow
def test_a_studio_that_is_killed_while_pictures_are_drawn_leaves_none(tmp_path):
    code = "import sys, time; from pathlib import Path; from zoo.studio.training import Training\n"
    code += "Training('cpu', Path(sys.argv[1])).begin(); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "home")]) as studio:
        assert reached(lambda: list(tmp_path.rglob("*.jpg")))
        studio.kill()
    assert reached(lambda: not list((tmp_path / "home").iterdir()), 20)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc")
def test_a_studio_that_is_killed_ends_its_training(tmp_path):
    command = [sys.executable, "-m", "zoo", "studio", "--port", "0", "--no-browser", "--device", "cpu"]
    cache = tmp_path / "cache"
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as studio:
        assert studio.stdout is not None and b"The studio is at" in studio.stdout.readline()
        assert reached(lambda: list(cache.rglob("iter_*.png"))) and processes(str(cache))
        studio.kill()
    assert reached(lambda: not processes(str(cache)), 20)
    assert not list(cache.rglob(".clvae*")) and not list(cache.rglob("latest.pth"))


@pytest.mark.slow
def test_a_run_that_breaks_says_why_and_leaves_nothing(tmp_path):
    training = Training("no-device", tmp_path)
    training.begin()
    state = StudioState([], training=training)
    waited(training)
    page = state.setup()["training"]
    assert page["state"] == "failed" and "no-device" in page["sentence"] and "use auto, cpu" in page["sentence"]
    state.close()
    assert [path.name for path in tmp_path.iterdir()] in ([], ["data"])


@pytest.mark.slow
def test_a_studio_that_ends_ends_its_training(tmp_path):
    training = Training("cpu", tmp_path)
    training.begin()
    process = training._process
    assert process is not None and training.status()["state"] == "running"
    StudioState([], training=training).close()
    assert process.returncode is not None and training.checkpoint is None
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_the_first_model_is_trained_once_with_its_progress_shown(tmp_path):
    with working_in(tmp_path):
        training = Training("cpu", tmp_path / "cache")
        training.begin()
        state = StudioState([], training=training)
        seen = waited(training)
        assert {state["total"] for state in seen} == {20} and {state["state"] for state in seen} == {"running"}
        done = [state["done"] for state in seen]
        assert done == sorted(done) and len(set(done)) > 3
        assert any(state["picture"] and pixels_of(state["picture"]).shape[0] == 3 for state in seen)
        client = TestClient(create_app(state), base_url=ADDRESS)
        setup = client.get("/api/setup").json()
        assert setup["training"] is None and [m["toy"] for m in setup["models"]] == [True]
        assert len(setup["examples"]) == 6 and setup["models"][0]["classes"][1]["name"] == "skin"
        again = Training("cpu", tmp_path / "cache")
        assert again.checkpoint == training.checkpoint and again.data_root is not None
        state.close()
    assert [path.name for path in tmp_path.iterdir() if path.name != ".cache"] == ["cache"]
