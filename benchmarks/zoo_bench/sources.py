"""Where the pictures of a cell come from: a method trained there, an external checkpoint, or the data's generator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.config import Config
from zoo.errors import ZooError

if TYPE_CHECKING:  # both bring torch, which building a grid does not need
    import torch

    from zoo.metrics import PictureSource


class Source(ABC):
    """What a cell evaluates.

    ``kind`` names the type in ``cell.json``, and ``trains`` says whether the cell must be trained first. Config and
    folder in the methods are those of the cell.
    """

    kind: ClassVar[str]
    trains: ClassVar[bool] = False

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the method, or of the generator."""

    def checkpoint(self, folder: Path) -> Path | None:
        """The file that is evaluated; None where there is none."""
        return None

    def open(self, config: Config, folder: Path, device: torch.device) -> PictureSource:
        """The pictures to evaluate; random codes are drawn from the seed of the cell."""
        from zoo import factory
        from zoo.metrics import MethodSource

        checkpoint = self.checkpoint(folder)
        assert checkpoint is not None, "another source brings its own pictures"
        return MethodSource(factory.load(checkpoint, device=device), seed=config.train.seed)

    def training(self, folder: Path) -> dict[str, Any]:
        """What was recorded about the training."""
        from zoo.metrics.results import training_facts

        checkpoint = self.checkpoint(folder)
        return {} if checkpoint is None else training_facts(checkpoint)


@dataclass(frozen=True)
class TrainedHere(Source):
    """A method that the cell trains in its own folder."""

    kind = "trained"
    trains = True
    method: str

    @property
    def name(self) -> str:
        """The name of the method."""
        return self.method

    def checkpoint(self, folder: Path) -> Path:
        """The newest checkpoint of the run."""
        from zoo.engine.folder import RunFolder

        return RunFolder(folder).latest


@dataclass(frozen=True)
class ExternalCheckpoint(Source):
    """A checkpoint from elsewhere (``--checkpoints``): an earlier run, or imported official weights.

    ``iteration`` is how far it was trained, or None where the file does not say.
    """

    kind = "checkpoint"
    path: Path
    config: Config
    iteration: int | None
    sha256: str

    @classmethod
    def read(cls, path: Path) -> ExternalCheckpoint:
        """The checkpoint in a file. Raises ZooError for any other file."""
        from zoo import checkpoints

        payload = checkpoints.load(path)
        iteration = payload.get("progress", {}).get("iteration")
        return cls(path, Config.from_dict(payload["config"], str(path)), iteration, checkpoints.digest(path))

    @property
    def name(self) -> str:
        """The name of the method."""
        return str(self.config.method["name"])

    def checkpoint(self, folder: Path) -> Path:
        """The file itself."""
        return self.path

    def training(self, folder: Path) -> dict[str, Any]:
        """What was recorded beside the file, and its path as "given"."""
        iterations = "unknown" if self.iteration is None else self.iteration
        facts = {"given": str(self.path), "seed": self.config.train.seed, "iterations": iterations}
        return super().training(folder) | facts

    def fits(self, config: Config, keys: set[str]) -> bool:
        """Whether it has the method and the dataset of a row's config, and the same method settings ``keys``.

        All other settings (width, size, length of the training) are the checkpoint's own.
        """

        def identity(config: Config) -> list[Any]:
            return [config.method["name"], config.data["name"], *(config.method.get(key) for key in sorted(keys))]

        return identity(self.config) == identity(config)


@dataclass(frozen=True)
class DataGenerator(Source):
    """The generator of procedural pictures itself, see :mod:`zoo_bench.oracle`."""

    kind = "generator"
    name = "data"

    def open(self, config: Config, folder: Path, device: torch.device) -> PictureSource:
        """The test masks in other styles."""
        from zoo_bench.oracle import OraclePictures

        return OraclePictures(config, seed=config.train.seed, device=device)


def from_description(content: Mapping[str, Any]) -> Source:
    """The source that :func:`description` wrote to ``cell.json``."""
    kind = content["source"]
    if kind == ExternalCheckpoint.kind:
        return ExternalCheckpoint.read(Path(content["checkpoint"]))
    return DataGenerator() if kind == DataGenerator.kind else TrainedHere(content["method"])


def description(source: Source) -> dict[str, Any]:
    """What ``cell.json`` says about a source."""
    path = source.path.resolve() if isinstance(source, ExternalCheckpoint) else None
    return {"source": source.kind, "method": source.name, "checkpoint": None if path is None else str(path)}


def checkpoint_files(path: Path) -> list[Path]:
    """A file itself; in a folder its ``latest.pth`` and those of the run folders in it, else its ``.pth`` files.

    Raises:
        ZooError: Where there is none.
    """
    here = [path] if path.is_file() else [*path.glob("latest.pth"), *sorted(path.glob("*/latest.pth"))]
    here = here or sorted(path.glob("*.pth"))
    if not here:
        raise ZooError(f"There is no checkpoint at {path}: give a .pth file, a run folder, or a folder of those.")
    return here


def matching(checkpoints: Sequence[ExternalCheckpoint], config: Config, keys: set[str]) -> ExternalCheckpoint | None:
    """The checkpoint that fits a row's config, see :meth:`ExternalCheckpoint.fits`. Raises ZooError where two do."""
    fitting = [one for one in checkpoints if one.fits(config, keys)]
    if len(fitting) > 1:
        raise ZooError(
            f"Both {fitting[0].path} and {fitting[1].path} fit {config.method['name']} on {config.data['name']}: "
            "give one of them."
        )
    return fitting[0] if fitting else None
