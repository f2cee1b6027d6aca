"""The procedural stand-in of a config: drawn once, then found again."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from zoo.config import Config
from zoo.data.procedural import DEFAULT_SIZES, make
from zoo.errors import ZooError

log = logging.getLogger(__name__)

CACHE = Path("data/standin")


def located(config: Config, cache: Path = CACHE) -> Config:
    """The config with a ``data.root`` that is there, if the stand-in can bring that about.

    Where nothing lies at the default ``data/NAME`` and the config describes a stand-in (``data.standin``, which the
    profile smoke sets) of a dataset that has one, ``data.root`` becomes the stand-in's folder; any other config comes
    back as it is.
    """
    root = Path(config.data["root"])
    name = config.data["name"]
    if root != Path("data") / name or root.is_dir() or config.data["standin"] is None or name not in DEFAULT_SIZES:
        return config
    folder = standin(config, cache)
    log.info("There are no pictures at %s, so the procedural stand-in in %s is used.", root, folder)
    return replace(config, data={**config.data, "root": folder})


def standin(config: Config, cache: Path = CACHE, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """The folder below ``cache`` with the stand-in that ``data.standin`` describes at ``data.size``, drawn if missing.

    Its name tells dataset, counts, seed, size and version of the zoo apart, so runs that ask for the same pictures
    share them. ``progress`` is called with (pictures drawn, pictures in all).

    Raises ZooError for a config without ``data.standin`` and for a dataset that has no stand-in.
    """
    import zoo

    name, numbers, size = config.data["name"], config.data["standin"], config.data["size"]
    if numbers is None:
        raise ZooError(
            f"There is no procedural stand-in for {name} in the profile {config.profile}: give the folder of the "
            "dataset with --data-root, or set data.standin."
        )
    text = json.dumps([name, numbers, list(size), zoo.__version__], sort_keys=True)
    folder = Path(cache) / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    own = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        make(name, own, **numbers, size=size, progress=progress)
        own.rename(folder)
    except OSError as error:
        # another process that wanted the same pictures may have been faster
        if not folder.is_dir():
            raise ZooError(f"The stand-in for {name} cannot be written to {folder}: {error}.") from error
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return folder
