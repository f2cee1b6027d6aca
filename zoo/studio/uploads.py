"""Bodies of requests: capped while they stream, kept in memory, never written to disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from zoo.editing.edit_file import MAX_BYTES
from zoo.errors import ZooError
from zoo.studio.fields import Fields, decoded

DRAINED = 20
"""Times the limit that are read and thrown away, so that a browser is still there to read the answer."""

JSON_FIELDS = ("seed", "scene", "classes", "layers", "strength", "row")


@dataclass(frozen=True)
class Limits:
    """megabytes: of a request's body; pixels: of a picture; queue: requests that wait."""

    megabytes: int = 10
    pixels: int = 16_000_000
    queue: int = 8

    @property
    def bytes(self) -> int:
        return self.megabytes * 2**20

    @property
    def of_edit_files(self) -> Limits:
        """The same where a body is an edit file, which is larger than the picture in it and was made here."""
        return replace(self, megabytes=max(self.megabytes, MAX_BYTES // 2**20 + 1))  # one for the form around it


class TooLargeError(ZooError):
    """More than the limit was sent."""


@dataclass(frozen=True)
class Upload:
    """A file of a form: what it holds, and how to name it in sentences."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Form:
    fields: Fields
    files: dict[str, Upload]

    def file(self, key: str) -> Upload:
        """Raises ZooError where the form has no such file."""
        if key not in self.files:
            raise ZooError(f"The form has no {key}: choose a file.")
        return self.files[key]


async def body(request: Request, limits: Limits) -> bytes:
    """The body of a request. Raises TooLargeError for one of more than ``limits.megabytes``."""
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
            f"More than {limits.megabytes} MB were sent, which is the limit: send smaller files, or start the studio "
            "with a larger --max-megabytes."
        )
    return bytes(content)


async def json_body(request: Request, limits: Limits) -> Fields:
    """The JSON object that is the body of a request."""
    return Fields.parse(await body(request, limits))


async def form_body(request: Request, limits: Limits) -> Form:
    """A multipart form; the fields named in JSON_FIELDS hold JSON, all others text."""
    content = await body(request, limits)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ZooError("The request is no multipart form: reload the page, which may be older than the studio.")
    parser = MultiPartParser(request.headers, stream(), max_files=4, max_fields=16, max_part_size=limits.bytes)
    parser.spool_max_size = limits.bytes + 1  # larger than any file, so that none goes to the disk
    try:
        items = (await parser.parse()).multi_items()
    except MultiPartException as error:
        raise ZooError(f"The form cannot be read ({error.message.rstrip('.')}): send it again.") from error
    fields, files = {}, {}
    for key, value in items:
        if isinstance(value, UploadFile):
            files[key] = Upload(_shown(value.filename or key), await value.read())
        else:
            fields[key] = decoded(value, f'The field "{key}"') if key in JSON_FIELDS else value
    return Form(Fields(fields, "The form"), files)


def _shown(name: str) -> str:
    """A file name for a sentence: without folders and control characters, not too long."""
    plain = "".join(letter for letter in name.replace("\\", "/").split("/")[-1] if letter.isprintable())
    return plain if len(plain) <= 60 else f"{plain[:40]}...{plain[-16:]}"
