"""Queue, memory and streams under load, on the bare ASGI application where a client library would be too polite."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tests.zoo.studio.pages import ADDRESS, Page
from zoo.studio import server
from zoo.studio.requests import Limits
from zoo.studio.server import create_app
from zoo.studio.store import Store, UnknownError
from zoo.studio.studio_state import StudioState
from zoo.studio.worker import BusyError, Worker


@pytest.fixture
def busy(checkpoints):
    """A studio whose only place in the queue is free, but whose worker is held until the event."""
    state = StudioState.load([checkpoints["clvae"]], device="cpu", limits=Limits(megabytes=1, queue=1))
    held = Event()
    state.worker.submit(held.wait)
    yield Page(state), held
    held.set()
    state.close()


def asked(app, path, receive, method="POST", headers=()):
    """Status and body of a request whose client behaves as ``receive`` does."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", ADDRESS.removeprefix("http://").encode()), *headers],
        "server": ("127.0.0.1", 7860),
        "client": ("127.0.0.1", 5000),
    }

    async def answered():
        await asyncio.wait_for(app(scope, receive, send), 20)

    # in a thread of its own, since an open browser of other tests has a loop in this one
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(answered())).result()
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_one_request_more_than_the_queue_holds_is_turned_away(busy):
    page, held = busy
    waiting = page.state.worker.submit(lambda: "done")
    reply = page.client.get("/api/bank?class=0")
    assert reply.status_code == 503 and "busy" in reply.json()["error"]
    assert page.client.get("/api/setup").status_code == 200  # needs no worker
    held.set()
    assert waiting.result(10) == "done"
    assert page.client.get("/api/bank?class=0").status_code == 400  # served: there is no bank


def test_a_client_that_goes_away_takes_its_waiting_request_along(busy):
    page, held = busy
    messages = iter([{"type": "http.request", "body": b"{}", "more_body": False}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    asked(create_app(page.state), "/api/render", receive)
    waiting = page.state.worker.submit(lambda: "done")  # its place is free again
    held.set()
    assert waiting.result(10) == "done"


def test_a_stream_without_end_is_cut_off(busy):
    page, _ = busy
    pulled = 0

    async def receive():
        nonlocal pulled
        pulled += 1
        return {"type": "http.request", "body": b"a" * 2**18, "more_body": True}

    status, body = asked(create_app(page.state), "/api/render", receive)
    assert status == 413 and "1 MB" in json.loads(body)["error"]
    assert pulled <= 20 * 4 + 1


def test_an_announced_giant_is_not_read_at_all(busy):
    page, _ = busy

    async def receive():
        raise AssertionError("the body was read")

    length = [(b"content-length", str(2**40).encode())]
    status, _ = asked(create_app(page.state), "/api/open", receive, headers=length)
    assert status == 413


def test_a_worker_runs_jobs_in_order_and_hands_on_their_errors():
    worker, done = Worker(waiting=3), []
    held = Event()
    first = worker.submit(held.wait)
    rest = [worker.submit(lambda n=n: done.append(n)) for n in range(3)]
    with pytest.raises(BusyError, match="busy"):
        worker.submit(lambda: None)
    assert rest[1].cancel()
    rest.append(worker.submit(lambda: done.append(3)))
    held.set()
    assert first.result(10)
    rest[-1].result(10)
    assert done == [0, 2, 3]
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 / 0).result(10)
    worker.close()


def test_a_closed_worker_cancels_what_waits():
    worker, held = Worker(waiting=3), Event()
    worker.submit(held.wait)
    waiting = worker.submit(lambda: None)
    worker.close(timeout=0)
    held.set()
    assert waiting.cancelled()


class Weight:
    def __init__(self, nbytes):
        self.nbytes = nbytes


def test_the_store_forgets_what_was_not_used_for_longest():
    store = Store(100)
    first, second, third = (store.put(Weight(40)) for _ in range(3))
    with pytest.raises(UnknownError, match="open the picture"):
        store.get(first, Weight)
    store.get(second, Weight)
    store.put(Weight(40))
    with pytest.raises(UnknownError):
        store.get(third, Weight)
    assert store.get(second, Weight).nbytes == 40 and store.nbytes == 80
    giant = store.put(Weight(1000))
    assert store.get(giant, Weight).nbytes == 1000 and store.nbytes == 1000
    with pytest.raises(UnknownError):
        store.get(giant, str)


def test_previews_do_not_fill_the_memory(checkpoints, label):
    state = StudioState.load([checkpoints["cimle"]], device="cpu")
    state.store.capacity = 20 * 10 * 64 * 64 * 4  # twenty noise maps
    page = Page(state)
    answer = page.opened(label)
    for seed in range(5):
        assert page.post("samples", scene=page.scene(answer), seed=seed)[0] == 200
        assert state.store.nbytes <= state.store.capacity
    assert page.post("render", scene=page.scene(answer))[0] == 200  # in use all the time
    state.close()


def test_bodies_that_never_arrive_are_bounded_in_number_and_time(checkpoints, monkeypatch):
    """Four of them hang with a queue of two: one is refused at once, the others when their time is over."""
    monkeypatch.setattr(server, "SLOWEST", 0.5)
    state = StudioState.load([checkpoints["clvae"]], device="cpu", limits=Limits(queue=2))
    app = create_app(state)

    async def receive():
        await asyncio.sleep(3600)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: asked(app, "/api/render", receive), range(4)))
    state.close()
    assert sorted(status for status, _ in answers) == [400, 400, 400, 503]
    assert sum(b"did not arrive within" in body for _, body in answers) == 3
