"""An edited picture as one small file that reproduces it: a ZIP of mask, codes and result."""

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
from zoo.editing.encoding import render
from zoo.editing.pasting import PasteBack
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo.interfaces import Method

FORMAT = 1
MEMBERS = ("edit.json", "mask.png", "result.png", "codes.safetensors")
KINDS = (sorted(MEMBERS), sorted((*MEMBERS, "original.png", "region.png")))
"""The members of an edit, and of an edit that was pasted back."""
WIDEST_FEATHER = 1024
MAX_BYTES = 256 * 2**20
"""Larger files are neither written nor read. For comparison: the codes of cIMLE at 512x1024 take 20 MB, and pictures
of noise with 16 million pixels, pasted back, 93 MB."""
MAX_PIXELS = MAX_BYTES // 3
"""Of a picture, so that it takes at most MAX_BYTES in memory, however small its PNG is."""
BROKEN = (*BROKEN_FILE, zipfile.BadZipFile, RuntimeError, SafetensorError, KeyError, TypeError, AttributeError)
"""Exceptions for a file that is truncated, damaged, encrypted, or of another format."""
TIMESTAMP = (1980, 1, 1, 0, 0, 0)
"""Timestamp of every member, so that equal edits give equal bytes."""


@dataclass(frozen=True)
class EditFile:
    """An edited picture with everything needed to reproduce it, on the CPU.

    Attributes:
        mask: Class ids, int64 ``[H, W]``.
        codes: Codes of batch 1.
        result: The picture, uint8 ``[3, H, W]``.
        checkpoint: SHA-256 of the method's checkpoint, in hexadecimal.
        method: Name of the method.
        facts: Other facts, as JSON values.
        paste: The original that the result was pasted onto, if any; result and original may then differ in size from
            the mask.
    """

    mask: Tensor
    codes: Codes
    result: Tensor
    checkpoint: str
    method: str
    facts: dict[str, Any] = field(default_factory=dict)
    paste: PasteBack | None = None

    def to_bytes(self) -> bytes:
        """The content of the ZIP; equal edits give equal bytes.

        Raises:
            ZooError: If the picture or the file is too large.
        """
        if self.result[0].numel() > MAX_PIXELS:
            raise ZooError(
                f"The result has {self.result[0].numel():,} pixels, but edit files hold pictures of at most "
                f"{MAX_PIXELS:,}: edit a smaller picture."
            )
        specs = {name: {"shape": spec.shape, "axes": spec.axes} for name, spec in self.codes.specs.items()}
        about = {
            "format": FORMAT,
            "method": self.method,
            "checkpoint": self.checkpoint,
            "codes": specs,
            "facts": self.facts,
            "feather": None if self.paste is None else self.paste.feather,
        }
        tensors = {name: tensor.float().contiguous() for name, tensor in self.codes.items()}
        members = {
            "edit.json": json.dumps(about, indent=2).encode(),
            "mask.png": _png(self.mask.numpy().astype(np.uint8 if self.mask.max() < 256 else np.uint16)),
            "result.png": _png(self.result.permute(1, 2, 0).numpy()),
            "codes.safetensors": save(tensors),
        }
        if self.paste is not None:
            members["original.png"] = _png(self.paste.original.permute(1, 2, 0).numpy())
            members["region.png"] = _png(self.paste.region.numpy().astype(np.uint8) * 255)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name in members:
                archive.writestr(zipfile.ZipInfo(name, TIMESTAMP), members[name])
        if content.tell() > MAX_BYTES:
            raise ZooError(
                f"The file of this edit would have {content.tell() / 2**20:.0f} MB, but files have at most "
                f"{MAX_BYTES // 2**20} MB: edit a smaller picture."
            )
        return content.getvalue()

    def save(self, path: Path) -> None:
        """Write the ZIP atomically."""
        with atomic_file(path) as temporary:
            temporary.write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> EditFile:
        """Read a file written by :meth:`save`. Raises ZooError as :meth:`from_bytes`, and for a missing file."""
        if not path.is_file():
            raise ZooError(f"There is no file {path}: give a file written by `zoo edit --save` or the studio.")
        with path.open("rb") as file:
            return cls.from_bytes(file.read(MAX_BYTES + 1), f"The file {path}")

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> EditFile:
        """Read the output of :meth:`to_bytes`; nothing in it is executed.

        Args:
            content: The ZIP.
            name: Name of the file in error messages.

        Raises:
            ZooError: If it is anything else, larger than MAX_BYTES, or of another format.
        """
        try:
            members = _members(content)
            about = json.loads(members["edit.json"])
            if about["format"] != FORMAT:
                raise ZooError(
                    f"{name} has the format {about['format']}, but this version of the zoo reads format {FORMAT}: "
                    "open it with the version that wrote it."
                )
            mask = _pixels(members["mask.png"], ("L", "I", "I;16"))
            result = _pixels(members["result.png"], ("RGB",))
            paste = None if about["feather"] is None else _pasted(members, about["feather"])
            if result.shape[:2] != (mask.shape if paste is None else tuple(paste.region.shape)):
                raise ValueError("the result is of another size than its mask or original")
            return cls(
                torch.from_numpy(mask.astype(np.int64)),
                _codes(members["codes.safetensors"], about["codes"]),
                torch.from_numpy(result).permute(2, 0, 1),
                str(about["checkpoint"]),
                str(about["method"]),
                dict(about["facts"]),
                paste,
            )
        except BROKEN as error:
            raise ZooError(
                f"{name} is not an edit file of the zoo, or is damaged: give a file written by `zoo edit --save` or "
                "the studio."
            ) from error

    def check(self, method: Method, checkpoint: str = "") -> None:
        """Check that the edit was made with a method.

        Args:
            method: The method.
            checkpoint: SHA-256 of its checkpoint, "" if unknown.

        Raises:
            ZooError: If its codes, classes or size are others, or its checkpoint is another.
        """
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

    def reproduce(self, method: Method, checkpoint: str = "") -> Tensor:
        """Draw the result again from mask and codes, and paste it back if it was: uint8 ``[3, H, W]``.

        Raises:
            ZooError: As :meth:`check`.
        """
        self.check(method, checkpoint)
        device = next(method.parameters()).device
        pixels = render(method, self.mask[None].to(device), self.codes.to(device))
        return (pixels if self.paste is None else self.paste.onto(pixels))[0]


