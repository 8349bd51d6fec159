"""The docker engine: releases in containers of one daemon, this machine's or another one's, behind a proxy container."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx

from gateline.contracts.digest import short
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, State, WantedSlot
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Settings
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from infra.engines import changes
from infra.engines.docker import daemon
from infra.engines.docker.labels import RUNTIME, LabelledState, Names
from infra.engines.docker.proxy import Proxy, TunnelTransport
from infra.engines.docker.replicas import PORT, Replicas
from infra.engines.notes import StateNotes
from infra.engines.observing import Life, Observed
from infra.engines.proxied import ProxiedEngine
from infra.haproxy.control import Control
from infra.host import unpacked
from infra.host.bundle import verify
from infra.host.docker import Docker, connect, reaching
from infra.host.notes import Notes
from infra.host.python_env import OURS
from infra.releases.image.building import Workshop
from infra.releases.signing.trust import Check, Trust, asked

LINES = 10
LIVING = ("running", "paused")


class DockerEngine(ProxiedEngine):
    """Runs the releases of one environment on a Docker daemon, each part of which is reached when it is first asked for."""

    def __init__(self, settings: Settings, environment: str, root: Path = Path(".")) -> None:
        """Know where everything is; nothing is asked, started or written."""
        super().__init__(settings, environment, root)
        self._root = root.resolve()
        self._names = Names(settings.project.name, environment)
        self.control = Control(lambda commands: self._proxy.control.ask(commands))

    @property
    def notes(self) -> Notes:
        return StateNotes(self._read, self._write, lambda: f"the label {self._states.label}")

    def claim(self, about: str, rollback: bool = False) -> str:
        """Take the environment from every machine's commands; where no proxy answers, there is nothing to take it with.

        A rollback takes it on the way that it goes in any case, since another one costs time; it gives it back with `close`.
        """
        proxy = self._proxy.container()
        if proxy is None or proxy.status != "running":
            return ""
        try:
            return (self._proxy if rollback else self._claims).tunnel.claim(about, rollback)
        except OutsideError:
            return ""

    def unclaim(self) -> None:
        """Give the environment back; what a rollback took ends with its process."""
        self._claims.tunnel.close()

    def down(self) -> None:
        if self._read() is not None:
            state = self._write(lambda state: state.model_copy(update={"wanted": "down"}))
            self._proxy.stop(state.drain_seconds)
            self._replicas.halt(state.drain_seconds)

    def remove(self) -> None:
        """Stop and forget everything of this environment; the daemon is left as it was before."""
        self.down()
        daemon.remove(self._client, self._names)
        for gone in ("_image", "_subnet"):
            vars(self).pop(gone, None)

    def fetch(self, release: Release, archive: bytes) -> None:
        """Bring the tested image of a release onto the daemon, and its files onto this machine."""
        image = daemon.bring(self._client, Releases(Store.of(self._settings)), release)
        unpacked.add(self._layout, release, archive)
        self._write(lambda state: changes.fetched(state, release.digest, image))

    def kept(self) -> list[Release]:
        return daemon.kept(self._client, self._settings.project.name, self._state().programs)

    def verify(self, release: Release, running: bool = False) -> str:
        """Return who vouches for a release and its image on the daemon: the id of an image is the digest of all it holds."""
        return self._vouched(release, self._image_of(release))

    def evidence(self, slot: Slot) -> Iterator[Check]:
        wanted, found = self._state().wanted_in(slot), self._replicas.found()
        yield asked("image", lambda: self._vouch(wanted))
        for replica in wanted.replicas:
            if (container := found.get(replica.name)) is not None:
                wrong = self._replicas.altered(container, wanted.program)
                made = short(str(container.attrs["Image"]).removeprefix("sha256:"))
                said = f"{container.status}, made from {made}" + (f": it {wrong}" if wrong else "")
                yield Check(f"container {replica.name}", not wrong, said)

    def beat(self) -> None:
        self._pulse.control.beat()

    def logs(self, lines: int) -> Mapping[str, str]:
        """Return the last lines of each container of this environment, by its name; the daemon keeps them."""
        proxy, replicas = self._proxy.container(), self._replicas.found()
        containers = [*([proxy] if proxy is not None else []), *(replicas[name] for name in sorted(replicas))]
        with reaching():
            return {one.name: one.logs(tail=lines).decode(errors="replace").rstrip() for one in containers}

    def predictions(self) -> Iterator[str]:
        return self._replicas.predictions()

    def bundle(self, release: Release) -> Path:
        """Return where the files of a release can be read on this machine; they are taken out of its image where they miss."""
        folder = self._layout.bundle(release.digest)
        try:
            verify(folder, release)
        except GateRefused:
            unpacked.add(self._layout, release, daemon.bundle_in(self._client, self._image_of(release)))
        return folder

    def remember(self, digests: list[str]) -> None:
        """Replace the history; images of releases before the last ones are removed from the daemon."""
        keep = self._environment.docker.keep_images
        state = self._write(lambda state: changes.remembered(state, digests, keep))
        daemon.prune(self._client, self._settings.project.name, set(state.programs.values()))

    def close(self) -> None:
        """Give the connections to the daemon back."""
        for way in (self._proxy, self._pulse, self._claims):
            way.tunnel.close()
        self._client.close()

    @cached_property
    def _client(self) -> Docker:
        return connect(self._environment.docker.host)

    @cached_property
    def _states(self) -> LabelledState:
        return LabelledState(self._client, self._names)

    @cached_property
    def _replicas(self) -> Replicas:
        return Replicas(self._client, self._names, self._environment.docker)

    @cached_property
    def _proxy(self) -> Proxy:
        return Proxy(self._client, self._names)

    @cached_property
    def _pulse(self) -> Proxy:
        """A way to the proxy of its own: a heartbeat does not wait for a slow answer on the other one."""
        return Proxy(self._client, self._names)

    @cached_property
    def _claims(self) -> Proxy:
        """A way of its own again: what is claimed through it is ours for as long as it is open."""
        return Proxy(self._client, self._names)

    @cached_property
    def _subnet(self) -> IPv4Network:
        return daemon.subnet_of(self._client, self._names)

    @cached_property
    def _image(self) -> str:
        """The proxy's image, which carries the state too: that of its container if there is one, as its base may be gone."""
        there = self._proxy.container()
        if there is not None:
            return str(there.attrs["Image"])
        workshop = Workshop.of(self._settings, self._client, self._environment.docker.host, self._root)
        return workshop.proxy_image(OURS, lambda line: None)

    def _read(self) -> State | None:
        return self._states.read()

    def _write(self, change: Callable[[State], State]) -> State:
        return self._states.change(self._image, self._first(), change)

    def _runtime(self) -> Path:
        return Path(RUNTIME)

    def _transport(self) -> httpx.BaseTransport:
        return TunnelTransport(self._proxy.tunnel)

    def _where(self) -> str:
        where = self._environment.docker.host or "this machine"
        return f"containers {self._names.prefix}-… on the Docker daemon of {where}"

    def _last_lines(self, replica: str) -> str:
        container = self._replicas.found().get(replica)
        if container is None:
            return f"replica {replica}: (its container is gone)"
        return f"{container.name}:\n{container.logs(tail=LINES).decode(errors='replace').strip() or '(nothing)'}"

    def _free(self, count: int, state: State) -> list[tuple[str, int]]:
        taken = {replica.host for replica in state.replicas}
        return [(host, PORT) for host in daemon.free_addresses(self._subnet, count, taken)]

    def _observe(self) -> Observed:
        proxy, replicas = self._proxy.container(), self._replicas.found()
        return Observed(
            proxy=_life(proxy, LIVING) if proxy is not None else Life(),
            replicas=_lives(replicas),
        )

    def _startable(self, release: Release) -> tuple[Release, str]:
        image = self._image_of(release)
        self._vouched(release, image)
        return release, image

    def _vouch(self, wanted: WantedSlot) -> str:
        return self._vouched(wanted.release, wanted.program)

    def _vouched(self, release: Release, image: str) -> str:
        if not daemon.present(self._client, image):
            raise UsageError(
                f"release {release.name} ({short(release.digest)}) has no image on the daemon of {self._name}",
                "fetch it from the registry first: invoke deploy",
            )
        return Trust(self.notes).require(release, image)

    def _image_of(self, release: Release) -> str:
        return self._state().programs.get(release.digest, "")

    def _repair(self, before: State) -> tuple[list[str], Mapping[Slot, str]]:
        about = {"wanted": "up", "host": self._environment.host, "port": self._environment.port}
        state = self._write(lambda state: state.model_copy(update=about))
        found, refused = self._realise(state)
        for name in self._hung(state, self.control.servers()):
            self._replicas.restart(name)
            found.append(f"replica {name} answered nothing; it was started again")
        return found, refused

    def _apply(self, state: State) -> None:
        self._realise(state)

    def _realise(self, state: State) -> tuple[list[str], Mapping[Slot, str]]:
        """Make what runs agree with the state: new replicas first, then the proxy, then those that leave.

        Return in words what had ended, and by slot why it is not started.
        """
        subnet, containers = self._subnet, self._replicas.found()
        refused = self._refused(state, Observed(Life(), _lives(containers)))
        found = self._replicas.start(state, containers, refused)
        found += self._proxy.up(state, self._image, str(subnet[daemon.PROXY_OFFSET]))
        self._proxy.agree(state)
        wanted = {replica.name for replica in state.replicas}
        leaving = {*self.control.servers(), *self._replicas.found()} - wanted
        for name in leaving:
            self.control.drain(name, state)
        if leaving:
            self._replicas.stop(leaving, state.drain_seconds)
        return found, refused


def _lives(containers: Mapping[str, Any]) -> Mapping[str, Life]:
    return {name: _life(container, ("running",)) for name, container in containers.items()}


def _life(container: Any, living: tuple[str, ...]) -> Life:
    about = container.attrs
    return Life(f"{container.id} {about['State']['StartedAt']}", container.status in living, int(about.get("RestartCount", 0)))
