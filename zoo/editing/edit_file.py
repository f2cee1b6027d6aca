"""An edited picture as one small file that reproduces it: mask, codes and result in a ZIP that people can open."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
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
from zoo.errors import ZooError
from zoo.interfaces import Method

FORMAT = 1
MEMBERS = ("edit.json", "mask.png", "result.png", "codes.safetensors")
MAX_BYTES = 256 * 2**20
"""Of all members together, unpacked. The codes of cIMLE at 512x1024 have 20 MB."""
MAX_PIXELS = 16_000_000
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What zipfile raises for files that are cut off, mangled, encrypted or packed in other ways."""
BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same edit gives the same bytes."""


@dataclass(frozen=True)
class EditFile:
    """What reproduces an edited picture, with the picture.

    mask: ids ``[H, W]`` int64. codes: of batch 1, on the CPU. result: uint8 ``[3, H, W]``. checkpoint: SHA-256 of the
    file of weights; method: its name. facts: plain values; ``pasted`` is true where ``result`` shows pixels of an
    original picture, which this file does not hold.
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
        about = {"format": FORMAT, "method": self.method, "checkpoint": self.checkpoint, "codes": specs, **self.facts}
        tensors = {name: tensor.float().contiguous() for name, tensor in self.codes.items()}
        members = {
            "edit.json": json.dumps(about, indent=2).encode(),
            "mask.png": _png(self.mask.numpy().astype(np.uint8 if self.mask.max() < 256 else np.uint16)),
            "result.png": _png(self.result.permute(1, 2, 0).numpy()),
            "codes.safetensors": save(tensors),
        }
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in MEMBERS:
                archive.writestr(zipfile.ZipInfo(name, BEGINNING), members[name], zipfile.ZIP_DEFLATED)
        return content.getvalue()

    def save(self, path: Path) -> None:
        """Write the ZIP, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_bytes(self.to_bytes())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> EditFile:
        """Read what :meth:`save` wrote. Raises ZooError as :meth:`from_bytes`, and for a missing file."""
        if not path.is_file():
            raise ZooError(f"There is no file {path}: give one that `zoo edit --save` or the studio wrote.")
        return cls.from_bytes(path.read_bytes(), str(path))

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> EditFile:
        """Read a ZIP that :meth:`to_bytes` made; ``name`` is what sentences call it. Nothing in it is executed.

        Raises ZooError for anything else, and for members that unpack to more than MAX_BYTES.
        """
        try:
            members = _unpacked(content)
            about = json.loads(members["edit.json"])
            if about.pop("format") != FORMAT:
                raise ZooError(f"{name} was written by another version of the zoo: open it with that version.")
            specs = {
                code: CodeSpec(tuple(map(int, one["shape"])), tuple(map(str, one["axes"])))
                for code, one in about.pop("codes").items()
            }
            mask = _picture(members["mask.png"], ("L", "I;16")).astype(np.int64)
            result = _picture(members["result.png"], ("RGB",))
            return cls(
                torch.from_numpy(mask),
                Codes(load(members["codes.safetensors"]), specs, 1),
                torch.from_numpy(result).permute(2, 0, 1),
                str(about.pop("checkpoint")),
                str(about.pop("method")),
                about,
            )
        except (*BROKEN_FILE, *BROKEN_ZIP, SafetensorError, KeyError, TypeError, AttributeError) as error:
            raise ZooError(
                f"{name} is no edit of the zoo, or a damaged one: give a file that `zoo edit --save` or the studio "
                "wrote."
            ) from error

    def check(self, method: Method) -> None:
        """Raises ZooError for a method whose codes, classes or size are others."""
        assert method.config is not None, "the method comes from a checkpoint"
        data = method.config.data
        own = f"{method.name}, {data['classes']} classes, {data['size'][0]}x{data['size'][1]}"
        if (
            self.codes.specs != dict(method.code_specs)
            or tuple(self.mask.shape) != tuple(data["size"])
            or int(self.mask.max()) >= data["classes"]
        ):
            height, width = self.mask.shape
            raise ZooError(
                f"The edit was made with {self.method} at {height}x{width} and does not fit this checkpoint ({own}): "
                f"give the checkpoint that begins with SHA-256 {self.checkpoint[:12]}."
            )

    def reproduce(self, method: Method) -> Tensor:
        """The picture ``[1, 3, H, W]`` in [-1, 1] of mask and codes; errors as :meth:`check`."""
        self.check(method)
        device = next(method.parameters()).device
        return method.synthesize(self.mask[None].to(device), self.codes.to(device))


def _unpacked(content: bytes) -> dict[str, bytes]:
    """The members, read no further than they say they are long."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        if len(archive.infolist()) != len(MEMBERS) or set(sizes) != set(MEMBERS) or sum(sizes.values()) > MAX_BYTES:
            raise zipfile.BadZipFile("other members")
        members = {}
        for name in MEMBERS:
            with archive.open(name) as member:
                members[name] = member.read(sizes[name])
        return members


def _picture(content: bytes, modes: tuple[str, ...]) -> NDArray[Any]:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as file:
        if file.mode not in modes or file.width * file.height > MAX_PIXELS:
            raise ValueError("another kind of picture")
        return np.array(file)


def _png(pixels: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()
