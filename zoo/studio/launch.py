"""Starting the studio: models, server and browser."""

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
from zoo.studio.requests import Limits
from zoo.studio.server import create_app
from zoo.studio.studio_state import StudioState
from zoo.studio.training import Training

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 3
"""Grace period in seconds for open requests when the server stops."""


def open_studio(
    checkpoints: Sequence[Path],
    *,
    device: str,
    names: str | None,
    data_root: Path | None,
    bank: Path | None,
    statistics: Path | None,
    limits: Limits,
) -> StudioState:
    """Open a studio with the given checkpoints.

    Without checkpoints, the newest run below the current directory is used, or else the cached toy model; if there is
    none, its training is started.

    Args:
        checkpoints: Files of weights.
        device: "cpu", "cuda", or "auto".
        names: A class table that ships with the zoo; None for that of the checkpoint.
        data_root: Folder of the example pictures; None for that of the training.
        bank: A code bank.
        statistics: Statistics of codes.
        limits: Limits of requests.

    Raises:
        ZooError: If a file does not fit, or options that need a checkpoint are given without one.
    """
    if not checkpoints and (newest := newest_run(Path())) is not None:
        log.info("Opening %s.", newest)
        checkpoints = [newest]
    if not checkpoints:
        if any((names, data_root, bank, statistics)):
            raise ZooError(
                "--names, --data-root, --bank and --statistics need a checkpoint, but there is none below runs: give "
                "one."
            )
        training = Training(device)
        if training.checkpoint is None:
            training.begin()
            return StudioState([], training=training, limits=limits)
        checkpoints, data_root = [training.checkpoint], training.data_root
    return StudioState.load(
        checkpoints,
        device=device,
        names=names,
        data_root=data_root,
        bank=bank,
        statistics=statistics,
        limits=limits,
    )


def serve(state: StudioState, *, host: str, port: int, browser: bool, echo: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, then close the state.

    Args:
        state: The state of the studio.
        host: Address to listen on.
        port: Port; 0 for any free one.
        browser: Whether to open the page in the browser.
        echo: Called with the address, and with a warning if other machines can reach it.

    Raises:
        ZooError: As :func:`listen`.
    """
    try:
        with listen(host, port) as listening:
            bound, number = listening.getsockname()[:2]
            everywhere = bound in ("0.0.0.0", "::")
            config = uvicorn.Config(
                create_app(state, host=bound if everywhere else host),
                access_log=False,
                # uvicorn's messages of start and stop would repeat those of the studio
                log_level="error",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
            address = f"http://{_named(bound if everywhere else host)}:{number}"
            echo(f"The studio is at {address} (press Ctrl-C to stop).")
            if not ipaddress.ip_address(bound).is_loopback:
                echo(_open_to_others(bound, everywhere))
            if browser:
                # in a thread, since a text browser in the terminal blocks until it is closed
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # the usual way to stop
        pass
    finally:
        state.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ZooError if the port is in use or the address is not one of this machine."""
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
        f"It listens at {where} and has no password, so anyone on the network can use it: leave --host out to restrict "
        "it to this machine."
    )


def _named(host: str) -> str:
    """An address that a browser on this machine can open."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host
