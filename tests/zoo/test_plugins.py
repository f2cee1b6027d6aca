"""Plugins by path and by entry point, broken ones among them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import METHODS, ZooError, checkpoints, load, plugins
from zoo.catalogue import card
from zoo.config import resolve
from zoo.plugins import broken_plugins, load_plugins, loaded_plugins, warn_broken

METHOD = """
from zoo import METHODS, Method


@METHODS.register("{name}")
class Toy(Method):
    def __init__(self, *, classes: int, size: tuple[int, int], strength: float = 1.0) -> None:
        super().__init__()

    def train_step(self, batch, optimizers):
        return {{}}
"""


@pytest.fixture(autouse=True)
def leave_no_trace(monkeypatch):
    """What a test loads is gone after it."""
    load_plugins()
    monkeypatch.setattr(plugins, "_loaded", dict(plugins._loaded))
    monkeypatch.setattr(plugins, "_broken", dict(plugins._broken))
    names, modules = set(METHODS.names()), set(sys.modules)
    yield
    for name in set(METHODS.names()) - names:
        METHODS.remove(name)
    for module in [m for m in sys.modules if m not in modules and m.startswith("toy_")]:
        del sys.modules[module]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_built_in_methods_are_announced_like_any_other():
    assert {"gaugan", "gaugan_vae", "clvae", "groupdnet", "cimle"} <= {*loaded_plugins(), *broken_plugins()}
    assert METHODS.get("gaugan").__module__.startswith("zoo_gaugan")


def test_every_built_in_method_has_a_card_with_its_terms():
    for name in ("cimle", "clvae", "gaugan", "gaugan_vae", "groupdnet"):
        assert {"title", "paper", "year", "official", "code_licence", "weights_licence", "codes"} <= card(name).keys()


def test_a_file_is_a_plugin_and_needs_no_yaml(tmp_path):
    load_plugins([write(tmp_path / "toy_file.py", METHOD.format(name="toy"))])
    assert "toy_file" in loaded_plugins()
    assert resolve("toy", "deepfashion").method == {"name": "toy", "strength": 1.0}


def test_loading_twice_is_loading_once(tmp_path):
    file = write(tmp_path / "toy_twice.py", METHOD.format(name="toy"))
    load_plugins([file])
    first = METHODS.get("toy")
    load_plugins([file])
    assert METHODS.get("toy") is first
    assert "toy_twice" not in broken_plugins()


def test_a_checkpoint_opens_where_its_plugin_is_loaded(tmp_path):
    file = write(tmp_path / "toy_saved.py", METHOD.format(name="toy_saved"))
    config = {"method": {"name": "toy_saved", "strength": 2.0}, "data": {"size": [8, 8], "classes": 3}}
    checkpoints.save(tmp_path / "x.pth", {"config": config, "method": {}})
    with pytest.raises(ZooError, match=r'x\.pth uses the method "toy_saved", which no installed plugin provides'):
        load(tmp_path / "x.pth")
    write(file, "1 / 0\n")
    assert load_plugins([file]) == ["toy_saved"]
    with pytest.raises(ZooError, match=r"FILE\]\)\); toy_saved is broken: ZeroDivisionError: division by zero\.$"):
        load(tmp_path / "x.pth")
    write(file, METHOD.format(name="toy_saved"))
    os.utime(file, (1, 1))  # the same second and length must not hide the change
    assert load_plugins([file]) == []
    assert load(tmp_path / "x.pth").config.method == config["method"]


def test_a_break_is_reported_once_and_again_when_it_has_another_reason(tmp_path):
    file = write(tmp_path / "toy_reported.py", "1 / 0\n")
    warnings: list[str] = []
    for text in ("1 / 0\n", "1 / 0\n", "import a_module_that_is_nowhere\n"):
        write(file, text)
        warn_broken(load_plugins([file]), warnings.append)
        with pytest.raises(ZooError) as error:
            METHODS.get("nothing")
        assert "toy_reported" not in str(error.value), "an error does not repeat it"
    assert [sentence.rpartition(": ")[0] for sentence in warnings] == [
        "The plugin toy_reported is broken and left out: ZeroDivisionError",
        "The plugin toy_reported is broken and left out: ModuleNotFoundError",
    ]


def test_a_package_brings_its_config_and_its_card(tmp_path):
    folder = tmp_path / "toy_package"
    write(folder / "net.py", METHOD.format(name="toy"))
    write(folder / "__init__.py", "from toy_package.net import Toy as Toy\n")
    write(folder / "configs/methods/toy.yaml", "method: {name: toy, strength: 0.5}\n")
    write(folder / "card.yaml", "title: Toy\nyear: 2024\ndatasets: [deepfashion]\n")
    load_plugins([folder])
    config = resolve("toy", "deepfashion")
    assert config.method == {"name": "toy", "strength": 0.5}
    assert config.origins["method.strength"] == str(folder / "configs/methods/toy.yaml")
    assert card("toy") == {"title": "Toy", "year": 2024, "datasets": ["deepfashion"]}


def test_a_card_is_checked_like_a_config(tmp_path):
    load_plugins([write(tmp_path / "toy_card.py", METHOD.format(name="toy"))])
    assert card("toy") == {}
    write(tmp_path / "card.yaml", "code_license: MIT\n")
    with pytest.raises(ZooError, match=r'"code_license" in .*card\.yaml; did you mean "code_licence"'):
        card("toy")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import a_module_that_is_nowhere", "ModuleNotFoundError: No module named 'a_module_that_is_nowhere'"),
        ("def", "SyntaxError: "),
        ("raise SystemExit('stop here')", "SystemExit: stop here"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
    ],
)
def test_a_broken_plugin_is_named_with_its_reason_and_stops_nothing(tmp_path, text, reason):
    broken = write(tmp_path / "toy_broken.py", text + "\n")
    good = write(tmp_path / "toy_good.py", METHOD.format(name="toy"))
    load_plugins([broken, good])
    assert reason in broken_plugins()["toy_broken"]
    assert "\n" not in broken_plugins()["toy_broken"]
    assert "toy" in METHODS
    with pytest.raises(ZooError, match="toy_broken is broken: "):
        METHODS.get("nothing")


def test_a_plugin_that_breaks_half_way_leaves_no_name_and_can_be_mended(tmp_path):
    text = METHOD.format(name="toy_half")
    file = write(tmp_path / "toy_half.py", text + "\nraise RuntimeError('too late')\n")
    load_plugins([file])
    assert broken_plugins()["toy_half"] == "RuntimeError: too late"
    assert "toy_half" not in METHODS
    write(file, text)
    os.utime(file, (1, 1))  # the same second and length must not hide the change
    load_plugins([file])
    assert "toy_half" not in broken_plugins()
    assert "toy_half" in METHODS


def test_a_second_method_of_the_same_name_breaks_the_newcomer_alone(tmp_path):
    before = METHODS.get("gaugan")
    load_plugins([write(tmp_path / "toy_thief.py", METHOD.format(name="gaugan"))])
    assert 'Two methods are called "gaugan"' in broken_plugins()["toy_thief"]
    assert METHODS.get("gaugan") is before


def test_paths_that_are_no_plugins_are_answered_in_a_sentence(tmp_path):
    write(tmp_path / "toy_project/toy_inner/__init__.py", "")
    write(tmp_path / "json.py", "")
    write(tmp_path / "toy-dash.py", "")
    load_plugins([tmp_path / n for n in ("toy_absent.py", "toy_project", "json.py", "toy-dash.py")])
    broken = broken_plugins()
    assert f"There is nothing at {tmp_path / 'toy_absent.py'}" in broken["toy_absent"]
    assert "no __init__.py" in broken["toy_project"] and "(toy_inner)" in broken["toy_project"]
    assert 'The name "json"' in broken["json"] and "rename" in broken["json"]
    assert "cannot be imported" in broken["toy-dash"]
    assert sys.modules["json"].__name__ == "json"


def test_installed_plugins_of_strangers_are_found_and_may_break(tmp_path):
    """Two distributions on the path, as pip leaves them; the broken one registers through a helper module first."""
    write(tmp_path / "stranger.py", METHOD.format(name="strange"))
    write(tmp_path / "wreck_parts.py", METHOD.format(name="wrecked"))
    write(tmp_path / "wreck.py", "import stranger, wreck_parts\n1 / 0\n")
    for name in ("stranger", "wreck"):
        info = tmp_path / f"{name}-1.0.dist-info"
        write(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        write(info / "entry_points.txt", f"[zoo.plugins]\n{'a_' if name == 'wreck' else ''}{name} = {name}\n")
    code = """
from zoo import METHODS, plugins
print("strange" in METHODS, "wrecked" in METHODS, "gaugan" in METHODS, plugins.broken_plugins()["a_wreck"])
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert run.stdout.strip() == "True False True ZeroDivisionError: division by zero"
