"""Weights of the pretrained feature networks: located on disk or downloaded.

They are only used by metrics and perceptual losses. Files are searched in the folder given by the environment variable
``ZOO_WEIGHTS`` and in torch hub's cache, and otherwise downloaded from the publisher, unless ``ZOO_OFFLINE=1`` is set.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import torch
from safetensors.torch import load_file
from torch import Tensor

from zoo.errors import ZooError, nearest

log = logging.getLogger(__name__)

CONNECT_SECONDS = 8.0
"""Timeout for the first response of a server, including the DNS lookup, and for each block."""
SLOWEST = 20_000
"""Minimum average speed in bytes per second; slower downloads are aborted, so that they cannot block a run."""


@dataclass(frozen=True)
class Source:
    """The source of the weights of one network.

    Attributes:
        title: Name in messages.
        url: The published file, whose name ends with the first digits of its SHA-256.
        compact: Pattern of smaller safetensors files with the same keys.
        needs: Keys that a file must contain.
        prefix: Prefix of the keys that are used (without a classifier head).
    """

    title: str
    url: str
    compact: str
    needs: tuple[str, ...]
    prefix: str = "features."

    @property
    def original(self) -> str:
        """Name of the published file."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def sha256_prefix(self) -> str:
        """First digits of its SHA-256."""
        return Path(self.original).stem.rsplit("-", 1)[-1]


_TORCHVISION = "https://download.pytorch.org/models/"
_PYTORCH_FID = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"


def _convolutions(*modules: int) -> tuple[str, ...]:
    return tuple(f"features.{m}.{kind}" for m in modules for kind in ("weight", "bias"))


SOURCES: dict[str, Source] = {
    "alexnet": Source(
        "AlexNet trained on ImageNet",
        _TORCHVISION + "alexnet-owt-7be5be79.pth",
        "alexnet-features*.safetensors",
        _convolutions(0, 3, 6, 8, 10),
    ),
    "vgg16": Source(
        "VGG16 trained on ImageNet",
        _TORCHVISION + "vgg16-397923af.pth",
        "vgg16-features*.safetensors",
        _convolutions(0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24),
    ),
    "vgg19": Source(
        "VGG19 trained on ImageNet",
        _TORCHVISION + "vgg19-dcbb9e9d.pth",
        "vgg19-features*.safetensors",
        _convolutions(0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28),
    ),
    "inception-fid": Source(
        "the Inception network of the FID (2015-12-05)",
        _PYTORCH_FID + "pt_inception-2015-12-05-6726825d.pth",
        "inception-fid*.safetensors",
        ("Conv2d_1a_3x3.conv.weight", "Mixed_5b.branch1x1.conv.weight", "Mixed_7c.branch_pool.conv.weight"),
        prefix="",
    ),
}

_failures: dict[str, str] = {}
"""Reasons of failed downloads, by URL, or by host if it did not respond; nothing is tried twice in a process."""


@dataclass(frozen=True)
class Provenance:
    """The feature network that is actually used, for logs, records and results.

    Attributes:
        network: The network in use.
        stand_in_for: The requested network, if it differs.
        seed: Seed of random weights.
        note: Note on a minor deviation.
    """

    network: str
    stand_in_for: str | None = None
    seed: int | None = None
    note: str = ""

    def describe(self) -> str:
        """For example ``vgg16 (stand-in for vgg19)`` or ``random vgg19 (seed 1234)``."""
        text = self.network if self.seed is None else f"random {self.network} (seed {self.seed})"
        inside = [f"stand-in for {self.stand_in_for}"] if self.stand_in_for else []
        inside += [self.note] if self.note else []
        return f"{text} ({', '.join(inside)})" if inside else text


def resolve(name: str, *, download: bool = True) -> Path | None:
    """Find the weights file of a network of :data:`SOURCES`; None if it is missing and cannot be downloaded.

    In each folder, the published file is preferred over a compact one.

    Args:
        name: The network.
        download: Try to download it.

    Raises:
        ZooError: The network is unknown.
    """
    source = _source(name)
    folder = os.environ.get("ZOO_WEIGHTS")
    if folder:
        here = Path(folder).expanduser()
        for path in (here / source.original, *sorted(here.glob(source.compact))):
            if path.is_file():
                return path
    cached = _cache() / source.original
    if cached.is_file():
        return cached
    if not download or os.environ.get("ZOO_OFFLINE", "0") not in ("", "0"):
        return None
    return _download(source, cached)


