"""Results as they are stored: one JSON line per metric, in one file per cell, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zoo.engine.folder import write_text
from zoo.engine.record import versions
from zoo.errors import ZooError
from zoo.metrics import MetricResult

FID_DIMENSIONS = 2048
"""Features of the FID network; the covariance of fewer pictures than this is singular."""


@dataclass(frozen=True)
class Result:
    """One number, and all that is needed to say what it is of.

    metric, value, better, protocol: as in :class:`zoo.metrics.MetricResult`. data: where the pictures come from.
    training: iterations, trunk, seed, ... of the checkpoint. seed: of the random codes. config, checkpoint: the first
    digits of their hashes. seconds: of the evaluation that this number came out of.
    """

    metric: str
    value: float
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


def package_versions() -> dict[str, str]:
    """Versions of python and of the packages that train and judge."""
    return versions() | {package: version(package) for package in ("lpips", "pytorch-fid")}


def warnings_of(result: MetricResult) -> tuple[str, ...]:
    """What a reader of the number must know."""
    images = int(result.protocol["images"])
    if result.name.startswith("fid") and images < FID_DIMENSIONS:
        return (f"FID from {images} pictures, fewer than its {FID_DIMENSIONS} dimensions",)
    return ()


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


def write(path: Path, results: Iterable[Result]) -> None:
    """Write one line per result, in place of the file as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(json.dumps(asdict(result)) + "\n" for result in results))
