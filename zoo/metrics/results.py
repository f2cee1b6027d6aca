"""Stored results: one JSON line per number, with its full protocol."""

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
        value: The number; None, with a warning, if the metric does not apply (GauGAN has no codes to draw).
        better: "lower" or "higher".
        protocol: As in :class:`zoo.metrics.MetricResult`.
        data: Description of the pictures.
        method: Name of the method.
        settings: Its settings.
        training: iterations, vgg, seed, ... of the checkpoint, as far as known.
        seed: Seed of the random codes.
        profile: Profile of the training.
        config: First digits of the config's hash.
        checkpoint: First digits of the checkpoint's hash.
        device: Description of the device.
        seconds: Duration of the evaluation.
        warnings: Warnings about the number.
        versions: Versions of Python and packages.
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
    """Versions of Python and of the packages used for training and evaluation."""
    return versions() | {package: version(package) for package in ("lpips", "pytorch-fid")}


def training_facts(checkpoint: Path) -> dict[str, Any]:
    """Facts about a training from the record next to its checkpoint; without it, iterations and vgg are "unknown"."""
    facts: dict[str, Any] = {"iterations": "unknown", "vgg": "unknown"}
    record = checkpoint.with_name("record.json")
    if record.is_file():
        content = json.loads(record.read_text())
        keys = ("iterations", "vgg", "seed", "pictures_per_update", "precision", "device", "seconds")
        facts |= {key: content[key] for key in keys if key in content}
    return facts


def read(path: Path) -> list[Result]:
    """Read the results in a file; empty if there is no file. Raises ZooError if it is damaged."""
    if not path.is_file():
        return []
    try:
        entries = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return [Result(**{**entry, "warnings": tuple(entry["warnings"])}) for entry in entries]
    except (ValueError, TypeError, KeyError) as error:
        raise ZooError(f"The results in {path} cannot be read ({error}): delete the file to recompute them.") from (
            error
        )


def write_pictures(path: Path, pictures: pd.DataFrame) -> None:
    """Write the numbers of every picture as Parquet, atomically."""
    with atomic_file(path) as temporary:
        pictures.to_parquet(temporary, index=False)


def write(path: Path, results: Iterable[Result]) -> None:
    """Write one line per result, atomically replacing the file."""
    write_text(path, "".join(result.line() + "\n" for result in results))
