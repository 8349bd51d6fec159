"""The socket: what listens, and what is said where it cannot."""

from __future__ import annotations

import socket

import pytest

from service.server import KEEP_ALIVE_SECONDS, listen, server
from settings.errors import ExitCode, OutsideError


def test_a_free_port_is_listened_on() -> None:
    with listen("127.0.0.1", 0) as listening:
        with socket.create_connection(listening.getsockname(), 5):
            pass


def test_a_taken_port_is_named() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OutsideError, match=f"port {port} of 127.0.0.1 is taken") as caught:
            listen("127.0.0.1", port)
    assert caught.value.exit_code == ExitCode.OUTSIDE
    assert "--port" in caught.value.next_step


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_this_machines_is_named(host: str) -> None:
    with pytest.raises(OutsideError, match=f"cannot listen on {host}:0"):
        listen(host, 0)


def test_the_drain_is_the_releases_and_every_access_is_not_logged() -> None:
    config = server(2.5).config
    assert config.timeout_graceful_shutdown == 3
    assert config.access_log is False
    assert config.timeout_keep_alive == KEEP_ALIVE_SECONDS
