"""The built wheel, installed where nothing of the checkout is on the path and run from an empty folder."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.packaging import REPOSITORY, Installation, build_wheel

ORIGINS = """
import json, sys
import zoo
from zoo import METHODS
METHODS.names()
own = [m for n, m in sys.modules.items() if n.partition(".")[0].startswith("zoo")]
files = [m.__file__ for m in own if getattr(m, "__file__", None)]
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
    packages = {"zoo": "zoo", "configs": "zoo/configs", "benchmarks/zoo_bench": "zoo_bench"}
    packages["benchmarks/tables"] = "zoo_bench/tables"
    packages |= {str(path.relative_to(REPOSITORY)): path.name for path in (REPOSITORY / "plugins").glob("zoo_*")}
    wanted = {
        f"{name}/{file.relative_to(REPOSITORY / folder).as_posix()}"
        for folder, name in packages.items()
        for file in (REPOSITORY / folder).rglob("*")
        if file.suffix in (".py", ".yaml", ".html", ".css", ".js", ".svg")
    }
    shipped = set(zipfile.ZipFile(wheel).namelist())
    assert wanted <= shipped
    assert "zoo/py.typed" in shipped


def test_only_names_that_begin_with_zoo_reach_site_packages(wheel):
    assert all(name.startswith("zoo") for name in zipfile.ZipFile(wheel).namelist())


def test_it_runs_from_its_own_files(installed, tmp_path):
    found = installed.evaluate(ORIGINS, tmp_path)
    assert found["files"] and all(Path(file).is_relative_to(installed.packages) for file in found["files"])
    assert str(REPOSITORY) not in found["path"]
    assert found["version"] in installed.run("zoo", "--version", cwd=tmp_path)


def test_it_has_the_methods_datasets_tables_and_profiles(installed, tmp_path):
    listed = json.loads(installed.run("zoo", "list", "--json", cwd=tmp_path))
    assert [row["method"] for row in listed["methods"]] == ["cimle", "clvae", "gaugan", "gaugan_vae", "groupdnet"]
    assert all(row["paper"] != "-" for row in listed["methods"])
    assert [row["dataset"] for row in listed["datasets"]] == ["ade20k", "celebamask", "deepfashion", "folder", "gta5"]
    assert [row["table"] for row in listed["tables"]] == ["1", "2", "3", "4", "5", "faces", "layers"]
    assert [row["profile"] for row in listed["profiles"]] == ["cpu", "gpu", "paper", "smoke"]


def test_every_config_resolves(installed, tmp_path):
    resolved = installed.evaluate(CONFIGS, tmp_path)
    assert len(resolved) == 5 * 3 * 4
    assert all(key.startswith(f"{name} ") for key, name in resolved.items())


def test_it_trains(installed, tmp_path):
    settings = ("--set", "train.iterations=1", "--set", "data.standin={train: 4, test: 2, seed: 0}")
    installed.run("zoo", "train", "clvae", "--data", "gta5", "--profile", "smoke", *settings, cwd=tmp_path)
    assert {path.name for path in (tmp_path / "runs" / "clvae-gta5").iterdir()} >= {"latest.pth", "config.yaml"}


@pytest.fixture
def crowded(tmp_path) -> Path:
    """A working folder with packages and modules of its own, under the names of the zoo's top-level folders."""
    for name in ("plugins", "benchmarks", "configs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not the package of the zoo')\n")
    (tmp_path / "cli.py").write_text("raise RuntimeError('not the module of the zoo')\n")
    return tmp_path


LISTED = """
import json, zoo, zoo_bench
method = zoo.build("clvae", data="deepfashion", profile="smoke")
print(json.dumps({"methods": zoo.METHODS.names(), "classes": method.config.data["classes"]}))
"""


@pytest.mark.parametrize("path", [{}, {"PYTHONPATH": "."}], ids=["plain", "PYTHONPATH"])
def test_packages_of_the_working_folder_hide_nothing(installed, crowded, path):
    listed = json.loads(installed.run("zoo", "list", "--json", cwd=crowded, **path))
    assert listed == json.loads(installed.run("python", "-m", "zoo", "list", "--json", cwd=crowded, **path))
    assert {"bench", "report", "figure"} <= set(installed.run("zoo", "--help", cwd=crowded, **path).split())
    found = installed.evaluate(LISTED, crowded, **path)
    assert found == {"methods": [row["method"] for row in listed["methods"]], "classes": 16}
    assert {row["table"] for row in listed["tables"]} >= {"1", "2", "3", "4", "5"}


def test_the_bench_runs_among_packages_of_the_working_folder(installed, crowded):
    words = ("--tables", "3", "--only", "gaugan_vae", "--profile", "smoke", "--set", "train.iterations=1")
    words += ("--set", "data.standin={train: 4, test: 2, seed: 0}", "--jobs", "1")
    installed.run("zoo", "bench", *words, cwd=crowded, PYTHONPATH=".")
    assert (crowded / "bench" / "smoke" / "report.html").is_file()
