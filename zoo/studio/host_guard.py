"""Protection against cross-origin requests.

Pages of other sites can send requests to this machine. Browsers send the site's name in ``Origin``, and also in
``Host`` if its name resolves to this machine (DNS rebinding).
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


class HostGuard:
    """ASGI middleware that rejects foreign hosts and origins (403) and adds security headers to every answer.

    Starlette's TrustedHostMiddleware has neither the check of origins nor IPv6 addresses.

    Args:
        app: The application.
        host: The address that the server listens on. If it is a wildcard address, ``Host`` may be any literal IP
            address, which cannot be the name of another site, or the name of this machine.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1") -> None:
        self.app = app
        self.host = host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or reject a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope["method"], headers.get("host", ""), headers.getlist("origin"))
        answer = self.app if refused is None else JSONResponse({"error": refused}, 403)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                own.update(HEADERS)
                # the browser may cache the page, but must revalidate it
                own["Cache-Control"] = "no-store" if scope["path"].startswith("/api") else "no-cache"
            await send(message)

        await answer(scope, receive, with_headers)

    def _refused(self, method: str, host: str, origins: Iterable[str]) -> str | None:
        """Why a request is rejected, or None."""
        name = _without_port(host)
        if name not in LOCAL and not self._own(name):
            return (
                f"The studio does not serve the host {name[:80]!r}: open the printed address, or start it with --host."
            )
        if method not in READING and any(o not in (f"http://{host}", f"https://{host}") for o in origins):
            return "The request comes from a page of another site: use the studio's own page."
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
