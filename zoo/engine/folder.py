"""The run folder: its files, and checks before a run starts or resumes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from zoo.distributed import world_size
from zoo.environment import device_name, versions
from zoo.errors import ZooError
from zoo.files import write_text

RESUMABLE_OVERRIDES = {
    "data.root",
    "train.iterations",
    "train.epochs",
    "train.workers",
    "train.device",
    "train.log_every",
    "train.sample_every",
    "train.checkpoint_every",
    "train.keep",
    "train.evaluate",
    "train.trackers",
    "train.callbacks",
}
"""Settings that may change on resume: length, paths, device, logging, samples and checkpoints."""


class RunFolder:
    """The files of one run.

    These are ``config.yaml``, ``latest.pth``, ``iter_XXXXXX.pth``, ``log.jsonl``, ``record.json``, ``samples/``
    (pictures) and ``logs/`` (trackers).

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.latest = path / "latest.pth"
        self.log = path / "log.jsonl"
        self.record = path / "record.json"
        self.samples = path / "samples"
        self.events = path / "logs"

    def checkpoint(self, iteration: int) -> Path:
        """Path of the numbered checkpoint of an iteration."""
        return self.path / f"iter_{iteration:06d}.pth"

    def checkpoints(self) -> list[Path]:
        """The numbered checkpoints, oldest first."""
        return sorted(self.path.glob("iter_*.pth"), key=lambda p: int(p.stem.removeprefix("iter_")))

    def require(self, *, resume: bool) -> None:
        """Check that a run can start or resume here.

        Raises:
            ZooError: If a run would be overwritten, or there is none to resume.
        """
        if resume and not self.latest.is_file():
            raise ZooError(f"There is no {self.latest} to resume; drop --resume to start a new run.")
        if not resume and (self.latest.exists() or self.checkpoints()):
            raise ZooError(
                f"{self.path} already holds a run; add --resume to continue it, or choose another folder "
                "with --work-dir."
            )

    def begin(self, config: str) -> None:
        """Create the folder, write the resolved config, and remove the log of a run without a checkpoint."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not self.latest.exists():
            self.log.unlink(missing_ok=True)
        write_text(self.config, config)

    def rewind_log(self, iteration: int) -> None:
        """Drop log lines after ``iteration``, which a resumed run writes again, and an incomplete last line."""
        if self.log.is_file():
            # the last line may be incomplete after a full disk or a power failure
            whole = [line for line in self.log.read_text().splitlines(keepends=True) if line.endswith("}\n")]
            write_text(self.log, "".join(line for line in whole if json.loads(line)["iteration"] <= iteration))

    def logged_seconds(self) -> float:
        """Training time in seconds at the last line of the log; 0 if there is none."""
        lines = self.log.read_text().splitlines() if self.log.is_file() else []
        return float(json.loads(lines[-1])["seconds"]) if lines else 0.0

    def recorded_seconds(self) -> float:
        """Duration of earlier starts of the run in seconds, from ``record.json``; 0 if there is none."""
        return float(json.loads(self.record.read_text())["seconds"]) if self.record.is_file() else 0.0

    def write_record(self, facts: Mapping[str, Any], *, device: torch.device, seconds: float) -> None:
        """Write ``record.json``: ``facts``, the device, the number of ranks, versions, and the total duration."""
        machine = {"device": device_name(device), "ranks": world_size(), "versions": versions()}
        record = {**facts, **machine, "seconds": round(seconds, 3)}
        write_text(self.record, json.dumps(record, indent=2) + "\n")

    def publish(self, checkpoint: Path, keep: int) -> None:
        """Make ``checkpoint`` the latest, and remove all but the last ``keep`` numbered checkpoints."""
        temporary = self.path / f".latest.{os.getpid()}.pth"
        temporary.unlink(missing_ok=True)
        try:
            os.link(checkpoint, temporary)
        except OSError:  # a file system without hard links
            shutil.copyfile(checkpoint, temporary)
        temporary.replace(self.latest)
        numbered = self.checkpoints()
        for old in numbered[: max(0, len(numbered) - keep)]:
            old.unlink()

    def diverged(self, iteration: int, what: str) -> ZooError:
        """The error that ends a run whose losses or weights are no longer finite."""
        kept = f"the last good checkpoint is {self.latest}" if self.latest.exists() else "no checkpoint was written yet"
        return ZooError(
            f"Training diverged by iteration {iteration} ({what}), and {kept}; try lower learning rates "
            "(train.optimizers) or train.precision=fp32."
        )


def require_same_config(saved: Mapping[str, Any], asked: Mapping[str, Any], where: Path) -> None:
    """Check that the settings of a resumed run are unchanged, except for :data:`RESUMABLE_OVERRIDES`.

    Args:
        saved: The config in the checkpoint.
        asked: The current config.
        where: The checkpoint, for the error.

    Raises:
        ZooError: Naming the first setting that differs.
    """
    before, now = _flat(saved), _flat(asked)
    for key in [*before, *(k for k in now if k not in before)]:
        allowed = any(key == free or key.startswith(f"{free}.") for free in RESUMABLE_OVERRIDES)
        if not allowed and before.get(key) != now.get(key):
            raise ZooError(
                f"{where} was trained with {key} = {before.get(key)}, but it is now {now.get(key)}; set it "
                "back to resume, or start a new run in another folder with --work-dir."
            )


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as ``{"train.seed": 0}``, tuples as lists (YAML and checkpoints have no other)."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + str(key)] = list(value) if isinstance(value, tuple) else value
    return flat
