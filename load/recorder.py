"""What the users saw, counted request by request from locust's own events."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from gateline.contracts.headers import RELEASE
from gateline.contracts.load_sample import LoadSample

UNANSWERED = "no answer before the end"


class Recorder:
    """A listener of locust's `request` event; it counts nothing before `begin`, so that the warm-up stays out."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._latencies: list[float] = []
        self._failures: Counter[str] = Counter()
        self._releases: Counter[str] = Counter()
        self._began: float | None = None
        self._ended = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self._began = time.perf_counter()

    def __call__(self, response_time: float, exception: Exception | None, response: Any, **_: Any) -> None:
        """Take down one request; `response_time` is in milliseconds."""
        if self._began is None:
            return
        self._take_down(response_time, _kind(exception, response))
        release = (response.headers or {}).get(RELEASE) if response is not None else None
        if release:
            self._releases[str(release)] += 1

    def cut_off(self, latencies_ms: list[float]) -> None:
        """Take down the requests that were given up at the end, with the time they had waited."""
        for latency in latencies_ms:
            self._take_down(latency, UNANSWERED)

    @property
    def count(self) -> int:
        """Requests taken down."""
        return len(self._latencies)

    def sample(self, url: str, intended_rate: float, users: int) -> LoadSample:
        """Return everything seen."""
        return LoadSample.of(
            url,
            self._latencies,
            self._failures,
            max(self._ended - self._began, 0.0) if self._began is not None else 0.0,
            releases=self._releases,
            intended_rate=intended_rate,
            users=users,
        )

    def _take_down(self, latency_ms: float, failure: str) -> None:
        self._latencies.append(latency_ms)
        self._ended = time.perf_counter()
        if failure:
            self._failures[failure] += 1


def _kind(exception: Exception | None, response: Any) -> str:
    """Return the kind of failure in few words, the same for all of a kind; empty for none."""
    if exception is None:
        return ""
    status = getattr(response, "status_code", 0)
    if status and status != 200:
        return f"HTTP {status}"
    return str(exception) if status else type(exception).__name__
