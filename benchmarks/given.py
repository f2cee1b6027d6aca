"""Checkpoints that the bench judges instead of training its own: earlier runs, or imported official weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import checkpoints
from zoo.config import Config
from zoo.errors import ZooError


@dataclass(frozen=True)
class Given:
    """iteration: how far it was trained, or None where the file does not say."""

    path: Path
    config: Config
    iteration: int | None
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Given:
        """The checkpoint in a file. Raises ZooError for a file that is none."""
        payload = checkpoints.load(path)
        iteration = payload.get("progress", {}).get("iteration")
        return cls(path, Config.from_dict(payload["config"], str(path)), iteration, checkpoints.digest(path))


def find(paths: Sequence[Path]) -> list[Given]:
    """The checkpoints at the paths: files, or folders that hold ``.pth`` files or run folders with a ``latest.pth``.

    Raises ZooError for a path with none, and for a file that is no checkpoint.
    """
    files: list[Path] = []
    for path in paths:
        here = [path] if path.is_file() else [*path.glob("latest.pth"), *path.glob("*/latest.pth")]
        here = here or sorted(path.glob("*.pth"))
        if not here:
            raise ZooError(f"There is no checkpoint at {path}: give a .pth file, a run folder, or a folder of those.")
        files += here
    return [Given.read(path) for path in files]


def matching(given: Sequence[Given], config: Config, telling: set[str]) -> Given | None:
    """The checkpoint for a row: same method, same dataset, and equal in the settings that tell rows of it apart.

    All other settings (width, size, length of the training) are the checkpoint's own. Raises ZooError where two match.
    """

    def identity(candidate: Config) -> list[Any]:
        names = [candidate.method["name"], candidate.data["name"]]
        return names + [candidate.method.get(key) for key in sorted(telling)]

    fitting = [one for one in given if identity(one.config) == identity(config)]
    if len(fitting) > 1:
        raise ZooError(
            f"Both {fitting[0].path} and {fitting[1].path} fit {config.method['name']} on {config.data['name']}: "
            "give one of them."
        )
    return fitting[0] if fitting else None
