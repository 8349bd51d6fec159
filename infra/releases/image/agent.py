"""What a command talks to inside the proxy's container: the proxy's control socket, the replicas' HTTP, the proxy's files.

It is started again for each command (`docker exec`) and speaks JSON, one object a line, on its standard streams; so a daemon
on another machine needs no open port for it. It runs with the standard library of the image alone.
"""

import base64
import fcntl
import functools
import http.client
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

SOCKET = "/var/lib/gateline/proxy.sock"
CLAIM, ROLLBACK = "/var/lib/gateline/claim", "/var/lib/gateline/claim-rollback"
SECONDS = 2.0
CLAIMED: list[IO[str]] = []
"""The lock is held while its file is open."""


def stats(question: dict[str, Any]) -> dict[str, Any]:
    """Run commands on the proxy's control socket; return all it says."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(SECONDS)
        connection.connect(SOCKET)
        connection.sendall(f"{question['commands']}\n".encode())
        return {"text": b"".join(iter(lambda: connection.recv(65536), b"")).decode()}


def http_request(question: dict[str, Any]) -> dict[str, Any]:
    """Send one request to a replica; return status, headers and body."""
    url = urlsplit(question["url"])
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=question["seconds"])
    try:
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        body = base64.b64decode(question["body"])
        connection.request(question["method"], target, body or None, dict(question["headers"]))
        answer = connection.getresponse()
        content = base64.b64encode(answer.read()).decode()
        return {"status": answer.status, "headers": answer.getheaders(), "body": content}
    finally:
        connection.close()


def write(question: dict[str, Any]) -> dict[str, Any]:
    """Replace a file, whole or not at all."""
    path = Path(question["path"])
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.write_bytes(base64.b64decode(question["body"]))
    os.replace(fresh, path)
    return {}


def claim(question: dict[str, Any], path: str = CLAIM) -> dict[str, Any]:
    """Lock the environment until this agent ends; where another one has, say what its command is about."""
    stream = open(path, "a+", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.seek(0)
        return {"holder": stream.read() or "another command"}
    stream.truncate(0)
    stream.write(question["about"])
    stream.flush()
    CLAIMED.append(stream)
    return {"holder": ""}


KINDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "stats": stats,
    "http": http_request,
    "write": write,
    "claim": claim,
    "claim_rollback": functools.partial(claim, path=ROLLBACK),
}


def answer(line: str) -> dict[str, Any]:
    """Answer one question; a failure is an answer too."""
    question = json.loads(line)
    try:
        return KINDS[question["kind"]](question)
    except (OSError, http.client.HTTPException) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> int:
    """Answer questions until there are no more."""
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
