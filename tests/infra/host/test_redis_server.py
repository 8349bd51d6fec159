"""A Redis of our own answers, and is gone afterwards."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateline.settings.errors import OutsideError
from infra.host import redis_server as module
from infra.host.ports import is_free
from infra.host.redis_server import binary, redis_server


def test_it_answers_and_is_gone_afterwards() -> None:
    with redis_server() as url:
        port = urlsplit(url).port
        assert port is not None
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(16) == b"+PONG\r\n"
    assert is_free("127.0.0.1", port)


def test_the_one_on_path_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "redis-server"
    own.write_text("")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binary() == str(own)


def test_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OutsideError, match="no redis-server on PATH") as caught:
        binary()
    assert "apt install redis-server" in caught.value.next_step


def test_one_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "binary", lambda: "/bin/false")
    with pytest.raises(OutsideError, match="Redis did not start on port"), redis_server():
        pytest.fail("it never started")
