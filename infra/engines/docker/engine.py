"""The docker engine: releases in containers of one daemon, this machine's or another one's, behind a proxy container."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx

from gateline.contracts.digest import short
from gateline.contracts.headers import TOKEN
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, SlotMetrics
from gateline.contracts.state import State, WantedSlot
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Environment, Settings
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from infra.engines import changes, serving
from infra.engines.contract import NOT_STARTED, Running
from infra.engines.docker import daemon, images
from infra.engines.docker.daemon import Daemon, free_addresses, proxy_address
from infra.engines.docker.labelled_state import LabelledNotes
from infra.engines.docker.names import RUNTIME, Names
from infra.engines.docker.replicas import PORT
from infra.engines.docker.tunnel import TunnelTransport
from infra.engines.measuring import SECONDS, Meter
from infra.engines.readiness import Readiness
from infra.host import unpacked
from infra.host.bundle import verify
from infra.host.docker import reaching
from infra.host.layout import Layout
from infra.releases.signing.provenance import Check, asked
from infra.releases.signing.trust import Trust


class DockerEngine:
    """Runs the releases of one environment on a Docker daemon. Implements `Engine`."""

    def __init__(self, settings: Settings, environment: str, root: Path = Path(".")) -> None:
        """Know where everything is; nothing is asked, started or written."""
        self._settings = settings
        self._environment: Environment = settings.environments[environment]
        self._names = Names(settings.project.name, environment)
        self._place = Layout.of(settings, environment, root)
        self._daemon = Daemon(settings, environment, root.resolve())
        self._meter = Meter()

    @property
    def notes(self) -> LabelledNotes:
        """What commands write down for the next one, on the daemon."""
        return LabelledNotes(lambda: self._daemon.states, lambda: self._daemon.image)

    def claim(self, about: str, rollback: bool = False) -> str:
        """Take the environment from every machine's commands; where no proxy answers, there is nothing to take it with.

        A rollback takes it on the way that it goes anyway, since another one costs time; it gives it back with `close`.
        """
        if not self._daemon.proxy.runs():
            return ""
        way = self._daemon.proxy if rollback else self._daemon.claims
        try:
            return way.tunnel.claim(about, rollback)
        except OutsideError:
            return ""

    def unclaim(self) -> None:
        """Give the environment back; what a rollback took ends with it."""
        self._daemon.claims.tunnel.close()

    def up(self) -> list[str]:
        """Start or repair proxy and replicas; return what had to be repaired, in words."""
        where = self._environment
        about = {"wanted": "up", "host": where.host, "port": where.port}
        before = self._state()
        state = self._keep(lambda state: state.model_copy(update=about))
        found = self._realise(state) + self._restart_hung(state)
        if before.wanted == "down":
            for slot in [slot for slot, wanted in state.slots.items() if wanted.share > 0 and self._starts(wanted)]:
                self.wait_ready(slot, where.ready_seconds)
            return [one for one in found if one.startswith(NOT_STARTED)]
        return found

    def down(self) -> None:
        """Stop everything of this environment; what it was running is remembered and comes back with `up`."""
        if self._daemon.states.read() is None:
            return
        state = self._keep(lambda state: state.model_copy(update={"wanted": "down"}))
        self._daemon.proxy.stop(state.drain_seconds)
        self._daemon.replicas.halt(state.drain_seconds)

    def remove(self) -> None:
        """Stop everything of this environment and forget what it was running; the daemon is left as it was before."""
        self.down()
        daemon.remove(self._daemon.client, self._names)

    def orphaned(self) -> str:
        """Return '': the state is on the daemon, beside what it tells of."""
        return ""

    def status(self) -> Running:
        """Say what is really running. Never raises because a container is down: it says so."""
        return self._daemon.view.running(self._state())

    def fetch(self, release: Release, archive: bytes) -> None:
        """Bring the tested image of a release onto the daemon, and its files onto this machine.

        Raises GateRefused (rule `digest`) if the image that is there, or comes, is not the recorded one.
        """
        releases = Releases(Store.of(self._settings))
        image = images.bring(self._daemon.client, releases, release)
        unpacked.add(self._place, release, archive)
        self._keep(lambda state: changes.fetched(state, release.digest, image))

    def kept(self) -> list[Release]:
        """Return the releases whose images are on the daemon, oldest first."""
        return images.kept(self._daemon.client, self._settings.project.name, self._state().programs)

    def verify(self, release: Release, running: bool = False) -> str:
        """Return who vouches for a release and its image on the daemon: the id of an image is the digest of all it holds."""
        return self._vouched(release, self._state().programs.get(release.digest, ""))

    def evidence(self, slot: Slot) -> Iterator[Check]:
        """Yield what holds, and what does not, of the image in a slot and of its containers."""
        wanted, found = self._state().wanted_in(slot), self._daemon.replicas.found()
        yield asked("image", lambda: self._vouched(wanted.release, wanted.program))
        for replica in wanted.replicas:
            if (container := found.get(replica.name)) is not None:
                wrong = self._daemon.replicas.altered(container, wanted.program)
                made = short(str(container.attrs["Image"]).removeprefix("sha256:"))
                said = f"{container.status}, made from {made}" + (f": it {wrong}" if wrong else "")
                yield Check(f"container {replica.name}", not wrong, said)

    def start(self, slot: Slot, release: Release, replicas: int) -> None:
        """Start `replicas` times the release's `workers` containers in an empty slot, or bring the slot to this number."""
        image = self._state().programs.get(release.digest, "")
        self._vouched(release, image)
        count = replicas * serving.workers(release, os.environ)
        variables = serving.given(self._environment, self.token, os.environ)
        self._change(lambda state: changes.started(state, slot, release, image, count, variables, self._free_places))

    def wait_ready(self, slot: Slot, seconds: float) -> None:
        """Return when every replica answers ready with this release's digest and the proxy sees it."""
        state = self._state()
        Readiness(self._daemon.view, state.wanted_in(slot), f"slot {slot} of {state.environment}").wait(seconds)

    def set_shares(self, shares: Mapping[Slot, float]) -> None:
        """Give each named slot its share of traffic at once; slots not named get none. The shares add up to 1."""
        self._change(lambda state: changes.shared(state, shares))

    def guard(self, slot: Slot, guarded: bool) -> None:
        """Tie a slot's health to the heartbeat, beside its own health, or untie it."""
        self._change(lambda state: changes.guarded(state, slot, guarded))

    def beat(self) -> None:
        """Say that the controller is alive."""
        self._daemon.pulse.beat()

    def move(self, source: Slot, target: Slot) -> None:
        """Rename a slot; the target must be empty. Traffic is not touched; a guard does not move along."""
        self._change(lambda state: changes.moved(state, source, target))

    def stop(self, slot: Slot) -> None:
        """Drain a slot at share 0, then stop its replicas and forget it."""
        if slot in self._state().slots:
            self._change(lambda state: changes.emptied(state, slot))

    def metrics(self, slot: Slot) -> SlotMetrics:
        """Read a slot's counters from its own replicas and from the proxy."""
        wanted = self._state().wanted_in(slot)
        with self._daemon.view.client(SECONDS) as client:
            return self._meter.read(wanted.replicas, self._daemon.view.lives(), client, self._daemon.view.servers())

    def client(self, base_url: str, seconds: float) -> httpx.Client:
        """Return an HTTP client that reaches the replicas through the proxy's container."""
        headers, transport = {TOKEN: self.token}, TunnelTransport(self._daemon.proxy.tunnel)
        return httpx.Client(transport=transport, base_url=base_url, timeout=seconds, headers=headers)

    @property
    def token(self) -> str:
        """What a request carries that marks its rows as made up; '' where no service knows one."""
        return self._state().token

    def logs(self, lines: int) -> Mapping[str, str]:
        """Return the last lines of each container of this environment, by its name; the daemon keeps them."""
        proxy, replicas = self._daemon.proxy.container(), self._daemon.replicas.found()
        containers = [*([proxy] if proxy is not None else []), *(replicas[name] for name in sorted(replicas))]
        with reaching():
            return {one.name: one.logs(tail=lines).decode(errors="replace").rstrip() for one in containers}

    def predictions(self) -> Iterator[str]:
        """Yield every line of the prediction logs, out of the volume that the replicas share."""
        return self._daemon.replicas.predictions()

    def bundle(self, release: Release) -> Path:
        """Return where the files of a release can be read on this machine; they are taken out of its image where they miss."""
        folder = self._place.bundle(release.digest)
        try:
            verify(folder, release)
        except GateRefused:
            archive = images.bundle_in(self._daemon.client, self._state().programs.get(release.digest, ""))
            unpacked.add(self._place, release, archive)
        return folder

    def close(self) -> None:
        """Give the connections to the daemon back."""
        self._daemon.close()

    def history(self) -> list[str]:
        """Return the digests that have been stable here, oldest first, the present one last."""
        return list(self._state().history)

    def remember(self, digests: list[str]) -> None:
        """Replace the history; images of releases before the last ones are removed from the daemon."""
        keep = self._environment.docker.keep_images
        state = self._keep(lambda state: changes.remembered(state, digests, keep))
        images.prune(self._daemon.client, self._settings.project.name, set(state.programs.values()))

    def _state(self) -> State:
        return self._daemon.states.read() or self._first()

    def _first(self) -> State:
        return State(
            project=self._names.project,
            environment=self._names.environment,
            host=self._environment.host,
            port=self._environment.port,
            runtime=Path(RUNTIME),
        )

    def _keep(self, change: Callable[[State], State]) -> State:
        return self._daemon.states.change(self._daemon.image, self._first(), change)

    def _change(self, change: Callable[[State], State]) -> State:
        if self._state().wanted == "down":
            raise UsageError(f"{self._names.environment} is down", f"invoke up --env={self._names.environment}")
        state = self._keep(change)
        self._realise(state)
        return state

    def _starts(self, wanted: WantedSlot) -> bool:
        return asked("image", lambda: self._vouched(wanted.release, wanted.program)).holds

    def _vouched(self, release: Release, image: str) -> str:
        if not images.present(self._daemon.client, image):
            raise UsageError(
                f"release {release.name} ({short(release.digest)}) has no image on the daemon of {self._names.environment}",
                "fetch it from the registry first: invoke deploy",
            )
        return Trust(self.notes).require(release, image)

    def _realise(self, state: State) -> list[str]:
        """Make what runs agree with the state: new replicas first, then the proxy, then those that leave."""
        subnet = self._daemon.subnet
        found = self._daemon.replicas.start(state, self._vouched)
        found += self._daemon.proxy.up(state, self._daemon.image, proxy_address(subnet))
        self._daemon.proxy.agree(state)
        wanted = {replica.name for slot in state.slots.values() for replica in slot.replicas}
        leaving = {*self._daemon.proxy.servers(), *self._daemon.replicas.found()} - wanted
        for name in leaving:
            self._daemon.proxy.release(name, state)
        self._daemon.replicas.stop(leaving, state.drain_seconds)
        return found

    def _restart_hung(self, state: State) -> list[str]:
        """Start again the replicas that the proxy gets no answer from, and that give none when they are asked once more."""
        servers, found = self._daemon.proxy.servers(), []
        for replica in (replica for slot in state.slots.values() for replica in slot.replicas):
            if replica.name in servers and servers[replica.name].hangs and self._daemon.view.hangs(replica.address):
                self._daemon.replicas.restart(replica.name)
                found.append(f"replica {replica.name} answered nothing; it was started again")
        return found

    def _free_places(self, count: int, state: State) -> list[tuple[str, int]]:
        taken = {replica.host for slot in state.slots.values() for replica in slot.replicas}
        return [(host, PORT) for host in free_addresses(self._daemon.subnet, count, taken)]
