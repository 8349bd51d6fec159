"""The proxy's container: it comes back as it was, and agrees with the state; and the agent in it, which is talked to over
the daemon's own connection: local, TLS or ssh alike.
"""

import base64
import contextlib
import io
import json
import struct
import tarfile
import time
from threading import Lock
from typing import Any

import httpx

from gateline.contracts.slots import State
from gateline.settings.errors import OutsideError
from infra.engines.docker.labels import RUNTIME, Names
from infra.engines.docker.replicas import address
from infra.haproxy import configuration as haproxy
from infra.haproxy.control import Control
from infra.host.docker import HARDENED, Docker, NotFound, reaching

PORT = 8080
USER = 65532
START_SECONDS = 15.0
MEMORY = "256m"
PUBLISHED = "gateline.published"
AGENT = ("python3", "/opt/gateline/proxy/agent.py")
HEADER = 8
STDOUT = 1
DEFAULT_SECONDS = 5.0
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host"}


class Proxy:
    """One environment's proxy on one daemon."""

    def __init__(self, client: Docker, names: Names) -> None:
        """Know its container; nothing is started."""
        self._client, self._names = client, names
        self.tunnel = Tunnel(client, names.proxy)
        self.control = Control(self.tunnel.stats)

    def container(self) -> Any:
        """Return the container, or None."""
        try:
            with reaching():
                return self._client.containers.get(self._names.proxy)
        except NotFound:
            return None

    def up(self, state: State, image: str, host: str) -> list[str]:
        """Start the proxy at `host` in the network if it does not run as the state says; return what had ended, in words."""
        container, found = self.container(), []
        published = f"{state.host}:{state.port}"
        if container is not None and container.labels.get(PUBLISHED) != published:
            with reaching():
                container.remove(force=True)
            found.append(f"the proxy listened elsewhere; it listens at {published} now")
            container = None
        if container is not None and self._woken(container):
            return found + ([] if container.status == "running" else ["the proxy was paused; it goes on"])
        if container is not None and container.status in ("running", "paused"):
            with reaching():
                container.kill()
            found.append("the proxy answered nothing; it was replaced")
        elif container is not None:
            found.append(f"the proxy was {container.status} and is started again")
        if container is None:
            container = self._create(state, image, host)
        self._put_config(container, state)
        with reaching():
            container.start()
        self.tunnel.close()
        self._await()
        return found

    def _woken(self, container: Any) -> bool:
        """Let a paused proxy go on, and say whether it answers: asked twice, for one question may be lost on a busy host."""
        if container.status not in ("running", "paused"):
            return False
        if container.status == "paused":
            with reaching():
                container.unpause()
        for _ in range(2):
            with contextlib.suppress(OutsideError):
                self.control.servers()
                return True
        return False

    def agree(self, state: State) -> None:
        """Bring the running proxy, and what it starts from, to the state. Raises OutsideError where it does not follow."""
        self.control.agree(state)
        self.tunnel.write(str(state.guards), haproxy.guards_file(state).encode())
        self.tunnel.write(f"{RUNTIME}/haproxy.cfg", inside(state).encode())

    def stop(self, seconds: float) -> None:
        """Let running requests end, then end the proxy; its container stays."""
        container = self.container()
        if container is not None:
            with reaching():
                container.stop(timeout=int(seconds) + 1)

    def _await(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.control.servers()
                return
            except OutsideError as error:
                container = self.container()
                if time.monotonic() > deadline or container is None or container.status == "exited":
                    lines = container.logs(tail=5).decode(errors="replace").strip() if container else ""
                    raise OutsideError(f"the proxy does not start: {error.message}\n  {lines}", "invoke up") from None
                time.sleep(0.05)

    def _create(self, state: State, image: str, host: str) -> Any:
        with reaching():
            return self._client.containers.create(
                image,
                name=self._names.proxy,
                labels=self._names.labels("proxy", {PUBLISHED: f"{state.host}:{state.port}"}),
                network=self._names.prefix,
                networking_config={self._names.prefix: address(self._client, host)},
                ports={f"{PORT}/tcp": (state.host, state.port)},
                volumes={self._names.runtime: {"bind": RUNTIME, "mode": "rw"}},
                mem_limit=MEMORY,
                **HARDENED,
            )

    def _put_config(self, container: Any, state: State) -> None:
        files = {"haproxy.cfg": inside(state).encode(), "guards.map": haproxy.guards_file(state).encode()}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.uid, member.gid = len(data), 0o600, USER, USER
                archive.addfile(member, io.BytesIO(data))
        with reaching():
            container.put_archive(RUNTIME, packed.getvalue())


def inside(state: State) -> str:
    """Return the configuration as it is inside the container, where the proxy listens on every address."""
    return haproxy.config(state.model_copy(update={"host": "*", "port": PORT}))


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
        """Send one request. Raises httpx.ReadTimeout where the replica takes it and does not answer, else ConnectError."""
        seconds = request.extensions.get("timeout", {}).get("read") or DEFAULT_SECONDS
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            answer = self._tunnel.http(request.method, str(request.url), headers, request.read(), seconds)
        except OutsideError as error:
            kind = httpx.ReadTimeout if TimeoutError.__name__ in error.message else httpx.ConnectError
            raise kind(error.message, request=request) from None
        kept = [(name, value) for name, value in answer["headers"] if name.lower() not in HOP_BY_HOP]
        return httpx.Response(answer["status"], headers=kept, content=base64.b64decode(answer["body"]), request=request)
