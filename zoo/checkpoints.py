"""Checkpoints: the complete state of a run in one file, written atomically and read with the safe unpickler only."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.files import atomic_file

VERSION = 2
"""The layout of the payload; a reader refuses any other."""

REQUIRED = ("version", "config", "method")


def save(path: Path | str, payload: Mapping[str, Any]) -> None:
    """Write a checkpoint; the old file at ``path`` is replaced once the new one is completely on disk.

    Args:
        path: The file.
        payload: ``config`` (:meth:`Config.to_dict`), ``method`` (its state dict), and whatever else is needed to resume
            (``ema`` with averaged entries of the state dict, optimisers, progress, RNG state). ``version`` is added.

    Raises:
        TypeError: The payload contains something other than tensors, plain values and plain containers, which the safe
            unpickler would not read.
        ZooError: The file cannot be written.
    """
    path = Path(path)
    content = {**payload, "version": VERSION}
    _plain(content, "payload")
    try:
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:
        # on a full disk, torch raises an archive error that hides the OSError
        reason = error if isinstance(error, OSError) else error.__context__
        if not isinstance(reason, OSError):
            raise
        raise ZooError(
            f"The checkpoint {path} cannot be written ({reason}): free space or give another folder."
        ) from error


def load(path: Path | str) -> dict[str, Any]:
    """Load the payload of a checkpoint to the CPU, without executing any code in the file.

    Raises:
        ZooError: The file is missing, truncated, not a checkpoint, of another version, or contains more than data.
    """
    path = Path(path)
    if not path.is_file():
        raise ZooError(
            f"There is no checkpoint {path}: give the .pth file of a run, such as runs/clvae-deepfashion/latest.pth."
        )
    _stored(path)
    try:
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ZooError(
            f"The checkpoint {path} holds more than tensors and plain values, so it is not read, because it could run "
            "code: use a checkpoint written by zoo."
        ) from error
    # a damaged archive shows itself in many ways, none of them documented
    except Exception as error:
        raise ZooError(_damaged(path)) from error
    if not isinstance(payload, dict) or not all(key in payload for key in REQUIRED):
        raise ZooError(
            f"{path} is no checkpoint of zoo (it lacks one of {', '.join(REQUIRED)}): give a .pth file of a run; "
            "import official weights with `zoo import`."
        )
    if payload["version"] != VERSION:
        raise ZooError(
            f"The checkpoint {path} has format {payload['version']}, but this zoo reads format {VERSION}: "
            "use the version of zoo that wrote it, or train again."
        )
    return payload


def strip_optimizer(path: Path) -> None:
    """Remove what is only needed to resume training from a checkpoint, mainly the optimiser states.

    A checkpoint without them is left unchanged. Raises ZooError like :func:`load` and :func:`save`.
    """
    payload = load(path)
    if "optimizers" in payload:
        save(path, {key: value for key, value in payload.items() if key not in ("optimizers", "rng")})


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stored(path: Path) -> None:
    """Reject archives that expand when unpacked: torch stores every record once, without compression."""
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ZooError(_damaged(path)) from error
    compressed = any(record.compress_type != zipfile.ZIP_STORED for record in records)
    if compressed or sum(record.file_size for record in records) > path.stat().st_size:
        raise ZooError(
            f"The checkpoint {path} is packed in a way that zoo never writes, so it is not read: use the original file."
        )


def _damaged(path: Path) -> str:
    return (
        f"The file {path} is truncated or not a checkpoint: use an earlier checkpoint of the run, or copy the file "
        "again (import official weights with `zoo import`)."
    )


def _plain(value: Any, key: str) -> None:
    if type(value) in (dict, OrderedDict):
        for name, item in value.items():
            if not isinstance(name, str | int):
                raise TypeError(
                    f"{key} has the key {name!r}, but a checkpoint holds only text and whole numbers as keys"
                )
            _plain(item, f"{key}.{name}")
    elif type(value) in (list, tuple):
        for index, item in enumerate(value):
            _plain(item, f"{key}.{index}")
    elif not (value is None or type(value) in (bool, int, float, str, bytes) or isinstance(value, Tensor)):
        raise TypeError(f"{key} is a {type(value).__name__}, but a checkpoint holds only tensors and plain values")
