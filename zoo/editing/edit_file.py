"""An edited picture as one small file that reproduces it: mask, codes and result in a ZIP that people can open."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from zoo.codes import Codes, CodeSpec
from zoo.data.transforms import BROKEN_FILE
from zoo.editing.reading import MAX_PIXELS
from zoo.engine.samples import evaluating
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.whole_file import whole_file

FORMAT = 1
MEMBERS = ("edit.json", "mask.png", "result.png", "codes.safetensors")
MAX_BYTES = 256 * 2**20
"""Larger files are not read. The codes of cIMLE at 512x1024 have 20 MB."""
BROKEN = (*BROKEN_FILE, zipfile.BadZipFile, RuntimeError, SafetensorError, KeyError, TypeError, AttributeError)
"""What reading raises for a file that is cut off, mangled, encrypted, or was made by something else."""
BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same edit gives the same bytes."""


@dataclass(frozen=True)
class EditFile:
    """What reproduces an edited picture, with the picture.

    mask: ids ``[H, W]`` int64. codes: of batch 1. result: uint8 ``[3, H, W]``. All lie on the CPU. checkpoint: SHA-256
    of the file of weights, in hexadecimal; method: its name. facts: what else JSON can say; ``pasted`` is true where
    ``result`` shows pixels of an original picture, which this file does not hold.
    """

    mask: Tensor
    codes: Codes
    result: Tensor
    checkpoint: str
    method: str
    facts: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The ZIP; equal edits give equal bytes."""
        specs = {name: {"shape": spec.shape, "axes": spec.axes} for name, spec in self.codes.specs.items()}
        about = {
            "format": FORMAT,
            "method": self.method,
            "checkpoint": self.checkpoint,
            "codes": specs,
            "facts": self.facts,
        }
        tensors = {name: tensor.float().contiguous() for name, tensor in self.codes.items()}
        members = {
            "edit.json": json.dumps(about, indent=2).encode(),
            "mask.png": _png(self.mask.numpy().astype(np.uint8 if self.mask.max() < 256 else np.uint16)),
            "result.png": _png(self.result.permute(1, 2, 0).numpy()),
            "codes.safetensors": save(tensors),
        }
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name in MEMBERS:
                archive.writestr(zipfile.ZipInfo(name, BEGINNING), members[name])
        return content.getvalue()

    def save(self, path: Path) -> None:
        """Write the ZIP, whole or not at all."""
        with whole_file(path) as temporary:
            temporary.write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> EditFile:
        """Read what :meth:`save` wrote. Raises ZooError as :meth:`from_bytes`, and for a missing file."""
        if not path.is_file():
            raise ZooError(f"There is no file {path}: give one that `zoo edit --save` or the studio wrote.")
        with path.open("rb") as file:
            return cls.from_bytes(file.read(MAX_BYTES + 1), f"The file {path}")

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> EditFile:
        """Read a ZIP that :meth:`to_bytes` made; ``name`` begins the sentences about it. Nothing in it is executed.

        Raises ZooError for anything else, for more than MAX_BYTES, and for the format of another version.
        """
        try:
            members = _members(content)
            about = json.loads(members["edit.json"])
            if about["format"] != FORMAT:
                raise ZooError(
                    f"{name} has format {about['format']} of edits, but this version of the zoo reads {FORMAT}: open "
                    "it with the version that wrote it."
                )
            mask = _pixels(members["mask.png"], ("L", "I", "I;16"))
            result = _pixels(members["result.png"], ("RGB",))
            if mask.shape != result.shape[:2]:
                raise ValueError("mask and result of different sizes")
            return cls(
                torch.from_numpy(mask.astype(np.int64)),
                _codes(members["codes.safetensors"], about["codes"]),
                torch.from_numpy(result).permute(2, 0, 1),
                str(about["checkpoint"]),
                str(about["method"]),
                dict(about["facts"]),
            )
        except BROKEN as error:
            raise ZooError(
                f"{name} is no edit of the zoo, or a damaged one: give a file that `zoo edit --save` or the studio "
                "wrote."
            ) from error

    def check(self, method: Method, checkpoint: str = "") -> None:
        """Raises ZooError for a method of other codes, classes or size, or of another ``checkpoint`` (its SHA-256)."""
        assert method.config is not None, "the method comes from a checkpoint"
        data = method.config.data
        own = f"{method.name}, {data['classes']} classes, {data['size'][0]}x{data['size'][1]}"
        if (
            self.codes.specs != dict(method.code_specs)
            or tuple(self.mask.shape) != tuple(data["size"])
            or int(self.mask.max()) >= data["classes"]
            or checkpoint not in ("", self.checkpoint)
        ):
            height, width = self.mask.shape
            raise ZooError(
                f"The edit was made with {self.method} at {height}x{width} and does not fit this checkpoint ({own}): "
                f"give the checkpoint whose SHA-256 begins with {self.checkpoint[:12]}."
            )

    def reproduce(self, method: Method) -> Tensor:
        """The picture ``[1, 3, H, W]`` in [-1, 1] of mask and codes, on the device of the method.

        Raises ZooError as :meth:`check`. Another checkpoint of the same shape gives another picture.
        """
        self.check(method)
        device = next(method.parameters()).device
        with evaluating(method):
            return method.synthesize(self.mask[None].to(device), self.codes.to(device))


def _members(content: bytes) -> dict[str, bytes]:
    """The members of a ZIP that stores them as they are, so that nothing unpacks to more than was given."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = archive.infolist()
        stored = all(one.compress_type == zipfile.ZIP_STORED and one.file_size == one.compress_size for one in found)
        if len(content) > MAX_BYTES or not stored or sorted(one.filename for one in found) != sorted(MEMBERS):
            raise zipfile.BadZipFile("too large, compressed, or with other members")
        return {name: archive.read(name) for name in MEMBERS}


def _codes(content: bytes, specs: dict[str, Any]) -> Codes:
    """Codes of batch 1. Raises ValueError where they are not what the specs say, or not finite numbers."""
    tensors = load(content)
    if not all(one.dtype == torch.float32 and bool(one.isfinite().all()) for one in tensors.values()):
        raise ValueError("codes that are no finite numbers of 32 bits")
    declared = {name: CodeSpec(tuple(one["shape"]), tuple(one["axes"])) for name, one in specs.items()}
    return Codes(tensors, declared, 1)


def _pixels(content: bytes, modes: tuple[str, ...]) -> NDArray[Any]:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as file:
        if file.mode not in modes or file.width * file.height > MAX_PIXELS:
            raise ValueError("another kind of picture, or a larger one")
        return np.array(file)


def _png(pixels: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()
