"""Steady traffic from threads: every answer is counted by release, every lost request is kept with its reason."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit


class Loss(NamedTuple):
    """One request without an answer of status 200."""

    seconds: float
    """When, on the monotonic clock."""
    release: str
    """Who answered; empty where nobody did."""
    reason: str


class Traffic:
    """Sends `POST /predict` from several threads until the block is left."""

    def __init__(
        self,
        url: str,
        body: bytes = b"{}",
        *,
        rate: float = 800.0,
        threads: int = 4,
        keep_alive: bool | None = None,
        open_loop: bool = False,
    ) -> None:
        """Aim `rate` requests a second in all at `url`. `keep_alive` None: every second thread keeps its connection.

        `open_loop`: what a slow answer delays is sent later, all of it; else it is left out.
        """
        self._netloc, self._body = urlsplit(url).netloc, body
        self._pause, self._open_loop = threads / rate, open_loop
        self._begun = time.monotonic()
        self._stop, self._lock = threading.Event(), threading.Lock()
        kept = [number % 2 == 0 if keep_alive is None else keep_alive for number in range(threads)]
        self._threads = [threading.Thread(target=self._send, args=(keep,), daemon=True) for keep in kept]
        self.releases: Counter[str] = Counter()
        """Answers with status 200, by the digest in their header."""
        self.last: dict[str, float] = {}
        """When each release answered last, on the monotonic clock, whatever the status."""
        self.lost: list[Loss] = []

    @property
    def answered(self) -> int:
        """Requests answered with status 200."""
        return self.releases.total()

    @property
    def sent(self) -> int:
        """Requests that are over, answered or lost."""
        return self.answered + len(self.lost)

    @property
    def rate(self) -> float:
        """Requests a second that were over since the block was entered."""
        return self.sent / (time.monotonic() - self._begun)

    def __enter__(self) -> Traffic:
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def wait_for(self, answers: int, seconds: float = 60.0) -> None:
        """Return when so many more requests were answered."""
        enough, end = self.answered + answers, time.monotonic() + seconds
        while self.answered < enough:
            assert time.monotonic() < end, f"{self.answered} of {enough} answers; lost: {self.lost[:3]}"
            time.sleep(0.01)

    def _send(self, keep: bool) -> None:
        connection = http.client.HTTPConnection(self._netloc, timeout=15)
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                self._ask(connection)
            except (OSError, http.client.HTTPException) as error:
                self._lose("", f"{type(error).__name__}: {error}")
                connection.close()
            if not keep:
                connection.close()
            due = due + self._pause if self._open_loop else max(due + self._pause, time.monotonic())
            self._stop.wait(max(0.0, due - time.monotonic()))
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        connection.request("POST", "/predict", self._body, {"content-type": "application/json"})
        answer = connection.getresponse()
        text, release = answer.read(), answer.getheader("x-gateline-release") or ""
        self.last[release] = time.monotonic()
        if answer.status != http.client.OK:
            return self._lose(release, f"{answer.status}: {text[:200].decode(errors='replace')}")
        with self._lock:
            self.releases[release] += 1

    def _lose(self, release: str, reason: str) -> None:
        with self._lock:
            self.lost.append(Loss(time.monotonic(), release, reason))
