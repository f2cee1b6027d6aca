"""From a command line to a page in the browser."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from zoo.errors import ZooError
from zoo.studio.models import newest_run
from zoo.studio.server import create_app
from zoo.studio.session import Session
from zoo.studio.training import Training
from zoo.studio.uploads import Limits

log = logging.getLogger(__name__)

PATIENCE = 3
"""Seconds that open requests have when the server ends."""


def open_session(
    checkpoints: Sequence[Path],
    *,
    device: str,
    names: str | None,
    data_root: Path | None,
    bank: Path | None,
    statistics: Path | None,
    limits: Limits,
) -> Session:
    """A session with the given checkpoints; else with that of the newest run below the working folder; else with the
    one that an earlier studio trained; else one that trains it now.
    """
    if not checkpoints and (newest := newest_run(Path())) is not None:
        log.info("Opening %s.", newest)
        checkpoints = [newest]
    if not checkpoints:
        if any((names, data_root, bank, statistics)):
            raise ZooError(
                "--names, --data-root, --bank and --statistics go with a checkpoint, but there is none below runs: "
                "give one."
            )
        training = Training(device)
        if training.checkpoint is None:
            training.begin()
            return Session([], training=training, limits=limits)
        checkpoints, data_root = [training.checkpoint], training.data_root
    return Session.load(
        checkpoints,
        device=device,
        names=names,
        data_root=data_root,
        bank=bank,
        statistics=statistics,
        limits=limits,
    )


def serve(session: Session, *, host: str, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, then close the session. ``say`` is told the address, and who else can reach it; ``browser``
    opens it.

    Raises ZooError as :func:`listen`.
    """
    try:
        with listen(host, port) as listening:
            bound, number = listening.getsockname()[:2]
            everywhere = bound in ("0.0.0.0", "::")
            config = uvicorn.Config(
                create_app(session, host=bound if everywhere else host),
                access_log=False,
                # uvicorn's own start and stop messages would only repeat ours
                log_level="error",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=PATIENCE,
            )
            address = f"http://{_named(bound if everywhere else host)}:{number}"
            say(f"The studio is at {address} (Ctrl-C ends it).")
            if not ipaddress.ip_address(bound).is_loopback:
                say(_open_to_others(bound, everywhere))
            if browser:
                # the socket listens already, and a browser in the terminal would keep this thread
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # how a studio ends
        pass
    finally:
        session.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ZooError for a port that is taken and an address that is not this machine's."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ZooError(
                f"Port {port} of {host} is in use, perhaps by another studio: close it, or give another --port."
            ) from error
        raise ZooError(
            f"The studio cannot listen at {host}, port {port} ({error}): give another --host or --port."
        ) from error


def _open_to_others(bound: str, everywhere: bool) -> str:
    where = "every address of this machine" if everywhere else bound
    return (
        f"It listens at {where} and has no password: anybody on the network can use it, so leave --host out to keep it "
        "to this machine."
    )


def _named(host: str) -> str:
    """An address that a browser on this machine can open."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host
