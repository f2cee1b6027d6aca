"""Who may talk to the server: the page it served itself, and nobody else's.

A page of another site can send requests to this machine's own addresses. Browsers name that site in ``Origin``, and in
``Host`` where its name was made to point here (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
READING = frozenset({"GET", "HEAD"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware: refuses foreign hosts and origins with a sentence, and adds the headers of a closed page.

    ``host`` is the address that the server listens at. Where that is every address of the machine, a ``Host`` may also
    be any literal address (which no other site can take for its own) or this machine's name.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1") -> None:
        self.app = app
        self.host = host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope["method"], headers.get("host", ""), headers.getlist("origin"))
        answer = self.app if refused is None else JSONResponse({"error": refused}, 403)

        async def closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                own.update(HEADERS)
                # the page itself may be kept, but must be asked for again
                own["Cache-Control"] = "no-store" if scope["path"].startswith("/api") else "no-cache"
            await send(message)

        await answer(scope, receive, closed)

    def _refused(self, method: str, host: str, origins: Iterable[str]) -> str | None:
        """Why a request is not served, or None."""
        name = _without_port(host)
        if name not in LOCAL and not self._own(name):
            return (
                f"The studio does not answer to the name {name[:80]!r}: open it at the address that it printed, or "
                "start it with --host."
            )
        if method not in READING and any(o not in (f"http://{host}", f"https://{host}") for o in origins):
            return "The request comes from the page of another site, so nothing was done: use the studio's own page."
        return None

    def _own(self, name: str) -> bool:
        if self.host not in ("0.0.0.0", "::"):
            return name in (self.host, f"[{self.host}]")
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name in (socket.gethostname().lower(), socket.getfqdn().lower())
        return True


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()
