"""The routes of the studio's server."""

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
from zoo.studio import edit_actions, file_actions
from zoo.studio.host_guard import HostGuard
from zoo.studio.requests import Fields, Form, TooLargeError, form_body, json_body
from zoo.studio.store import UnknownError
from zoo.studio.studio_state import StudioState
from zoo.studio.worker import BusyError

STATIC = Path(__file__).with_name("static")
STATUS: Mapping[type[ZooError], int] = {UnknownError: 404, TooLargeError: 413, BusyError: 503}
"""Status codes of errors; of all others it is 400."""

SLOWEST = 120
"""Maximum time in seconds to receive a request."""

GONE = 499
"""The usual status code (nginx) for a client that has disconnected."""

JSON_EDITS: Mapping[str, Callable[[StudioState, Fields], dict[str, Any]]] = {
    "render": edit_actions.draw,
    "samples": edit_actions.samples,
    "redraw": edit_actions.redraw,
    "move": edit_actions.move,
    "compare": edit_actions.compare,
}
FORM_EDITS: Mapping[str, Callable[[StudioState, Form], dict[str, Any]]] = {
    "open": file_actions.open_picture,
    "take": edit_actions.take,
}
FILES: Mapping[str, tuple[Callable[[StudioState, Fields], bytes], str]] = {
    "download": (file_actions.download, "application/zip"),
    "result": (file_actions.result, "image/png"),
}

Result = TypeVar("Result")


def create_app(state: StudioState, *, host: str = "127.0.0.1") -> ASGIApp:
    """The studio as an ASGI application.

    Args:
        state: The state, which the caller closes.
        host: The address that the server listens at; see :class:`HostGuard`.
    """
    handlers = {ZooError: _refused, HTTPException: _not_served, ClientDisconnect: _gone, Exception: _broken}
    # outermost, so that every response gets its headers
    return HostGuard(Starlette(routes=_Studio(state).routes(), exception_handlers=handlers), host)


class _Studio:
    """The handlers: they read requests on the event loop and run the work in the worker."""

    def __init__(self, state: StudioState) -> None:
        self.state = state
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
        training = self.state.training
        if training is not None and not self.state.models and training.poll():
            await self._work(request, self.state.adopt)
        return JSONResponse(self.state.setup())

    async def bank(self, request: Request) -> Response:
        query = dict(request.query_params)
        return JSONResponse(await self._work(request, lambda: edit_actions.bank_rows(self.state, query)))

    async def json_edit(self, edit: Callable[[StudioState, Fields], dict[str, Any]], request: Request) -> Response:
        fields = await self._read(json_body(request, self.state.limits))
        return JSONResponse(await self._work(request, lambda: edit(self.state, fields)))

    async def form_edit(self, edit: Callable[[StudioState, Form], dict[str, Any]], request: Request) -> Response:
        form = await self._read(form_body(request, self.state.limits))
        return JSONResponse(await self._work(request, lambda: edit(self.state, form)))

    async def reload(self, request: Request) -> Response:
        async with self.reloading:  # edit files are large, so only one is in memory
            form = await self._read(form_body(request, self.state.limits.of_edit_files))
            return JSONResponse(await self._work(request, lambda: file_actions.reload(self.state, form)))

    async def file(self, make: Callable[[StudioState, Fields], bytes], kind: str, request: Request) -> Response:
        fields = await self._read(json_body(request, self.state.limits))
        return Response(await self._work(request, lambda: make(self.state, fields)), media_type=kind)

    async def _read(self, body: Coroutine[Any, Any, Result]) -> Result:
        """Read a body in bounded time; bodies are kept in memory, so the number of concurrent reads is also bounded."""
        if self.reading > self.state.limits.queue:
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
        """Run a job in the worker; it is cancelled if it still waits when the client disconnects."""
        result: asyncio.Future[Result] = asyncio.wrap_future(self.state.worker.submit(job))
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
    # Starlette raises the error again, and the server logs its traceback
    sentence = f"{type(error).__name__} in the studio, which is a bug: its terminal shows the traceback."
    return JSONResponse({"error": sentence}, 500)
