"""A controller that lives answers; one that hangs or is dead does not."""

from __future__ import annotations

import time

import httpx
import pytest

from infra.rollout import heartbeat as module
from infra.rollout.heartbeat import Heartbeat


def test_alive_then_hanging_then_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALE_SECONDS", 0.5)
    with httpx.Client(trust_env=False) as client:
        with Heartbeat() as heart:
            url = f"http://127.0.0.1:{heart.port}/"
            heart.beat()
            assert client.get(url).status_code == 200
            time.sleep(0.6)
            assert client.get(url).status_code == 503
            heart.beat()
            assert client.options(url).status_code == 200
        with pytest.raises(httpx.TransportError):
            client.get(url)