def require(name: str) -> Path:
    """As :func:`resolve`, but raises ZooError with download instructions if the file is missing."""
    path = resolve(name)
    if path is None:
        raise ZooError(missing(name))
    return path


def missing(name: str) -> str:
    """The message for a missing file."""
    source = _source(name)
    why = _failures.get(source.url) or _failures.get(urlsplit(source.url).netloc)
    return (
        f"The weights of {source.title} are missing{f' (download failed: {why})' if why else ''}: save {source.url} "
        f"to {_cache()} or to the folder given by the environment variable ZOO_WEIGHTS."
    )


def load(name: str, path: Path | None = None) -> dict[str, Tensor]:
    """Load the tensors of a network in float32, with the keys of torchvision (``features.0.weight``) or pytorch-fid.

    Args:
        name: The network.
        path: The file, by default that found by :func:`require`.

    Raises:
        ZooError: The file is missing, truncated, not a weights file, or of another network.
    """
    source = _source(name)
    path = require(name) if path is None else path
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        kept = {k: v.float() if v.is_floating_point() else v for k, v in state.items() if k.startswith(source.prefix)}
    except Exception as error:  # safetensors and the unpickler raise many different errors for a damaged file
        raise ZooError(_unusable(path, source, "cannot be read: it is truncated or not a weights file")) from error
    absent = [key for key in source.needs if key not in kept]
    if absent:
        raise ZooError(_unusable(path, source, f"has no tensor {absent[0]}"))
    return kept


def he_normal(
    shapes: Sequence[Sequence[int]], generator: torch.Generator, bias_std: float = 0.05
) -> list[tuple[Tensor, Tensor]]:
    """Seeded random convolutions in the order of ``shapes``: weight ``N(0, 2 / fan_in)``, bias ``N(0, bias_std^2)``.

    This keeps the scale of activations constant over the depth of an untrained ReLU network.
    """
    drawn = []
    for shape in shapes:
        weight = torch.randn(*shape, generator=generator) * math.sqrt(2 / math.prod(shape[1:]))
        drawn.append((weight, torch.randn(shape[0], generator=generator) * bias_std))
    return drawn


def _source(name: str) -> Source:
    if name not in SOURCES:
        known = sorted(SOURCES)
        raise ZooError(f'There are no weights for "{name}"{nearest(name, known) or "."} Known: {", ".join(known)}.')
    return SOURCES[name]


def _unusable(path: Path, source: Source, what: str) -> str:
    return f"The weights file {path} of {source.title} {what}; delete it and download {source.url} instead."


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _download(source: Source, target: Path) -> Path | None:
    host = urlsplit(source.url).netloc
    if source.url in _failures or host in _failures:
        return None
    try:
        answer = _open(source.url)
    except (OSError, HTTPException) as error:
        where = source.url if isinstance(error, urllib.error.HTTPError) else host
        _failures[where] = str(getattr(error, "reason", None) or error)
        log.warning("could not download %s: %s", source.url, _failures[where])
        return None
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        log.warning("downloading %s from %s", source.title, source.url)
        with answer, partial.open("wb") as file:
            digest = _copy(answer, file)
        if not digest.startswith(source.sha256_prefix):
            raise OSError(f"its SHA-256 begins with {digest[:8]}, expected {source.sha256_prefix}")
        partial.replace(target)
    except (OSError, HTTPException) as error:
        _failures[source.url] = str(error)
        log.warning("could not download %s: %s", source.url, error)
        return None
    finally:
        partial.unlink(missing_ok=True)
    return target


def _open(url: str) -> IO[bytes]:
    """Open a URL with a timeout of CONNECT_SECONDS, in a thread, since DNS lookups have no timeout."""
    outcome: list[IO[bytes] | Exception] = []

    def connect() -> None:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "zoo"})
            outcome.append(urllib.request.urlopen(request, timeout=CONNECT_SECONDS))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:g} s")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _copy(answer: IO[bytes], file: IO[bytes]) -> str:
    """Copy a stream and return its SHA-256 in hexadecimal. Raises OSError if it is too slow."""
    digest, start, size = hashlib.sha256(), time.monotonic(), 0
    while block := answer.read(1 << 20):
        digest.update(block)
        file.write(block)
        size += len(block)
        seconds = time.monotonic() - start
        if seconds > CONNECT_SECONDS and size < SLOWEST * seconds:
            raise OSError(f"only {size} bytes in {seconds:.0f} s")
    return digest.hexdigest()
