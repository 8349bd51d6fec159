"""A conversation with the agent in the proxy's container, over the daemon's own connection: local, TLS or ssh alike."""

from __future__ import annotations

import base64
import json
import struct
from threading import Lock
from typing import Any

import httpx

from gateline.settings.errors import OutsideError
from infra.host.docker import Docker, reaching

AGENT = ("python3", "/opt/gateline/proxy/agent.py")
HEADER = 8
STDOUT = 1
DEFAULT_SECONDS = 5.0
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host"}


class Tunnel:
    """One agent, started when it is first asked, and once more when it has gone with its container. Safe between threads."""

    def __init__(self, client: Docker, container: str) -> None:
        """Talk through this container (a name); nothing is started."""
        self._client, self._container = client, container
        self._stream: _Stream | None = None
        self._lock = Lock()

    def stats(self, commands: str) -> str:
        """Run commands on the proxy's control socket and return what it says."""
        return str(self._ask({"kind": "stats", "commands": commands})["text"])

    def write(self, path: str, data: bytes) -> None:
        """Replace a file in the proxy's container."""
        self._ask({"kind": "write", "path": path, "body": base64.b64encode(data).decode()})

    def claim(self, about: str, rollback: bool) -> str:
        """Take the environment for as long as this tunnel is open; return '' or what its holder is about.

        An agent of an older version knows no claim of a rollback: it ends. Raises OutsideError then.
        """
        return str(self._ask({"kind": "claim_rollback" if rollback else "claim", "about": about})["holder"])

    def http(self, method: str, url: str, headers: dict[str, str], body: bytes, seconds: float) -> dict[str, Any]:
        """Send a request to a replica; return status, headers and body (base64)."""
        encoded = base64.b64encode(body).decode()
        question = {
            "kind": "http",
            "method": method,
            "url": url,
            "headers": headers,
            "body": encoded,
            "seconds": seconds,
        }
        return self._ask(question)

    def close(self) -> None:
        """End the agent."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()
            self._stream = None

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        line = json.dumps(question).encode() + b"\n"
        with self._lock:
            answer = self._exchange(line)
        if "error" in answer:
            raise OutsideError(f"through {self._container}: {answer['error']}", "invoke up, then invoke status")
        return answer

    def _exchange(self, line: bytes) -> dict[str, Any]:
        for last_try in (False, True):
            try:
                self._stream = self._stream or _Stream(self._client, self._container)
                found: dict[str, Any] = json.loads(self._stream.exchange(line))
                return found
            except (OSError, ValueError) as error:
                if self._stream is not None:
                    self._stream.close()
                self._stream = None
                if last_try:
                    raise OutsideError(f"{self._container} does not answer: {error}", "invoke up") from None
        raise AssertionError("the last try returns or raises")


class _Stream:
    """Standard streams of one `docker exec`, in the frames that the daemon multiplexes them in.

    https://docs.docker.com/reference/api/engine/: attach, stream format.
    """

    def __init__(self, client: Docker, container: str) -> None:
        with reaching():
            started = client.api.exec_create(container, list(AGENT), stdin=True, stdout=True, stderr=False)
            raw = client.api.exec_start(started["Id"], socket=True)
        self._socket: Any = getattr(raw, "_sock", raw)
        self._raw = raw
        self._text = b""

    def exchange(self, line: bytes) -> bytes:
        """Send a line and return the line that answers it."""
        self._socket.sendall(line) if hasattr(self._socket, "sendall") else self._socket.send(line)
        while b"\n" not in self._text:
            kind, size = struct.unpack(">BxxxL", self._exactly(HEADER))
            data = self._exactly(size)
            self._text += data if kind == STDOUT else b""
        found, _, self._text = self._text.partition(b"\n")
        return found

    def close(self) -> None:
        self._raw.close()
        self._socket.close()

    def _exactly(self, size: int) -> bytes:
        parts, missing = [], size
        while missing:
            part = self._socket.recv(missing)
            if not part:
                raise ConnectionError("its agent has ended")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


class TunnelTransport(httpx.BaseTransport):
    """Sends each request through the agent."""

    def __init__(self, tunnel: Tunnel) -> None:
        """Use this tunnel; it stays open when the client closes."""
        self._tunnel = tunnel

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx.ConnectError where the replica, or the way to it, does not answer."""
        seconds = request.extensions.get("timeout", {}).get("read") or DEFAULT_SECONDS
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            answer = self._tunnel.http(request.method, str(request.url), headers, request.read(), seconds)
        except OutsideError as error:
            raise httpx.ConnectError(error.message, request=request) from None
        kept = [(name, value) for name, value in answer["headers"] if name.lower() not in HOP_BY_HOP]
        return httpx.Response(answer["status"], headers=kept, content=base64.b64decode(answer["body"]), request=request)
