"""Who the studio answers to, and with which headers."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from zoo.studio.host_guard import HostGuard


async def hello(request):
    return PlainTextResponse("hello")


def client(host="127.0.0.1"):
    return TestClient(HostGuard(Starlette(routes=[Route("/", hello, methods=["GET", "POST"])]), host))


def get(host, listening="127.0.0.1"):
    return client(listening).get("/", headers={"host": host}).status_code


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:7860", "[::1]:7860", "[::1]", "LOCALHOST"])
def test_names_of_this_machine(host):
    assert get(host) == 200


@pytest.mark.parametrize("host", ["", "evil.com", "localhost.evil.com:7860", "127.0.0.1.evil.com", "192.168.0.7:7860"])
def test_foreign_names(host):
    reply = client().get("/", headers={"host": host})
    assert reply.status_code == 403 and "--host" in reply.json()["error"]


def test_the_given_host():
    assert get("studio.lan:7860", "studio.lan") == 200 and get("evil.com", "studio.lan") == 403
    assert get("[fe80::1]:7860", "fe80::1") == 200
    assert get("studio.lan:7860", "Studio.LAN") == 200  # browsers send names in lower case


def test_every_address_means_every_literal_address_and_no_name():
    for listening in ("0.0.0.0", "::"):
        assert get("192.168.0.7:7860", listening) == 200 and get("[fe80::1]:80", listening) == 200
        assert get("evil.com", listening) == 403 and get("evil", listening) == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:7860", 200),
        ("https://localhost:7860", 200),
        ("http://localhost:7861", 403),
        ("http://127.0.0.1:7860", 403),
        ("http://evil.com", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_origins_of_posts(origin, status):
    headers = {"host": "localhost:7860"} | ({} if origin is None else {"origin": origin})
    assert client().post("/", headers=headers).status_code == status
    assert client().get("/", headers=headers).status_code == 200


def test_headers_of_every_answer():
    for reply in (
        client().get("/", headers={"host": "localhost"}),
        client().get("/", headers={"host": "evil.com"}),
        client().get("/api/x", headers={"host": "localhost"}),
    ):
        policy = reply.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert client().get("/api/x", headers={"host": "localhost"}).headers["cache-control"] == "no-store"
