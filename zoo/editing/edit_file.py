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
from zoo.editing.objects import PasteBack
from zoo.editing.synthesis import pictures
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.whole_file import whole_file

FORMAT = 1
MEMBERS = ("edit.json", "mask.png", "result.png", "codes.safetensors")
KINDS = (sorted(MEMBERS), sorted((*MEMBERS, "original.png", "region.png")))
"""The members of an edit, and of one that was pasted back."""
WIDEST_FEATHER = 1024
MAX_BYTES = 256 * 2**20
"""Larger files are neither written nor read. The codes of cIMLE at 512x1024 have 20 MB, and noise that was pasted back
onto noise of 16 million pixels has 93 MB."""
MAX_PIXELS = MAX_BYTES // 3
"""Of a picture, so that it takes no more than that in memory, however small its PNG is."""
BROKEN = (*BROKEN_FILE, zipfile.BadZipFile, RuntimeError, SafetensorError, KeyError, TypeError, AttributeError)
"""What reading raises for a file that is cut off, mangled, encrypted, or was made by something else."""
BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same edit gives the same bytes."""


@dataclass(frozen=True)
class EditFile:
    """What reproduces an edited picture, with the picture.

    mask: ids ``[H, W]`` int64. codes: of batch 1. result: uint8 ``[3, H, W]``. All lie on the CPU. checkpoint: SHA-256
    of the file of weights, in hexadecimal; method: its name. facts: what else JSON can say. paste: the picture that the
    result was pasted back onto, if it was; the two may be of another size than the mask.
    """

    mask: Tensor
    codes: Codes
    result: Tensor
    checkpoint: str
    method: str
    facts: dict[str, Any] = field(default_factory=dict)
    paste: PasteBack | None = None

    def to_bytes(self) -> bytes:
        """The ZIP; equal edits give equal bytes. Raises ZooError for one that would not be read again."""
        if self.result[0].numel() > MAX_PIXELS:
            raise ZooError(
                f"The result has {self.result[0].numel():,} pixels, but files of edits hold pictures of at most "
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
                archive.writestr(zipfile.ZipInfo(name, BEGINNING), members[name])
        if content.tell() > MAX_BYTES:
            raise ZooError(
                f"The file of this edit would have {content.tell() / 2**20:.0f} MB, but files of more than "
                f"{MAX_BYTES // 2**20} MB are not read again: edit a smaller picture."
            )
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
            paste = None if about["feather"] is None else _pasted(members, about["feather"])
            if result.shape[:2] != (mask.shape if paste is None else tuple(paste.region.shape)):
                raise ValueError("a result of another size than what it was made of")
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

    def reproduce(self, method: Method, checkpoint: str = "") -> Tensor:
        """The result uint8 ``[3, H, W]`` again: synthesised from mask and codes, and pasted back where it was.

        Raises ZooError as :meth:`check`.
        """
        self.check(method, checkpoint)
        device = next(method.parameters()).device
        pixels = pictures(method, self.mask[None].to(device), self.codes.to(device))
        return (pixels if self.paste is None else self.paste.onto(pixels))[0]


def _members(content: bytes) -> dict[str, bytes]:
    """The members of a ZIP that stores them as they are, so that nothing unpacks to more than was given."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = archive.infolist()
        stored = all(one.compress_type == zipfile.ZIP_STORED and one.file_size == one.compress_size for one in found)
        if len(content) > MAX_BYTES or not stored or sorted(one.filename for one in found) not in KINDS:
            raise zipfile.BadZipFile("too large, compressed, or with other members")
        return {one.filename: archive.read(one) for one in found}


def _pasted(members: dict[str, bytes], feather: Any) -> PasteBack:
    if not isinstance(feather, int) or not 0 <= feather <= WIDEST_FEATHER:
        raise ValueError("no width of a border")
    original, region = _pixels(members["original.png"], ("RGB",)), _pixels(members["region.png"], ("L",))
    if original.shape[:2] != region.shape:
        raise ValueError("an original of another size than its region")
    return PasteBack(torch.from_numpy(original).permute(2, 0, 1), torch.from_numpy(region > 0), feather)


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
