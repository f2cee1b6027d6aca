"""Real faces, feature networks with trained weights or with none, and caches, for tests of the core."""

import pytest
import torch

from zoo import weights
from zoo.data.folder import Folder
from zoo.metrics import load_lpips


@pytest.fixture(scope="module")
def real_weights(weights_dir, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_OFFLINE", "1")
        patch.setenv("ZOO_WEIGHTS", str(weights_dir))
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
        yield


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.delenv("ZOO_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache for the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def faces(samples_dir) -> Folder:
    return Folder(root=samples_dir / "celebamask", split="test", size=(64, 64), classes=19)


@pytest.fixture(scope="module")
def network(real_weights):
    return load_lpips()


@pytest.fixture(scope="module")
def package(real_weights):
    """The lpips package itself, with the trained vgg put in by hand."""
    import lpips

    model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    state = weights.load("alexnet")
    with torch.no_grad():
        for key, parameter in model.net.named_parameters():
            parameter.copy_(state["features." + key.split(".", 1)[1]])
    return model
