"""The command: what it opens, where it listens, how it ends."""

import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.command_line import working_in, zoo
from tests.zoo.studio.pages import small_checkpoint
from tests.zoo.studio.process import running
from zoo import ZooError
from zoo.studio.launch import listen, open_studio, serve
from zoo.studio.requests import Limits
from zoo.studio.studio_state import StudioState
from zoo.studio.training import Training

NOTHING = {"names": None, "data_root": None, "bank": None, "statistics": None, "limits": Limits()}


def test_a_port_in_use_and_a_foreign_address():
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ZooError, match=f"{port}.*--port"):
            listen("127.0.0.1", port)
    with pytest.raises(ZooError, match=r"203\.0\.113\.7.*--host"):
        listen("203.0.113.7", 7860)
    with pytest.raises(ZooError, match="no host"):
        listen("no host", 7860)


@pytest.mark.parametrize(
    ("host", "address"), [("0", r"127\.0\.0\.1"), ("0.0.0.0", r"127\.0\.0\.1"), ("::", r"\[::1\]")]
)
def test_a_studio_that_others_can_reach_says_so(host, address):
    said = []

    def echo(sentence):
        said.append(sentence)
        if len(said) == 2:
            raise KeyboardInterrupt

    serve(StudioState([]), host=host, port=0, browser=False, echo=echo)
    assert re.fullmatch(rf"The studio is at http://{address}:\d+ \(press Ctrl-C to stop\)\.", said[0])
    assert "every address" in said[1] and "password" in said[1] and "--host" in said[1]


def test_a_studio_that_finds_its_port_taken_ends_its_training(tmp_path):
    training = Training("cpu", tmp_path)
    training.begin()
    process = training._process
    with listen("127.0.0.1", 0) as first, pytest.raises(ZooError, match="in use"):
        serve(
            StudioState([], training=training), host="127.0.0.1", port=first.getsockname()[1], browser=False, echo=print
        )
    assert process is not None and process.returncode is not None


def test_without_a_checkpoint_the_newest_run_is_opened(tmp_path):
    for age, name in enumerate(("new", "old")):
        path = small_checkpoint("gaugan", tmp_path / "runs" / name, seed=age)
        path = path.rename(path.with_name("latest.pth"))
        os.utime(path, (1000 - age, 1000 - age))
    with working_in(tmp_path):
        state = open_studio([], device="cpu", **NOTHING)
        newest = open_studio([Path("runs/new/latest.pth")], device="cpu", **NOTHING)
    assert list(state.models) == list(newest.models)
    state.close()
    newest.close()


def test_files_for_a_checkpoint_need_one(tmp_path):
    with working_in(tmp_path), pytest.raises(ZooError, match="--bank"):
        open_studio([], device="cpu", **NOTHING | {"bank": Path("bank.parquet")})


def test_mistakes_on_the_command_line_are_sentences(tmp_path, monkeypatch):
    outcome = zoo("studio", tmp_path / "nothing.pth", "--no-browser")
    assert outcome.code == 2 and "There is no checkpoint" in outcome.err
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    outcome = zoo("studio", "--no-browser")
    assert outcome.code == 2 and "pip install 'zoo-smis[studio]'" in outcome.err


@pytest.mark.slow
def test_the_studio_serves_until_ctrl_c(tmp_path):
    words = (small_checkpoint("gaugan", tmp_path), "--device", "cpu")
    with running(*words) as address, urllib.request.urlopen(address + "/") as page:
        assert b"<html" in page.read() and page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.slow
def test_a_studio_that_others_can_reach_still_answers_to_no_foreign_name(tmp_path):
    words = (small_checkpoint("gaugan", tmp_path), "--device", "cpu", "--host", "0")

    def status(address: str, host: str, origin: str | None = None) -> int:
        headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
        request = urllib.request.Request(address + "/api/render", headers=headers, data=b"{}")
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(request)
        return answer.value.code

    with running(*words, warning="--host") as address:
        for host in ("localhost", "192.0.2.7:7860", "[2001:db8::7]:7860"):
            assert status(address, host) == 400 and status(address, host, f"http://{host}") == 400  # heard, and empty
            assert status(address, host, "http://evil.example") == 403
        assert status(address, "evil.example") == status(address, "evil.example", "http://evil.example") == 403
