"""Run the application under uvicorn: one process, a port of its own, a clean stop."""

from __future__ import annotations

import errno
import math
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from gateline.settings.errors import OutsideError
from service.connection import Connection

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 65
"""Longer than the proxy keeps idle connections (60 s), so that it is the proxy that closes them."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises OutsideError where the port is taken or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OutsideError(
                f"port {port} of {host} is taken by another process", "stop that process, or give another --port"
            ) from None
        raise OutsideError(
            f"cannot listen on {host}:{port}: {error.strerror or error}", "give another --host or --port"
        ) from None


def server(drain_seconds: float) -> uvicorn.Server:
    """Return a server without an application; `run` gives it one."""
    config = uvicorn.Config(
        app=FastAPI(),
        http=Connection,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(drain_seconds),
    )
    return uvicorn.Server(config)


def run(server: uvicorn.Server, app: FastAPI, listening: socket.socket) -> None:
    """Serve until told to stop by SIGTERM (ends with exit code 0) or SIGINT, running requests finished first."""
    signal.signal(signal.SIGTERM, _end)
    server.config.app = app
    server.run(sockets=[listening])


def _end(number: int, frame: FrameType | None) -> None:
    """uvicorn hands the signal on when all requests are answered; before it serves there is nothing to finish."""
    raise SystemExit(0)
