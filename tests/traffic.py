"""Steady traffic from threads, half of it on kept connections: every answer is counted, by release and by status."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any


class Traffic:
    """Sends `row` to `/predict` from `threads` threads at about `rate` requests a second in all, until the block is left."""

    def __init__(self, port: int, row: dict[str, Any], rate: float = 100.0, threads: int = 4) -> None:
        """Prepare; nothing is sent."""
        self._port, self._body = port, json.dumps({"features": row})
        self._pause = threads / rate if rate else 0.0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(n % 2 == 0,), daemon=True) for n in range(threads)]
        self.statuses: Counter[str] = Counter()
        self.releases: Counter[str] = Counter()
        self.failures: list[str] = []
        self.last: dict[str, float] = {}
        """When each release answered last (monotonic seconds)."""

    @property
    def sent(self) -> int:
        """Requests sent so far, answered or not."""
        return sum(self.statuses.values())

    @property
    def lost(self) -> int:
        """Requests without an answer, or with one of 5xx."""
        return sum(count for status, count in self.statuses.items() if not status.startswith(("2", "4")))

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def wait_for(self, count: int, seconds: float = 60.0) -> None:
        """Return when this many more requests were sent."""
        goal, end = self.sent + count, time.monotonic() + seconds
        while self.sent < goal:
            assert time.monotonic() < end, f"only {self.sent} of {goal} requests were sent in {seconds} s"
            time.sleep(0.02)

    def _send(self, keep: bool) -> None:
        connection = self._connect()
        due = time.monotonic()
        while not self._stop.is_set():
            if not keep:
                connection.close()
                connection = self._connect()
            try:
                self._ask(connection)
            except (OSError, http.client.HTTPException) as error:
                self._count(f"{type(error).__name__}", "", str(error))
                connection.close()
                connection = self._connect()
            due = max(due + self._pause, time.monotonic() - 1.0)
            self._stop.wait(max(0.0, due - time.monotonic()))
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        connection.request("POST", "/predict", self._body, {"content-type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        self._count(
            str(answer.status), answer.getheader("x-gateline-release") or "", said[:200].decode(errors="replace")
        )

    def _count(self, status: str, release: str, said: str) -> None:
        with self._lock:
            self.statuses[status] += 1
            self.releases[release] += 1
            self.last[release] = time.monotonic()
            if not status.startswith(("2", "4")) and len(self.failures) < 20:
                self.failures.append(f"{status} {release[:8]} {said}")

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
