"""Results as they are stored: one JSON line per number, with all that is needed to say what it is a number of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.environment import versions
from zoo.errors import ZooError
from zoo.files import atomic_file, write_text


@dataclass(frozen=True)
class Result:
    """One number of one run.

    Attributes:
        metric: Full name.
        value: The number; None if the method has no such pictures (GauGAN has no codes to draw), with a warning.
        better: "lower" or "higher".
        protocol: As in :class:`zoo.metrics.MetricResult`.
        data: Where the pictures come from.
        method: Name of the method.
        settings: Its settings.
        training: iterations, vgg, seed, ... of the checkpoint, as far as they are known.
        seed: Of the random codes.
        profile: Of the training.
        config: First digits of the config's hash.
        checkpoint: First digits of the checkpoint's hash.
        device: In words.
        seconds: Duration of the evaluation that gave this number.
        warnings: What a reader of the number must know.
        versions: Of python and packages.
    """

    metric: str
    value: float | None
    better: str
    protocol: dict[str, Any]
    data: str
    method: str
    settings: dict[str, Any]
    training: dict[str, Any]
    seed: int
    profile: str
    config: str
    checkpoint: str
    device: str
    seconds: float
    warnings: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """The result as one line of JSON."""
        return json.dumps(asdict(self))


def package_versions() -> dict[str, str]:
    """Versions of python and of the packages that train and evaluate."""
    return versions() | {package: version(package) for package in ("lpips", "pytorch-fid")}


def training_facts(checkpoint: Path) -> dict[str, Any]:
    """Facts of a training from the record beside its checkpoint; "unknown" iterations and vgg without a record."""
    facts: dict[str, Any] = {"iterations": "unknown", "vgg": "unknown"}
    record = checkpoint.with_name("record.json")
    if record.is_file():
        content = json.loads(record.read_text())
        keys = ("iterations", "vgg", "seed", "pictures_per_update", "precision", "device", "seconds")
        facts |= {key: content[key] for key in keys if key in content}
    return facts


def read(path: Path) -> list[Result]:
    """The results in a file; none where there is no file. Raises ZooError for a damaged one."""
    if not path.is_file():
        return []
    try:
        entries = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return [Result(**{**entry, "warnings": tuple(entry["warnings"])}) for entry in entries]
    except (ValueError, TypeError, KeyError) as error:
        raise ZooError(f"The results in {path} cannot be read ({error}): delete the file to compute them anew.") from (
            error
        )


def write_pictures(path: Path, pictures: pd.DataFrame) -> None:
    """Write the number of every picture as Parquet, whole or not at all."""
    with atomic_file(path) as temporary:
        pictures.to_parquet(temporary, index=False)


def write(path: Path, results: Iterable[Result]) -> None:
    """Write one line per result, in place of the file as a whole."""
    write_text(path, "".join(result.line() + "\n" for result in results))
