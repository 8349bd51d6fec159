"""The docker engine: releases in containers of one daemon, this machine's or another one's, behind a proxy container."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path

import httpx

from contracts.digest import short
from contracts.release import Release
from contracts.slots import Slot, SlotMetrics
from infra.bundle import verify
from infra.docker import images
from infra.docker.client import Docker, connect
from infra.docker.labelled_state import LabelledState
from infra.docker.names import RUNTIME, Names
from infra.docker.network import free_addresses, proxy_address, subnet_of
from infra.docker.proxy import Proxy
from infra.docker.replicas import PORT, Replicas
from infra.docker.transport import TunnelTransport
from infra.docker.view import DaemonView
from infra.engines import changes
from infra.engines.engine import Running
from infra.engines.measuring import SECONDS, Meter
from infra.engines.readiness import Readiness
from infra.engines.state import State
from infra.image.building import Workshop
from infra.image.proxy import proxy_image
from infra.process import commands, host
from infra.process.place import Place
from infra.process.python_env import OURS
from registry.releases import Releases
from registry.store import Store
from settings import Environment, Settings
from settings.errors import GateRefused, UsageError


class DockerEngine:
    """Runs the releases of one environment on a Docker daemon. Implements `Engine`."""

    def __init__(self, settings: Settings, environment: str, root: Path = Path(".")) -> None:
        """Know where everything is; nothing is asked, started or written."""
        self._settings = settings
        self._environment: Environment = settings.environments[environment]
        self._names = Names(settings.project.name, environment)
        self._place = Place(root.resolve(), settings.project.name, environment)
        self._meter = Meter()

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
    def _view(self) -> DaemonView:
        return DaemonView(self._proxy, self._replicas)

    @cached_property
    def _subnet(self) -> IPv4Network:
        return subnet_of(self._client, self._names)

    @cached_property
    def _image(self) -> str:
        """The proxy's image, which also carries the state: on the daemon since the first `up`."""
        workshop = Workshop.of(self._settings, self._client, self._environment.docker.host, self._place.root)
        return proxy_image(workshop, OURS, lambda line: None)

    def up(self) -> list[str]:
        """Start or repair proxy and replicas; return what had to be repaired, in words."""
        where = self._environment
        about = {"wanted": "up", "host": where.host, "port": where.port}
        before = self._state()
        state = self._states.change(self._image, self._first(), lambda state: state.model_copy(update=about))
        found = self._realise(state)
        if before.wanted == "down":
            for slot in [slot for slot, wanted in state.slots.items() if wanted.share > 0]:
                self.wait_ready(slot, where.ready_seconds)
            return []
        return found

    def down(self) -> None:
        """Stop everything of this environment; what it was running is remembered and comes back with `up`."""
        if self._states.read() is None:
            return
        state = self._states.change(
            self._image, self._first(), lambda state: state.model_copy(update={"wanted": "down"})
        )
        self._proxy.stop(state.drain_seconds)
        self._replicas.halt(state.drain_seconds)

    def status(self) -> Running:
        """Say what is really running. Never raises because a container is down: it says so."""
        return self._view.running(self._state())

    def fetch(self, release: Release, archive: bytes) -> None:
        """Bring the tested image of a release onto the daemon, and its files onto this machine.

        Raises GateRefused (rule `digest`) if the image that is there, or comes, is not the recorded one.
        """
        releases = Releases(Store.of(self._settings))
        image = images.bring(self._client, releases, release)
        host.unpacked(self._place, release, archive)
        self._states.change(self._image, self._first(), lambda state: changes.fetched(state, release.digest, image))

    def kept(self) -> list[Release]:
        """Return the releases whose images are on the daemon, oldest first."""
        return images.kept(self._client, self._settings.project.name, self._state().programs)

    def start(self, slot: Slot, release: Release, replicas: int) -> None:
        """Start `replicas` times the release's `workers` containers in an empty slot, or bring the slot to this number."""
        image = self._state().programs.get(release.digest, "")
        if not images.present(self._client, image):
            raise UsageError(
                f"release {release.name} ({short(release.digest)}) has no image on the daemon of {self._names.environment}",
                "fetch it from the registry first: invoke deploy",
            )
        count = replicas * commands.workers(release, os.environ)
        variables = {name: os.environ[name] for name in commands.TAKEN_OVER if os.environ.get(name)}
        self._change(lambda state: changes.started(state, slot, release, image, count, variables, self._free_places))

    def wait_ready(self, slot: Slot, seconds: float) -> None:
        """Return when every replica answers ready with this release's digest and the proxy sees it."""
        state = self._state()
        if slot not in state.slots:
            raise UsageError(
                f"slot {slot} of {state.environment} is empty and cannot get ready", "start a release in it first"
            )
        Readiness(self._view, state.slots[slot], f"slot {slot} of {state.environment}").wait(seconds)

    def set_shares(self, shares: Mapping[Slot, float]) -> None:
        """Give each named slot its share of traffic at once; slots not named get none. The shares add up to 1."""
        self._change(lambda state: changes.shared(state, shares))

    def guard(self, slot: Slot, guarded: bool) -> None:
        """Tie a slot's health to the heartbeat, beside its own health, or untie it."""
        self._change(lambda state: changes.guarded(state, slot, guarded))

    def beat(self) -> None:
        """Say that the controller is alive."""
        self._pulse.beat()

    def move(self, source: Slot, target: Slot) -> None:
        """Rename a slot; the target must be empty. Traffic is not touched; a guard does not move along."""
        self._change(lambda state: changes.moved(state, source, target))

    def stop(self, slot: Slot) -> None:
        """Drain a slot at share 0, then stop its replicas and forget it."""
        if slot in self._state().slots:
            self._change(lambda state: changes.emptied(state, slot))

    def metrics(self, slot: Slot) -> SlotMetrics:
        """Read a slot's counters from its own replicas and from the proxy."""
        state = self._state()
        if slot not in state.slots:
            raise UsageError(
                f"slot {slot} of {state.environment} is empty and has no metrics", "start a release in it first"
            )
        with self._view.client(SECONDS) as client:
            return self._meter.read(state.slots[slot].replicas, self._view.lives(), client, self._view.servers())

    def client(self, base_url: str, seconds: float) -> httpx.Client:
        """Return an HTTP client that reaches the replicas through the proxy's container."""
        return httpx.Client(transport=TunnelTransport(self._proxy.tunnel), base_url=base_url, timeout=seconds)

    def bundle(self, release: Release) -> Path:
        """Return where the files of a release can be read on this machine; they are taken out of its image where they miss."""
        folder = self._place.bundle(release.digest)
        try:
            verify(folder, release)
        except GateRefused:
            archive = images.bundle_in(self._client, self._state().programs.get(release.digest, ""))
            host.unpacked(self._place, release, archive)
        return folder

    def close(self) -> None:
        """Give the connections to the daemon back."""
        self._proxy.tunnel.close()
        self._pulse.tunnel.close()
        self._client.close()

    def history(self) -> list[str]:
        """Return the digests that have been stable here, oldest first, the present one last."""
        return list(self._state().history)

    def remember(self, digests: list[str]) -> None:
        """Replace the history; images of releases before the last ones are removed from the daemon."""
        keep = self._environment.docker.keep_images
        state = self._states.change(self._image, self._first(), lambda state: changes.remembered(state, digests, keep))
        images.prune(self._client, self._settings.project.name, set(state.programs.values()))

    def _state(self) -> State:
        return self._states.read() or self._first()

    def _first(self) -> State:
        return State(
            project=self._names.project,
            environment=self._names.environment,
            host=self._environment.host,
            port=self._environment.port,
            runtime=Path(RUNTIME),
        )

    def _change(self, change: Callable[[State], State]) -> State:
        if self._state().wanted == "down":
            raise UsageError(f"{self._names.environment} is down", f"invoke up --env={self._names.environment}")
        state = self._states.change(self._image, self._first(), change)
        self._realise(state)
        return state

    def _realise(self, state: State) -> list[str]:
        """Make what runs agree with the state: new replicas first, then the proxy, then those that leave."""
        subnet = self._subnet
        found = self._replicas.start(state)
        found += self._proxy.up(state, self._image, proxy_address(subnet))
        self._proxy.agree(state)
        wanted = {replica.name for slot in state.slots.values() for replica in slot.replicas}
        leaving = {*self._proxy.servers(), *self._replicas.found()} - wanted
        for name in leaving:
            self._proxy.release(name, state)
        self._replicas.stop(leaving, state.drain_seconds)
        return found

    def _free_places(self, count: int, state: State) -> list[tuple[str, int]]:
        taken = {replica.host for slot in state.slots.values() for replica in slot.replicas}
        return [(host, PORT) for host in free_addresses(self._subnet, count, taken)]
