"""The first model of a user who has none."""

import time

import pytest
from starlette.testclient import TestClient

from tests.command_line import working_in
from tests.zoo.studio.pages import ADDRESS, pixels_of
from zoo.studio.server import create_app
from zoo.studio.session import Session
from zoo.studio.training import Training


def waited(training, seconds=300):
    """Poll until the run is finished or has failed; returns the states in between."""
    seen, end = [], time.monotonic() + seconds
    while not training.poll() and training.failure is None:
        assert time.monotonic() < end
        seen.append(training.status())
        time.sleep(0.2)
    return seen


@pytest.mark.slow
def test_a_run_that_breaks_says_why_and_leaves_nothing(tmp_path):
    training = Training("no-device", tmp_path)
    training.begin()
    session = Session([], training=training)
    waited(training)
    page = session.setup()["training"]
    assert page["state"] == "failed" and "no-device" in page["sentence"] and "use auto, cpu" in page["sentence"]
    session.close()
    assert [path.name for path in tmp_path.iterdir()] in ([], ["data"])


@pytest.mark.slow
def test_a_studio_that_ends_takes_its_training_along(tmp_path):
    training = Training("cpu", tmp_path)
    training.begin()
    process = training._process
    assert process is not None and training.status()["state"] == "running"
    Session([], training=training).close()
    assert process.returncode is not None and training.checkpoint is None
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_the_first_model_is_trained_before_the_users_eyes_once(tmp_path):
    with working_in(tmp_path):
        training = Training("cpu", tmp_path / "cache")
        training.begin()
        session = Session([], training=training)
        seen = waited(training)
        assert {state["total"] for state in seen} == {20} and {state["state"] for state in seen} == {"running"}
        done = [state["done"] for state in seen]
        assert done == sorted(done) and len(set(done)) > 3
        assert any(state["picture"] and pixels_of(state["picture"]).shape[0] == 3 for state in seen)
        client = TestClient(create_app(session), base_url=ADDRESS)
        setup = client.get("/api/setup").json()
        assert setup["training"] is None and [m["toy"] for m in setup["models"]] == [True]
        assert len(setup["examples"]) == 6 and setup["models"][0]["classes"][1]["name"] == "skin"
        again = Training("cpu", tmp_path / "cache")
        assert again.checkpoint == training.checkpoint and again.data_root is not None
        session.close()
    assert [path.name for path in tmp_path.iterdir() if path.name != ".cache"] == ["cache"]