def _members(content: bytes) -> dict[str, bytes]:
    """The members of a ZIP without compression, so that nothing is larger than the file itself."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = archive.infolist()
        stored = all(one.compress_type == zipfile.ZIP_STORED and one.file_size == one.compress_size for one in found)
        if len(content) > MAX_BYTES or not stored or sorted(one.filename for one in found) not in KINDS:
            raise zipfile.BadZipFile("too large, compressed, or with other members")
        return {one.filename: archive.read(one) for one in found}


def _pasted(members: dict[str, bytes], feather: Any) -> PasteBack:
    if not isinstance(feather, int) or not 0 <= feather <= WIDEST_FEATHER:
        raise ValueError("the feather is not a width in pixels")
    original, region = _pixels(members["original.png"], ("RGB",)), _pixels(members["region.png"], ("L",))
    if original.shape[:2] != region.shape:
        raise ValueError("original and region are of different sizes")
    return PasteBack(torch.from_numpy(original).permute(2, 0, 1), torch.from_numpy(region > 0), feather)


def _codes(content: bytes, specs: dict[str, Any]) -> Codes:
    """Codes of batch 1. Raises ValueError where they do not fit the specs, or are not finite float32."""
    tensors = load(content)
    if not all(one.dtype == torch.float32 and bool(one.isfinite().all()) for one in tensors.values()):
        raise ValueError("the codes are not finite float32 numbers")
    declared = {name: CodeSpec(tuple(one["shape"]), tuple(one["axes"])) for name, one in specs.items()}
    return Codes(tensors, declared, 1)


def _pixels(content: bytes, modes: tuple[str, ...]) -> NDArray[Any]:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as file:
        if file.mode not in modes or file.width * file.height > MAX_PIXELS:
            raise ValueError("a picture of another kind, or too large")
        return np.array(file)


def _png(pixels: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()
