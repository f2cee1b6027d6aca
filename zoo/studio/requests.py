"""Parsing of requests: bodies are limited while streaming and never written to disk, and every field is checked.

Clients of another version get an error message for every missing or invalid field.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from zoo.editing.edit_file import MAX_BYTES
from zoo.errors import ZooError

LARGEST_SEED = 2**53 - 1
"""Largest integer that JavaScript represents exactly."""

DRAINED = 20
"""Bodies up to this multiple of the limit are read and dropped, so that the browser still reads the response."""

JSON_FIELDS = ("seed", "scene", "classes", "layers", "strength", "row")
"""The fields of forms that hold JSON."""


class TooLargeError(ZooError):
    """The body of a request is larger than the limit."""


@dataclass(frozen=True)
class Limits:
    """Limits of requests.

    Attributes:
        megabytes: Maximum size of a request body.
        pixels: Maximum number of pixels of a picture.
        queue: Maximum number of waiting requests.
    """

    megabytes: int = 10
    pixels: int = 16_000_000
    queue: int = 8

    @property
    def bytes(self) -> int:
        """Of the body of a request."""
        return self.megabytes * 2**20

    @property
    def of_edit_files(self) -> Limits:
        """The limits for edit files, which are larger than the picture in them."""
        return replace(self, megabytes=max(self.megabytes, MAX_BYTES // 2**20 + 1))  # one for the form around the file


class Fields:
    """The fields of a JSON object. Every reader raises ZooError for a field that is missing or of another type."""

    def __init__(self, values: Mapping[str, Any], place: str = "The request") -> None:
        self.values = values
        self.place = place

    @classmethod
    def parse(cls, text: str | bytes, place: str = "The request") -> Fields:
        """The fields of a JSON text; ``place`` is what error messages call it."""
        return cls(_mapping(decoded(text, place), place), place)

    def has(self, key: str) -> bool:
        """Whether a field is there and not null."""
        return self.values.get(key) is not None

    def text(self, key: str) -> str:
        """A string."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self._wrong(key, value, "must be text")
        return value

    def whole(self, key: str, *, least: int = 0, most: int = LARGEST_SEED) -> int:
        """A whole number from ``least`` to ``most``."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._wrong(key, value, f"must be a whole number from {least} to {most}")
        return value

    def number(self, key: str, *, least: float = -1e6, most: float = 1e6) -> float:
        """A number from ``least`` to ``most``."""
        value = self._get(key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(key, value, "must be a number")
        if not least <= value <= most:  # which excludes NaN and infinity
            raise self._wrong(key, value, f"must be from {least:g} to {most:g}")
        return float(value)

    def indices(self, key: str) -> tuple[int, ...] | None:
        """A list of whole numbers from 0, sorted and without duplicates; None if the field is null or missing."""
        value = self.values.get(key)
        if value is None:
            return None
        valid = isinstance(value, list) and all(isinstance(i, int) and not isinstance(i, bool) for i in value)
        if not valid or any(not 0 <= i <= LARGEST_SEED for i in value) or len(value) > 10_000:
            raise self._wrong(key, value, "must be null or a list of whole numbers")
        return tuple(sorted(set(value)))

    def fields(self, key: str) -> Fields:
        """An object within this one."""
        place = f'The field "{key}"'
        return Fields(_mapping(self._get(key), place), place)

    def _get(self, key: str) -> Any:
        value = self.values.get(key)
        if value is None:
            raise ZooError(f'{self.place} lacks "{key}": reload the page, which may be older than the studio.')
        return value

    def _wrong(self, key: str, value: Any, rule: str) -> ZooError:
        shown = json.dumps(value, default=str)
        shown = shown if len(shown) <= 40 else shown[:40] + "..."
        return ZooError(f'{self.place} has "{key}": {shown}, which {rule}.')


@dataclass(frozen=True)
class Upload:
    """A file of a form: its name, as error messages show it, and its content."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Form:
    """The fields and files of a multipart form."""

    fields: Fields
    files: dict[str, Upload]

    def file(self, key: str) -> Upload:
        """A file. Raises ZooError if the form has no such file."""
        if key not in self.files:
            raise ZooError(f"The form has no {key}: choose a file.")
        return self.files[key]


async def body(request: Request, limits: Limits) -> bytes:
    """The body of a request. Raises TooLargeError if it has more than ``limits.megabytes``."""
    announced = request.headers.get("content-length", "0")
    total = int(announced) if announced.isdecimal() else 0
    content = bytearray()
    if total <= DRAINED * limits.bytes:
        total = 0
        async for chunk in request.stream():
            total += len(chunk)
            if total > DRAINED * limits.bytes:
                break
            if total <= limits.bytes:
                content += chunk
    if total > limits.bytes:
        raise TooLargeError(
            f"The request has more than the limit of {limits.megabytes} MB: send smaller files, or start the studio "
            "with a larger --max-megabytes."
        )
    return bytes(content)


async def json_body(request: Request, limits: Limits) -> Fields:
    """The JSON object in the body of a request."""
    return Fields.parse(await body(request, limits))


async def form_body(request: Request, limits: Limits) -> Form:
    """The multipart form in the body of a request; the fields named in JSON_FIELDS are decoded, all others are text."""
    content = await body(request, limits)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ZooError("The request is not a multipart form: reload the page, which may be older than the studio.")
    parser = MultiPartParser(request.headers, stream(), max_files=4, max_fields=16, max_part_size=limits.bytes)
    parser.spool_max_size = limits.bytes + 1  # larger than any file, so that none is written to disk
    try:
        items = (await parser.parse()).multi_items()
    except MultiPartException as error:
        raise ZooError(f"The form cannot be read ({error.message.rstrip('.')}): send it again.") from error
    fields, files = {}, {}
    for key, value in items:
        if isinstance(value, UploadFile):
            files[key] = Upload(_printable(value.filename or key), await value.read())
        else:
            fields[key] = decoded(value, f'The field "{key}"') if key in JSON_FIELDS else value
    return Form(Fields(fields, "The form"), files)


def decoded(text: str | bytes, place: str) -> Any:
    """The value of a JSON text. Raises ZooError for anything else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{place} is not valid JSON: reload the page, which may be older than the studio.") from error


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ZooError(f"{place} must be a JSON object: reload the page, which may be older than the studio.")
    return value


def _printable(name: str) -> str:
    """A file name for error messages: without folders and control characters, and shortened."""
    plain = "".join(letter for letter in name.replace("\\", "/").split("/")[-1] if letter.isprintable())
    return plain if len(plain) <= 60 else f"{plain[:40]}...{plain[-16:]}"
