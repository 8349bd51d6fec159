"""Free ports, and who holds the others."""

from __future__ import annotations

import os
import socket

import pytest

from gateline.settings.errors import OutsideError
from infra.host import ports


def listener() -> socket.socket:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server


def test_free_ports_differ_and_are_below_outgoing_ones() -> None:
    found = ports.free_ports(20, ())
    assert len(set(found)) == 20 and all(ports.FIRST <= port <= ports.LAST < 32_768 for port in found)
    assert all(ports.is_free("127.0.0.1", port) for port in found)


def test_taken_ports_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as server:
        taken = int(server.getsockname()[1])
        monkeypatch.setattr(ports, "FIRST", taken)
        monkeypatch.setattr(ports, "LAST", taken)
        assert not ports.is_free("127.0.0.1", taken)
        with pytest.raises(OutsideError, match=f"only 0 of 1 free ports found in {taken} to {taken}"):
            ports.free_ports(1, ())


def test_ports_named_by_the_caller_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    [first] = ports.free_ports(1, ())
    monkeypatch.setattr(ports, "FIRST", first)
    monkeypatch.setattr(ports, "LAST", first)
    assert ports.free_ports(1, ()) == [first]
    with pytest.raises(OutsideError, match="only 0 of 1"):
        ports.free_ports(1, {first})


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_no_use_is_named(host: str) -> None:
    with pytest.raises(OutsideError, match=f"nothing can listen on {host}:20000: "):
        ports.is_free(host, 20_000)


def test_the_holder_of_a_port_is_named() -> None:
    with listener() as server:
        taken = int(server.getsockname()[1])
        assert ports.holder(taken).startswith(f"process {os.getpid()} (")
    assert ports.holder(taken).startswith("another program")
