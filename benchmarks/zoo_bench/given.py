"""Checkpoints that the bench judges instead of training its own: earlier runs, or imported official weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        from zoo import checkpoints  # brings torch, which reading a grid does not need

        payload = checkpoints.load(path)
        iteration = payload.get("progress", {}).get("iteration")
        return cls(path, Config.from_dict(payload["config"], str(path)), iteration, checkpoints.digest(path))

    def fits(self, config: Config, telling: set[str]) -> bool:
        """Whether it is of the method and the dataset of a row's config, and equal in the settings that tell rows of
        the method apart. All other settings (width, size, length of the training) are the checkpoint's own.
        """

        def identity(config: Config) -> list[Any]:
            names = [config.method["name"], config.data["name"]]
            return names + [config.method.get(key) for key in sorted(telling)]

        return identity(self.config) == identity(config)


def files(path: Path) -> list[Path]:
    """A file itself, or the ``.pth`` files of a folder, or the ``latest.pth`` of the run folders there.

    Raises ZooError where there is none.
    """
    here = [path] if path.is_file() else [*path.glob("latest.pth"), *sorted(path.glob("*/latest.pth"))]
    here = here or sorted(path.glob("*.pth"))
    if not here:
        raise ZooError(f"There is no checkpoint at {path}: give a .pth file, a run folder, or a folder of those.")
    return here


def find(path: Path) -> list[Given]:
    """The checkpoints at a path, see :func:`files`. Raises ZooError where there is none, and for other files."""
    return [Given.read(file) for file in files(path)]


def matching(given: Sequence[Given], config: Config, telling: set[str]) -> Given | None:
    """The checkpoint that fits the config of a row, see :meth:`Given.fits`. Raises ZooError where two do."""
    fitting = [one for one in given if one.fits(config, telling)]
    if len(fitting) > 1:
        raise ZooError(
            f"Both {fitting[0].path} and {fitting[1].path} fit {config.method['name']} on {config.data['name']}: "
            "give one of them."
        )
    return fitting[0] if fitting else None
