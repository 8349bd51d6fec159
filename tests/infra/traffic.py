"""Steady traffic for the engine's tests: every answer is counted, every lost request is kept with its reason."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from types import TracebackType
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.002


class Traffic:
    """Sends `POST /predict` from several threads for as long as it is open."""

    def __init__(self, url: str, *, threads: int = 4, keep_alive: bool = True, body: bytes = b"{}") -> None:
        """Aim at the proxy's URL."""
        self._netloc = urlsplit(url).netloc
        self._keep_alive = keep_alive
        self._body = body
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(threads)]
        self._stopped = threading.Event()
        self.releases: Counter[str] = Counter()
        """Answers with status 200, by the digest in their header."""
        self.lost: list[tuple[float, str]] = []
        """When (`time.monotonic`) and why a request was lost; an answer of 500 and above is lost."""

    @property
    def answered(self) -> int:
        """How many requests were answered with status 200."""
        return sum(self.releases.values())

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def wait_for(self, answers: int, seconds: float = 20.0) -> None:
        """Return when so many more requests were answered."""
        enough, deadline = self.answered + answers, time.monotonic() + seconds
        while self.answered < enough:
            assert time.monotonic() < deadline, f"{self.answered} of {enough} answers; lost: {self.lost[:3]}"
            time.sleep(0.01)

    def _send(self) -> None:
        connection = http.client.HTTPConnection(self._netloc, timeout=10)
        while not self._stopped.is_set():
            try:
                self._one(connection)
            except (OSError, http.client.HTTPException) as error:
                self.lost.append((time.monotonic(), f"{type(error).__name__}: {error}"))
                connection.close()
            if not self._keep_alive:
                connection.close()
            time.sleep(PAUSE_SECONDS)
        connection.close()

    def _one(self, connection: http.client.HTTPConnection) -> None:
        connection.request("POST", "/predict", self._body)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == http.client.OK:
            self.releases[answer.headers["x-gateline-release"]] += 1
        else:
            self.lost.append((time.monotonic(), f"{answer.status}: {text[:100].decode(errors='replace')}"))
