"""The controller's sign of life: the proxy takes the canary out when it stops."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any

STALE_SECONDS = 1.5


class Heartbeat:
    """Answers 200 on a loopback port while `beat` was called in the last 1.5 s, else 503; nothing once its process is dead.

    The proxy checks it every 500 ms and takes the canary out after two misses.
    """

    def __init__(self) -> None:
        """Bind a free port; answers begin with the first `beat`."""
        heartbeat = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if heartbeat.fresh else 503)
                self.send_header("content-length", "0")
                self.end_headers()

            do_HEAD = do_OPTIONS = do_GET

            def log_message(self, *arguments: Any) -> None:
                """Say nothing: twice a second is no news."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._last = 0.0

    @property
    def port(self) -> int:
        """The port it answers on."""
        return int(self._server.server_address[1])

    @property
    def fresh(self) -> bool:
        """Whether the controller was alive just now."""
        return time.monotonic() - self._last < STALE_SECONDS

    def beat(self) -> None:
        """Say that the controller is alive."""
        self._last = time.monotonic()

    def __enter__(self) -> Heartbeat:
        self.beat()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
