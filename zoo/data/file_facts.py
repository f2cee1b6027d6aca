"""Properties of picture and label files, cached between runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.parallel import Progress, map_threads
from zoo.data.transforms import BROKEN_FILE, read_label, unreadable
from zoo.errors import ZooError
from zoo.files import cache_dir, write_text


@dataclass(frozen=True)
class Facts:
    """Properties of one file.

    Attributes:
        width: In pixels.
        height: In pixels.
        mode: Pillow's image mode.
        ids: Class ids that occur in a label.
        fault: Why the file cannot be used; empty if it can.
    """

    width: int = 0
    height: int = 0
    mode: str = ""
    ids: tuple[int, ...] = ()
    fault: str = ""


def facts_of(
    root: Path, images: Sequence[Path], labels: Sequence[Path], *, fresh: bool = False, progress: Progress | None = None
) -> dict[Path, Facts]:
    """Decode every file completely, in threads; unchanged files are taken from the cache.

    Args:
        root: The folder of the dataset, which has one cache file.
        images: Pictures.
        labels: Label maps.
        fresh: Ignore the cache.
        progress: Called with (done, total).
    """
    cache_file = _cache_file(root)
    known = {} if fresh else _load(cache_file)
    stamps: dict[Path, str] = {}
    found: dict[Path, Facts] = {}
    for path, kind in [*((path, "image") for path in images), *((path, "label") for path in labels)]:
        with contextlib.suppress(OSError):
            stat = path.stat()
            stamps[path] = f"{kind} {stat.st_mtime_ns} {stat.st_size}"
            entry = known.get(str(path.absolute()))
            if entry is not None and entry[0] == stamps[path]:
                width, height, mode, ids, fault = entry[1]
                found[path] = Facts(width, height, mode, tuple(ids), fault)
    work = [(path, _image_facts) for path in images if path not in found]
    work += [(path, _label_facts) for path in labels if path not in found]
    results = map_threads(lambda item: item[1](item[0]), work, progress)
    found.update(zip((path for path, _ in work), results, strict=True))
    if work:
        entries = {str(path.absolute()): (stamps.get(path, ""), astuple(facts)) for path, facts in found.items()}
        with contextlib.suppress(OSError):  # without a writable cache, the files are read again next time
            write_text(cache_file, json.dumps(known | entries))
    return found


def _image_facts(path: Path) -> Facts:
    try:
        with Image.open(path) as file:
            width, height = file.size
            # Decoding a JPEG at 1/8 scale still reads the whole file, in a third of the time.
            file.draft("RGB", (width // 8, height // 8))
            file.load()
            return Facts(width, height, file.mode)
    except BROKEN_FILE as error:
        return Facts(fault=unreadable(path, error))


def _label_facts(path: Path) -> Facts:
    try:
        with Image.open(path) as file:
            (width, height), mode = file.size, file.mode
    except BROKEN_FILE as error:
        return Facts(fault=unreadable(path, error))
    try:
        ids = tuple(np.unique(np.asarray(read_label(path))).tolist())
    except ZooError as error:
        return Facts(width, height, mode, fault=str(error))
    return Facts(width, height, mode, ids)


def _cache_file(root: Path) -> Path:
    return cache_dir() / "data" / f"{hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:16]}.json"


def _load(path: Path) -> dict[str, list]:
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text())
        if isinstance(content, dict):
            return content
    return {}
