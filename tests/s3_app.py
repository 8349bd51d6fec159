"""An S3 server in a process of its own: `python -m tests.s3_app PORT [--forgetful] [--hiccup]`.

moto decides a condition and writes in two steps; behind one lock they are one step, as they are on S3.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

Answer = Callable[..., Any]


class Server:
    """One request at a time."""

    def __init__(self, forgetful: bool, hiccup: bool) -> None:
        """A forgetful server knows no conditions; one with a hiccup writes an event's object and answers that it is busy."""
        self._forgetful, self._hiccup = forgetful, hiccup
        self._app, self._lock = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Answer) -> Iterable[bytes]:
        """Answer one request."""
        if self._forgetful:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        with self._lock:
            answer: Iterable[bytes] = list(self._app(environ, start))
            if self._hiccup and environ["REQUEST_METHOD"] == "PUT" and "/audit/" in environ["PATH_INFO"]:
                self._hiccup = False
                start("503 Service Unavailable", [("content-type", "application/xml")])
                return [b"<Error><Code>ServiceUnavailable</Code><Message>busy</Message></Error>"]
        return answer


def end_with(parent: int) -> None:
    """End when the process that started this one is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Serve until it is stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--forgetful", action="store_true")
    parser.add_argument("--hiccup", action="store_true")
    options = parser.parse_args()
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    run_simple("127.0.0.1", options.port, Server(options.forgetful, options.hiccup), threaded=True)


if __name__ == "__main__":
    main()
