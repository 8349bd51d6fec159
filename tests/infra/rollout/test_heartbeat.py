"""A controller that lives answers; one that hangs or is dead does not."""

from __future__ import annotations

import time

import httpx
import pytest

from infra.rollout import heartbeat as module
from infra.rollout.heartbeat import Heartbeat


def test_alive_then_hanging_then_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALE_SECONDS", 0.2)
    with Heartbeat() as heart:
        url = f"http://127.0.0.1:{heart.port}/"
        assert httpx.get(url).status_code == 200
        time.sleep(0.3)
        assert httpx.get(url).status_code == 503
        heart.beat()
        assert httpx.options(url).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
