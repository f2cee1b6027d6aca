"""The routes of the studio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from zoo.errors import ZooError
from zoo.studio import edits, opening
from zoo.studio.fields import Fields
from zoo.studio.guard import Guard
from zoo.studio.session import Session
from zoo.studio.store import UnknownError
from zoo.studio.uploads import Form, TooLargeError, form_body, json_body
from zoo.studio.work import BusyError

STATIC = Path(__file__).with_name("static")
STATUS: Mapping[type[ZooError], int] = {UnknownError: 404, TooLargeError: 413, BusyError: 503}
"""Of errors that are not simply the user's mistake (400)."""

SLOWEST = 120
"""Seconds that a request may take to arrive."""

GONE = 499
"""What other servers log for a client that did not wait; nobody reads the answer."""

JSON_EDITS: Mapping[str, Callable[[Session, Fields], dict[str, Any]]] = {
    "render": edits.render,
    "samples": edits.samples,
    "redraw": edits.redraw,
    "move": edits.move,
    "compare": edits.compare,
}
FORM_EDITS: Mapping[str, Callable[[Session, Form], dict[str, Any]]] = {
    "open": opening.open_picture,
    "take": edits.take,
}
FILES: Mapping[str, tuple[Callable[[Session, Fields], bytes], str]] = {
    "download": (opening.download, "application/zip"),
    "result": (opening.result, "image/png"),
}

Result = TypeVar("Result")


def create_app(session: Session, *, host: str = "127.0.0.1") -> ASGIApp:
    """The studio as an ASGI application that answers to ``host`` and to the names of this machine for itself.

    Whoever opened the session closes it.
    """
    handlers = {ZooError: _refused, HTTPException: _not_served, ClientDisconnect: _gone, Exception: _broken}
    # around everything, so that no answer goes out without its headers
    return Guard(Starlette(routes=_Studio(session).routes(), exception_handlers=handlers), host)


class _Studio:
    """The handlers, which read requests on the event loop and leave the work to the worker."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.reading = 0
        self.reloading = asyncio.Lock()

    def routes(self) -> list[Route | Mount]:
        posts: dict[str, Callable[[Request], Awaitable[Response]]] = {
            name: partial(self.file, make, kind) for name, (make, kind) in FILES.items()
        }
        posts |= {name: partial(self.json_edit, edit) for name, edit in JSON_EDITS.items()}
        posts |= {name: partial(self.form_edit, edit) for name, edit in FORM_EDITS.items()}
        posts["reload"] = self.reload
        return [
            Route("/", self.page),
            Route("/api/setup", self.setup),
            Route("/api/bank", self.bank),
            *(Route(f"/api/{name}", handler, methods=["POST"]) for name, handler in posts.items()),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    async def page(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def setup(self, request: Request) -> Response:
        training = self.session.training
        if training is not None and not self.session.models and training.poll():
            await self._work(request, self.session.adopt)
        return JSONResponse(self.session.setup())

    async def bank(self, request: Request) -> Response:
        query = dict(request.query_params)
        return JSONResponse(await self._work(request, lambda: edits.bank_rows(self.session, query)))

    async def json_edit(self, edit: Callable[[Session, Fields], dict[str, Any]], request: Request) -> Response:
        fields = await self._read(json_body(request, self.session.limits))
        return JSONResponse(await self._work(request, lambda: edit(self.session, fields)))

    async def form_edit(self, edit: Callable[[Session, Form], dict[str, Any]], request: Request) -> Response:
        form = await self._read(form_body(request, self.session.limits))
        return JSONResponse(await self._work(request, lambda: edit(self.session, form)))

    async def reload(self, request: Request) -> Response:
        async with self.reloading:  # edit files are large, so they lie in memory one at a time
            form = await self._read(form_body(request, self.session.limits.of_edit_files))
            return JSONResponse(await self._work(request, lambda: opening.reload(self.session, form)))

    async def file(self, make: Callable[[Session, Fields], bytes], kind: str, request: Request) -> Response:
        fields = await self._read(json_body(request, self.session.limits))
        return Response(await self._work(request, lambda: make(self.session, fields)), media_type=kind)

    async def _read(self, body: Coroutine[Any, Any, Result]) -> Result:
        """What a request sent. As many may arrive at a time as may wait, since they lie in memory, and not for ever."""
        if self.reading > self.session.limits.queue:
            body.close()
            raise BusyError(f"The studio is receiving {self.reading} other requests: try again in a moment.")
        self.reading += 1
        try:
            async with asyncio.timeout(SLOWEST):
                return await body
        except TimeoutError as error:
            raise ZooError(f"The request did not arrive within {SLOWEST} seconds: send it again.") from error
        finally:
            self.reading -= 1

    async def _work(self, request: Request, job: Callable[[], Result]) -> Result:
        """What ``job`` returns, from the worker; a client that goes away takes its waiting job along."""
        result: asyncio.Future[Result] = asyncio.wrap_future(self.session.worker.submit(job))
        gone: asyncio.Future[None] = asyncio.create_task(_disconnected(request))
        try:
            await asyncio.wait((result, gone), return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                raise ClientDisconnect
            return result.result()
        finally:
            gone.cancel()
            result.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refused(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400)
    return JSONResponse({"error": str(error)}, status)


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"There is nothing at {request.method} {request.url.path[:80]}: open the studio's first page."
    return JSONResponse({"error": sentence}, error.status_code, headers=error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=GONE)


async def _broken(request: Request, error: Exception) -> Response:
    # Starlette raises the error again, so that the server logs it with its traceback
    sentence = f"{type(error).__name__} in the studio, which is a defect: its terminal shows where."
    return JSONResponse({"error": sentence}, 500)
