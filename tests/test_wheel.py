"""The built wheel, installed where nothing of the checkout is on the path and run from an empty folder."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.packaging import REPOSITORY, Installation, build_wheel

ORIGINS = """
import json, sys
import benchmarks, cli, configs, plugins, zoo
from zoo import METHODS
METHODS.names()
own = ("benchmarks", "cli", "configs", "plugins", "zoo")
files = [m.__file__ for n, m in sys.modules.items() if n.partition(".")[0] in own and getattr(m, "__file__", None)]
print(json.dumps({"files": files, "path": sys.path, "version": zoo.__version__}))
"""
CONFIGS = """
import json
from zoo import METHODS
from zoo.config import profiles, resolve
data = ["ade20k", "deepfashion", "gta5"]
print(json.dumps({
    f"{method} {name} {profile}": resolve(method, name, profile).to_dict()["method"]["name"]
    for method in METHODS.names() for name in data for profile in profiles()
}))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(REPOSITORY, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Installation:
    return Installation(tmp_path_factory.mktemp("wheel") / "venv", wheel)


def test_every_module_yaml_and_template_of_the_checkout_is_in_the_wheel(wheel):
    packages = ("zoo", "plugins", "benchmarks", "configs")
    files = {f.relative_to(REPOSITORY).as_posix() for p in packages for f in (REPOSITORY / p).rglob("*") if f.is_file()}
    wanted = {file for file in files if file.endswith((".py", ".yaml", ".html", ".css", ".js", ".svg"))} | {"cli.py"}
    shipped = set(zipfile.ZipFile(wheel).namelist())
    assert wanted <= shipped
    assert not any(
        name.startswith(("tests/", "examples/", "runs/", "data/", "benchmarks/results/")) for name in shipped
    )


def test_it_runs_from_its_own_files(installed, tmp_path):
    found = installed.evaluate(ORIGINS, tmp_path)
    assert found["files"] and all(Path(file).is_relative_to(installed.packages) for file in found["files"])
    assert str(REPOSITORY) not in found["path"]
    assert found["version"] in installed.run("zoo", "--version", cwd=tmp_path)


def test_it_has_the_methods_datasets_tables_and_profiles(installed, tmp_path):
    listed = json.loads(installed.run("zoo", "list", "--json", cwd=tmp_path))
    assert [row["method"] for row in listed["methods"]] == ["cimle", "clvae", "gaugan", "gaugan_vae", "groupdnet"]
    assert all(row["paper"] != "-" for row in listed["methods"])
    assert [row["dataset"] for row in listed["datasets"]] == ["ade20k", "deepfashion", "folder", "gta5"]
    assert [row["table"] for row in listed["tables"]] == ["1", "2", "3", "4", "5", "layers", "faces"]
    assert [row["profile"] for row in listed["profiles"]] == ["cpu", "gpu", "paper", "smoke"]


def test_every_config_resolves(installed, tmp_path):
    resolved = installed.evaluate(CONFIGS, tmp_path)
    assert len(resolved) == 5 * 3 * 4
    assert all(key.startswith(f"{name} ") for key, name in resolved.items())


def test_it_trains(installed, tmp_path):
    settings = ("--set", "train.iterations=1", "--set", "data.standin={train: 4, test: 2, seed: 0}")
    installed.run("zoo", "train", "clvae", "--data", "gta5", "--profile", "smoke", *settings, cwd=tmp_path)
    assert {path.name for path in (tmp_path / "runs" / "clvae-gta5").iterdir()} >= {"latest.pth", "config.yaml"}
