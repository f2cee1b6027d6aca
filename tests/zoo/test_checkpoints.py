"""Checkpoints: whole or absent, readable alone, and never code."""

import os
import pickle
import resource
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

import zoo
from zoo import ZooError, checkpoints, factory

SMALL = {"size": (64, 64), "classes": 5, "width": 4, "discriminator_width": 4}


def payload(**more):
    return {"config": {}, "method": OrderedDict(a=torch.arange(6.0).view(2, 3)), **more}


def built(**settings):
    return zoo.build("gaugan", seed=3, **(SMALL | settings))


def test_what_is_saved_comes_back(tmp_path):
    path = tmp_path / "new" / "a.pth"
    progress = {"iteration": 7, "betas": (0.0, 0.9), "losses": [1.5, None], "name": "x", 3: b"\x00"}
    checkpoints.save(path, payload(progress=progress, ema=None))
    loaded = checkpoints.load(path)
    assert loaded["progress"] == progress
    assert loaded["version"] == checkpoints.VERSION
    assert torch.equal(loaded["method"]["a"], torch.tensor([[0.0, 1, 2], [3, 4, 5]]))
    assert [p.name for p in path.parent.iterdir()] == ["a.pth"]


@pytest.mark.parametrize("thing", [np.float64(1), object(), {1, 2}, {"x": {(1, 2): 3}}])
def test_only_plain_data_is_saved_and_a_refusal_leaves_the_old_file(tmp_path, thing):
    path = tmp_path / "a.pth"
    checkpoints.save(path, payload(progress=1))
    with pytest.raises(TypeError, match=r"payload\.rng"):
        checkpoints.save(path, payload(rng=thing))
    assert checkpoints.load(path)["progress"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.pth"]


def test_a_write_that_fails_is_a_sentence_and_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(ZooError, match=r"folder\.pth cannot be written"):
        checkpoints.save(tmp_path / "folder.pth", payload())
    assert [p.name for p in tmp_path.iterdir()] == ["folder.pth"]


def test_an_error_of_another_kind_is_told_as_it_is(tmp_path, monkeypatch):
    def broken(content, file):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(RuntimeError, match="device-side assert"):
        checkpoints.save(tmp_path / "a.pth", payload())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_has_its_say_and_the_old_file_stays(tmp_path):
    path = tmp_path / "a.pth"
    checkpoints.save(path, payload())
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(ZooError, match=r"a\.pth.*File too large"):
            checkpoints.save(path, payload(more=torch.zeros(10_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_slim_checkpoint_is_the_method_without_its_training(tmp_path):
    method, path = built(), tmp_path / "a.pth"
    optimizers = {"generator": {"state": {0: {"exp_avg": torch.zeros(1000, 1000)}}}}
    content = {"config": method.config.to_dict(), "method": method.state_dict(), "ema": {"x": torch.ones(1)}}
    checkpoints.save(path, {**content, "progress": {"iteration": 7}, "optimizers": optimizers, "rng": {"seed": 1}})
    full = path.stat().st_size
    checkpoints.strip_optimizer(path)
    assert full - path.stat().st_size >= 4_000_000, "the state of the optimisers"
    loaded = checkpoints.load(path)
    assert set(loaded) == {"version", "config", "method", "ema", "progress"}
    assert loaded["config"] == content["config"] and loaded["progress"] == {"iteration": 7}
    state = zoo.load(path, ema=False).state_dict()
    assert all(torch.equal(state[key], value) for key, value in method.state_dict().items())
    before = path.stat()
    checkpoints.strip_optimizer(path)
    assert path.stat().st_ino == before.st_ino, "there is nothing left to take"
    assert [p.name for p in tmp_path.iterdir()] == ["a.pth"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_named(tmp_path, share):
    path = tmp_path / "cut.pth"
    checkpoints.save(path, payload())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ZooError, match=r"cut\.pth.*truncated"):
        checkpoints.load(path)


def test_files_of_another_kind_are_named(tmp_path):
    with pytest.raises(ZooError, match=r"There is no checkpoint .*absent\.pth"):
        checkpoints.load(tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(ZooError, match=r"text\.pth.*truncated"):
        checkpoints.load(tmp_path / "text.pth")
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "latest_net_G.pth")
    with pytest.raises(ZooError, match=r"latest_net_G\.pth.*zoo import"):
        checkpoints.load(tmp_path / "latest_net_G.pth")
    torch.save({**payload(), "version": 99}, tmp_path / "newer.pth")
    with pytest.raises(ZooError, match=r"newer\.pth.*format 99"):
        checkpoints.load(tmp_path / "newer.pth")


class Attack:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (os.system, (f"touch {self.target}",))


def test_code_in_a_file_is_refused_and_does_not_run(tmp_path):
    mark = tmp_path / "ran"
    torch.save({**payload(), "version": 1, "rng": Attack(mark)}, tmp_path / "attack.pth")
    with pytest.raises(ZooError, match=r"attack\.pth.*more than tensors"):
        checkpoints.load(tmp_path / "attack.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Attack(mark)))
    with pytest.raises(ZooError, match=r"raw\.pth"):
        checkpoints.load(tmp_path / "raw.pth")
    assert not mark.exists()


def test_an_archive_that_would_unpack_to_far_more_is_not_read(tmp_path):
    path = tmp_path / "bomb.pth"
    checkpoints.save(tmp_path / "good.pth", payload())
    with zipfile.ZipFile(tmp_path / "good.pth") as good, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        for record in good.namelist():
            bomb.writestr(record, good.read(record) + bytes(20_000_000 * record.endswith("/data/0")))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ZooError, match=r"bomb\.pth.*packed"):
        checkpoints.load(path)


def test_a_method_comes_back_from_its_file_alone(tmp_path):
    method = built()
    path = tmp_path / "latest.pth"
    averaged = {"generator." + k: v + 1 for k, v in method.generator.state_dict().items() if v.is_floating_point()}
    checkpoints.save(path, {"config": method.config.to_dict(), "method": method.state_dict(), "ema": averaged})
    before = torch.random.get_rng_state()
    plain, mean = zoo.load(path, ema=False), zoo.load(path)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not plain.training and plain.config == method.config
    for key, value in method.state_dict().items():
        assert torch.equal(plain.state_dict()[key], value)
        assert torch.equal(mean.state_dict()[key], averaged.get(key, value))


def test_weights_that_do_not_fit_are_named_with_both_shapes(tmp_path):
    method, other = built(), built(width=6)
    path = tmp_path / "mixed.pth"
    checkpoints.save(path, {"config": method.config.to_dict(), "method": other.state_dict()})
    with pytest.raises(
        ZooError, match=r'mixed\.pth does not fit gaugan .*"generator\..*" has shape \[96.*has shape \[64'
    ):
        zoo.load(path)
    state = method.state_dict()
    state.popitem()
    checkpoints.save(path, {"config": method.config.to_dict(), "method": state})
    with pytest.raises(ZooError, match="is missing in the file"):
        zoo.load(path)


def test_a_config_in_a_file_is_checked_again(tmp_path):
    method = built()
    config = method.config.to_dict()
    config["method"]["widht"] = config["method"].pop("width")
    path = tmp_path / "old.pth"
    checkpoints.save(path, {"config": config, "method": method.state_dict()})
    with pytest.raises(ZooError, match=r'Unknown key "method.widht" in .*old\.pth; did you mean "method.width"'):
        zoo.load(path)


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    first, again, other = built(), built(), zoo.build("gaugan", seed=4, **SMALL)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    assert not first.training


def test_a_dataset_gives_classes_and_size_without_its_files():
    method = zoo.build("gaugan", data="deepfashion", profile="smoke")
    assert (method.config.data["classes"], method.config.data["size"]) == (16, (64, 64))
    label = torch.zeros(1, 64, 64, dtype=torch.long)
    assert method.synthesize(label, method.sample(label, seed=0)).shape == (1, 3, 64, 64)
    smaller = zoo.build("gaugan", data="deepfashion", profile="smoke", classes=8)
    assert smaller.config.data["classes"] == 8


def test_an_object_with_classes_and_size_stands_for_a_dataset():
    class Mine:
        classes, size = 7, (64, 128)

    config = zoo.build("gaugan", data=Mine(), width=4, discriminator_width=4).config
    assert (config.data["name"], config.data["classes"], config.data["size"]) == (None, 7, (64, 128))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"size": (64, 64)}, "data.classes is not set"),
        ({"classes": 4}, "data.size is not set"),
        (SMALL | {"widht": 3}, 'Unknown key "method.widht" in zoo.build; did you mean "method.width"'),
        (
            SMALL | {"width": "wide"},
            'method.width must be a whole number (at least 1), but zoo.build sets it to "wide"',
        ),
        (SMALL | {"profile": "smok"}, 'There is no profile "smok"; did you mean "smoke"'),
        ({"data": "deepfashon"}, 'There is no dataset "deepfashon"; did you mean "deepfashion"'),
    ],
)
def test_build_checks_its_settings(arguments, sentence):
    with pytest.raises(ZooError) as error:
        zoo.build("gaugan", **arguments)
    assert sentence in str(error.value)


def test_plain_values_of_a_module_travel_with_its_weights(tmp_path):
    method = zoo.build("cimle", size=(16, 16), classes=3, width=4, seed=0)
    method.generator.register_module("memory", Memory([1, 2]))
    with pytest.raises(ZooError, match=r'"generator\.memory\._extra_state" is missing in the file'):
        factory.restore(method, zoo.build("cimle", size=(16, 16), classes=3, width=4).state_dict(), "a.pth")
    checkpoints.save(tmp_path / "a.pth", {"config": method.config.to_dict(), "method": method.state_dict()})
    method.generator.memory.seeds = []
    factory.restore(method, checkpoints.load(tmp_path / "a.pth")["method"], "a.pth")
    assert method.generator.memory.seeds == [1, 2]


class Memory(torch.nn.Module):
    def __init__(self, seeds):
        super().__init__()
        self.seeds = seeds

    def get_extra_state(self):
        return {"seeds": self.seeds}

    def set_extra_state(self, state):
        self.seeds = state["seeds"]
