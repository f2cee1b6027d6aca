"""Building wheels as a release would, and installing them where nothing of the checkout is on the path."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PLUGIN = REPOSITORY / "examples" / "plugin"


def uv() -> str:
    """The uv that runs these tests, else one on the path, else the Makefile's; skips where there is none."""
    own = REPOSITORY / ".tools" / "uv" / "bin" / "uv"
    found = os.environ.get("UV") or shutil.which("uv") or (str(own) if own.is_file() else None)
    if found is None:
        pytest.skip("uv is not there to build wheels with: run the tests through `make test`")
    return found


def build_wheel(project: Path, out: Path) -> Path:
    """The wheel of ``project``; skips where the build backend is neither cached nor to be had."""
    command = [uv(), "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", str(out), str(project)]
    built = subprocess.run([*command, "--offline"], capture_output=True, text=True)
    if built.returncode:  # the backend may not be cached yet
        built = subprocess.run(command, capture_output=True, text=True)
    if "Failed to fetch" in built.stderr:
        pytest.skip(f"hatchling is neither cached nor to be had, so the wheel of {project.name} cannot be built")
    assert built.returncode == 0, built.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


class Installation:
    """A fresh virtual environment with some wheels.

    Third-party packages come from the environment of the tests, as a plain folder on the path: the ``.pth`` file there
    that points at the checkout is not followed.
    """

    def __init__(self, folder: Path, *wheels: Path) -> None:
        subprocess.run([uv(), "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        self.bin = folder / "bin"
        self.packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
        theirs = Path(sysconfig.get_path("purelib"))
        (self.packages / "third_party.pth").write_text(f"{theirs}\n")
        for shim in theirs.glob("distutils-precedence.pth"):
            shutil.copy(shim, self.packages)
        install = [uv(), "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(self.bin / "python")]
        subprocess.run([*install, *map(str, wheels)], check=True)

    def run(self, *command: str, cwd: Path, **variables: str) -> str:
        """Standard output of a command of this environment, in a process that knows nothing of the checkout."""
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        environment |= {"OMP_NUM_THREADS": "1", "ZOO_OFFLINE": "1"} | variables
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]], cwd=cwd, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def evaluate(self, code: str, cwd: Path, **variables: str) -> Any:
        """What a Python program of this environment prints, read as JSON."""
        return json.loads(self.run("python", "-c", code, cwd=cwd, **variables))
