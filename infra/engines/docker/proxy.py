"""The proxy's container: it comes back as it was, and agrees with the state."""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from typing import Any

from gateline.contracts.state import State
from gateline.settings.errors import OutsideError
from infra.engines.docker.names import RUNTIME, Names
from infra.engines.docker.replicas import address
from infra.engines.docker.tunnel import Tunnel
from infra.haproxy import configuration as haproxy
from infra.haproxy import steering
from infra.haproxy.statistics import Server, parsed_guards, parsed_servers
from infra.host.docker import HARDENED, Docker, NotFound, reaching

PORT = 8080
USER = 65532
START_SECONDS = 15.0
MEMORY = "256m"
PUBLISHED = "gateline.published"


class Proxy:
    """One environment's proxy on one daemon."""

    def __init__(self, client: Docker, names: Names) -> None:
        """Know its container; nothing is started."""
        self._client, self._names = client, names
        self.tunnel = Tunnel(client, names.proxy)

    def container(self) -> Any:
        """Return the container, or None."""
        try:
            with reaching():
                return self._client.containers.get(self._names.proxy)
        except NotFound:
            return None

    def runs(self) -> bool:
        """Say whether the container runs."""
        container = self.container()
        return container is not None and container.status == "running"

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
                self.servers()
                return True
        return False

    def servers(self) -> dict[str, Server]:
        """Return the servers by name. Raises OutsideError if the proxy does not answer."""
        return parsed_servers(self.tunnel.stats(f"show stat {haproxy.BACKEND} 4 -1"))

    def agree(self, state: State) -> None:
        """Bring the running proxy, and what it starts from, to the state. Raises OutsideError where it does not follow."""
        said = ""
        for _ in range(3):
            guards = parsed_guards(self.tunnel.stats(f"show map {state.guards}"))
            told = steering.differences(state, self.servers(), guards)
            if not told:
                break
            said = self.tunnel.stats("; ".join(told)).strip()
        else:
            raise OutsideError(f"the proxy does not follow: {said}", "invoke status --logs")
        self.tunnel.write(str(state.guards), haproxy.guards_file(state).encode())
        self.tunnel.write(f"{RUNTIME}/haproxy.cfg", inside(state).encode())

    def release(self, name: str, state: State) -> None:
        """Let a server finish its requests, for as long as the state allows, and forget it."""
        deadline = time.monotonic() + state.drain_seconds
        while (server := self.servers().get(name)) is not None:
            late = time.monotonic() > deadline
            if server.up and not late:
                self.tunnel.stats("; ".join(steering.drain(name)))
            if server.current == 0 or late:
                told = steering.remove(name, late) + steering.forget_guards([name], state.guards)
                self.tunnel.stats("; ".join(told))
            time.sleep(0.02)

    def beat(self) -> None:
        """Say that the controller is alive."""
        self.tunnel.stats("; ".join(steering.beat()))

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
                self.servers()
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
