"""Finding, downloading and reading the weights of the feature networks."""

import hashlib
import http.server
import io
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from zoo import weights
from zoo.errors import ZooError


@pytest.fixture(autouse=True)
def empty_machine(tmp_path, monkeypatch):
    """No weights anywhere, no download, and no memory of earlier failures."""
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.delenv("ZOO_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(weights, "_failures", {})


def alexnet(value: float = 1.0, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    state = {key: torch.full((2,), value, dtype=dtype) for key in weights.SOURCES["alexnet"].needs}
    return state | {"classifier.1.weight": torch.ones(3)}


@pytest.fixture
def server(monkeypatch):
    """A web server here that hands out ``server.body`` and counts requests; alexnet is to come from there."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.body)

        def log_message(self, *_):
            pass

    buffer = io.BytesIO()
    torch.save(alexnet(), buffer)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.body, running.requests = buffer.getvalue(), 0
        digest = hashlib.sha256(running.body).hexdigest()
        url = f"http://127.0.0.1:{running.server_port}/alexnet-owt-{digest[:8]}.pth"
        monkeypatch.setitem(weights.SOURCES, "alexnet", replace(weights.SOURCES["alexnet"], url=url))
        monkeypatch.setenv("ZOO_OFFLINE", "0")
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def test_real_files_load_as_float32(weights_dir, monkeypatch):
    monkeypatch.setenv("ZOO_WEIGHTS", str(weights_dir))
    shapes = {"alexnet": ("features.10.weight", (256, 256, 3, 3)), "vgg16": ("features.24.weight", (512, 512, 3, 3))}
    shapes["inception-fid"] = ("Mixed_7c.branch_pool.conv.weight", (192, 2048, 1, 1))
    for name, (key, shape) in shapes.items():
        state = weights.load(name)
        assert state[key].shape == shape
        assert {t.dtype for t in state.values()} == {torch.float32}


def test_published_file_comes_before_compact_and_folder_before_cache(tmp_path, monkeypatch):
    cache = tmp_path / "torch" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(alexnet(3.0), cache / "alexnet-owt-7be5be79.pth")
    assert weights.resolve("alexnet") == cache / "alexnet-owt-7be5be79.pth"

    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path))
    save_file(alexnet(2.0, torch.float16), tmp_path / "alexnet-features-fp16.safetensors")
    state = weights.load("alexnet")
    assert state["features.0.bias"].tolist() == [2.0, 2.0] and state["features.0.bias"].dtype == torch.float32

    torch.save(alexnet(1.0), tmp_path / "alexnet-owt-7be5be79.pth")
    state = weights.load("alexnet")
    assert state["features.0.bias"].tolist() == [1.0, 1.0]
    assert not [key for key in state if key.startswith("classifier")]


def test_missing_says_what_from_where_and_where_to(tmp_path):
    assert weights.resolve("vgg19") is None
    with pytest.raises(ZooError) as caught:
        weights.require("vgg19")
    for part in ("VGG19", weights.SOURCES["vgg19"].url, str(tmp_path / "torch"), "ZOO_WEIGHTS"):
        assert part in str(caught.value)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ZooError, match=r'did you mean .*"vgg19"'):
        weights.resolve("vgg18")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_truncated_file_is_named(tmp_path, monkeypatch, suffix):
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path))
    path = tmp_path / ("alexnet-owt-7be5be79.pth" if suffix == ".pth" else "alexnet-features.safetensors")
    torch.save(alexnet(), path) if suffix == ".pth" else save_file(alexnet(), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ZooError) as caught:
        weights.load("alexnet")
    assert str(path) in str(caught.value) and "truncated" in str(caught.value)


def test_pickle_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path))
    path = tmp_path / "alexnet-owt-7be5be79.pth"
    torch.save({"features.0.weight": Path("anything")}, path)
    with pytest.raises(ZooError, match=path.name):
        weights.load("alexnet")


def test_file_of_another_network_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path))
    save_file(alexnet(), tmp_path / "vgg16-features-fp16.safetensors")
    with pytest.raises(ZooError, match=r"vgg16-features-fp16\.safetensors.*features"):
        weights.load("vgg16")


def test_download_lands_in_the_cache_once(server, tmp_path):
    path = weights.require("alexnet")
    assert path.parent == tmp_path / "torch" / "hub" / "checkpoints" and path.read_bytes() == server.body
    assert weights.require("alexnet") == path
    assert server.requests == 1
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert weights.load("alexnet")["features.0.bias"].tolist() == [1.0, 1.0]


def test_download_with_a_wrong_hash_is_not_kept_and_not_tried_again(server, tmp_path):
    server.body += b"tampered"
    assert weights.resolve("alexnet") is None
    assert weights.resolve("alexnet") is None
    assert server.requests == 1
    assert list((tmp_path / "torch" / "hub" / "checkpoints").iterdir()) == []
    with pytest.raises(ZooError, match="SHA-256"):
        weights.require("alexnet")


def test_offline_and_download_false_ask_nobody(server, monkeypatch):
    assert weights.resolve("alexnet", download=False) is None
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert weights.resolve("alexnet") is None
    assert server.requests == 0


def test_silent_server_is_given_up(monkeypatch):
    import socket

    monkeypatch.setattr(weights, "CONNECT_SECONDS", 0.2)
    monkeypatch.setenv("ZOO_OFFLINE", "")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/vgg19-dcbb9e9d.pth"
        monkeypatch.setitem(weights.SOURCES, "vgg19", replace(weights.SOURCES["vgg19"], url=url))
        assert weights.resolve("vgg19") is None
    with pytest.raises(ZooError, match="download failed"):
        weights.require("vgg19")


def test_provenance_reads_well():
    assert weights.Provenance("vgg16", stand_in_for="vgg19").describe() == "vgg16 (stand-in for vgg19)"
    assert weights.Provenance("vgg19", seed=1234).describe() == "random vgg19 (seed 1234)"
    assert weights.Provenance("vgg19").describe() == "vgg19"
