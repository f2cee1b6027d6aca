"""Commands of installed packages, found through the entry-point group ``zoo.commands``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = """
import click


@click.command()
@click.argument("name")
def greet(name: str) -> None:
    \"\"\"Greet NAME.\"\"\"
    click.echo(f"hello {name}")
"""


def install(folder: Path, package: str, code: str, **entries: str) -> None:
    """What an installer leaves of a package: its module, and metadata with entry points."""
    (folder / f"{package}.py").write_text(code)
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in entries.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[zoo.commands]", *lines]) + "\n")


@pytest.fixture
def zoo(tmp_path: Path):
    """Runs ``zoo ...`` in a process of its own, with the packages of a folder on its path."""
    install(tmp_path, "greeting", COMMAND, greet="greeting:greet", train="greeting:greet", number="greeting:COUNT")
    install(tmp_path, "wreck", "raise RuntimeError('out of order')", wreck="wreck:command")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        command = [sys.executable, "-m", "zoo", *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_a_package_brings_a_command(zoo):
    assert "Greet NAME" in zoo("--help").stdout
    assert zoo("greet", "world").stdout == "hello world\n"


def test_the_commands_of_the_core_stay(zoo):
    assert "METHOD" in zoo("train", "--help").stdout


@pytest.mark.parametrize(("name", "reason"), [("wreck", "out of order"), ("number", "COUNT")])
def test_a_command_that_cannot_be_loaded_says_why_and_stops_no_other(zoo, name, reason):
    outcome = zoo(name, "--some", "words")
    assert outcome.returncode == 2 and name in outcome.stderr and reason in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert zoo("greet", "world").returncode == 0
