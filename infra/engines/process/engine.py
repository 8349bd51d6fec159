"""The process engine: writes what should run, and waits until the supervisor has made it so."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import psutil

from gateline.contracts.headers import TOKEN
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, SlotMetrics
from gateline.contracts.state import State
from gateline.settings import Environment, Settings
from gateline.settings.errors import GatelineError, OutsideError, UsageError
from infra.engines import changes, serving
from infra.engines.contract import NOT_STARTED, Running
from infra.engines.measuring import SECONDS, Meter
from infra.engines.process import seeing, starting, verification
from infra.engines.process.listening import free_the_port, orphaned, refuse_orphans
from infra.engines.process.pulse import Pulse
from infra.engines.process.record import Record, Seen, StateFile, read_record
from infra.engines.process.seeing import HostView
from infra.engines.process.starting import START_SECONDS, start_supervisor
from infra.engines.process.strays import orphans, repairs
from infra.engines.readiness import Readiness, wait_until
from infra.haproxy import configuration as haproxy
from infra.haproxy import steering
from infra.haproxy.statistics import Server, StatsSocket
from infra.host import ports, unpacked
from infra.host.alive import stopped
from infra.host.layout import Layout, make_private
from infra.host.logs import tail
from infra.host.notes import FolderNotes
from infra.releases.signing.provenance import Check

APPLY_SECONDS = 20.0
HUNG_SECONDS = 5.0
"""A supervisor gives a sign of life five times a second; one that gave none for so long hangs."""
KILL_SECONDS = 5.0
SPARE_SECONDS = 10.0


class ProcessEngine:
    """Runs the releases of one environment on this host. Implements `Engine`."""

    def __init__(self, settings: Settings, environment: str, root: Path = Path(".")) -> None:
        """Know where everything is; nothing is started, read or written."""
        self._settings = settings
        self._environment: Environment = settings.environments[environment]
        self._place = Layout.of(settings, environment, root)
        self._file = StateFile(self._place.state)
        self._meter = Meter()
        self._pulse: Pulse | None = None

    @property
    def notes(self) -> FolderNotes:
        """What commands write down for the next one."""
        return FolderNotes(self._place.folder)

    def claim(self, about: str, rollback: bool = False) -> str:
        """Take the environment: it is on this machine alone, where the caller's lock holds already."""
        return ""

    def unclaim(self) -> None:
        """Give the environment back."""

    def up(self) -> list[str]:
        """Start or repair proxy and supervisor; return what had to be repaired, in words.

        After `down`, also waits until every slot that has traffic is ready again. Raises OutsideError, and touches nothing,
        where the environment serves and its state is gone.
        """
        haproxy.binary()
        refuse_orphans(self._place, self._environment)
        before, record = self._state(), self._record()
        free_the_port(self._place, self._environment, before, record)
        if not record.proxied:
            make_private(self._sockets(before).parent)
        servers = self._seen_by_proxy(before, record)
        hung = self._end_what_hangs(before, record, servers)
        refused = {} if before.wanted == "up" and record.supervised else dict(self._refused(before, record))
        state = self._file.change(self._first(), self._going_up)
        found = [*repairs(before, state, record, servers or {}, hung), *refused.values()]
        self._await(state)
        ended = {name: record.replicas[name] for name in hung if name in record.replicas}
        wait_until(lambda: not ended.items() & self._record().replicas.items(), KILL_SECONDS)
        if before.wanted == "down":
            for slot in [slot for slot, wanted in state.slots.items() if wanted.share > 0 and slot not in refused]:
                self.wait_ready(slot, self._environment.ready_seconds)
        return found

    def down(self) -> None:
        """Stop everything of this environment; what it was running is remembered and comes back with `up`.

        What still serves though its state is gone is ended too, after its running requests.
        """
        left = None if self._place.state.exists() else orphans(self._place)
        if left:
            left.end()
        state = self._file.change(self._first(), lambda state: state.model_copy(update={"wanted": "down"}))
        living = [child for child in (seen.child() for seen in self._record().everything) if child]
        if not living:
            return
        self._end_hung_supervisor(self._record())
        if not self._record().supervised:
            start_supervisor(self._place)
        seconds = 2 * state.drain_seconds + SPARE_SECONDS
        if not wait_until(lambda: not any(child.alive() for child in living), seconds):
            log = self._place.log("supervisor")
            raise OutsideError(f"{self._place.environment} did not go down within {seconds:.0f} s", f"see {log}")

    def remove(self) -> None:
        """Stop everything of this environment and forget what it was running; the releases stay on this host."""
        self.down()
        self._place.clear()

    def orphaned(self) -> str:
        """Say what serves here though its state is gone, in words; '' where nothing does."""
        return orphaned(self._place, self._environment)

    def status(self) -> Running:
        """Say what is really running. Never raises because something is down: it says so."""
        return seeing.running(self._state(), self._record(), Pulse(self._place.pulse))

    def fetch(self, release: Release, archive: bytes) -> None:
        """Unpack a release on this host, verified by digest, and make its environment."""
        unpacked.fetch(self._place, release, archive)

    def kept(self) -> list[Release]:
        """Return the releases on this host, oldest first."""
        return unpacked.kept(self._place)

    def verify(self, release: Release, running: bool = False) -> str:
        """Return who vouches for a release on this host, after it was compared with its digest."""
        if running:
            return verification.in_memory(self._place, release)
        slots = self._state().slots.values()
        program = next((slot.program for slot in slots if slot.release.digest == release.digest), "")
        return verification.require(self._place, release, program) if program else verification.lies_here(self._place, release)

    def evidence(self, slot: Slot) -> Iterator[Check]:
        """Yield what holds, and what does not, of the release in a slot, of its libraries and its processes."""
        return verification.evidence(self._place, self._state().wanted_in(slot), self._record())

    def start(self, slot: Slot, release: Release, replicas: int) -> None:
        """Start `replicas` times the release's `workers` processes in an empty slot, or bring the slot to this number."""
        known, python = verification.startable(self._place, release)
        count = replicas * serving.workers(known, os.environ)
        variables = serving.given(self._environment, self.token, os.environ)
        self._change(lambda state: changes.started(state, slot, known, python, count, variables, self._free_places))

    def wait_ready(self, slot: Slot, seconds: float) -> None:
        """Return when every replica answers ready with this release's digest and the proxy sees it.

        A replica that ends is reported at once, with its last lines.
        """
        state = self._state()
        view = HostView(self._place, state.socket)
        Readiness(view, state.wanted_in(slot), f"slot {slot} of {state.environment}").wait(seconds)

    def set_shares(self, shares: Mapping[Slot, float]) -> None:
        """Give each named slot its share of traffic at once; slots not named get none. The shares add up to 1."""
        self._change(lambda state: changes.shared(state, shares))

    def guard(self, slot: Slot, guarded: bool) -> None:
        """Tie a slot's health to the heartbeat, beside its own health, or untie it."""
        self._change(lambda state: changes.guarded(state, slot, guarded))

    def beat(self) -> None:
        """Say that the controller is alive."""
        StatsSocket(self._state().socket).ask(steering.beat())

    def move(self, source: Slot, target: Slot) -> None:
        """Rename a slot; the target must be empty. Traffic is not touched; a guard does not move along."""
        self._change(lambda state: changes.moved(state, source, target))

    def stop(self, slot: Slot) -> None:
        """Drain a slot at share 0, then stop its replicas and forget it.

        Returns when no request runs there and the replicas were told to stop; the supervisor sees them to their end.
        """
        present = self._state().slots.get(slot)
        if present is None:
            return
        state = self._change(lambda state: changes.emptied(state, slot))
        names = {replica.name for replica in present.replicas}
        seconds = 2 * state.drain_seconds + SPARE_SECONDS
        if not wait_until(lambda: not names & self._record().in_use, seconds):
            raise OutsideError(
                f"slot {slot} did not stop within {seconds:.0f} s", f"see {self._place.log('supervisor')}"
            )

    def metrics(self, slot: Slot) -> SlotMetrics:
        """Read a slot's counters from its own replicas and from the proxy.

        For one engine object they only ever grow; a new one does not know what was counted before a restart.
        """
        state = self._state()
        view = HostView(self._place, state.socket)
        wanted = state.wanted_in(slot)
        with view.client(SECONDS) as client:
            return self._meter.read(wanted.replicas, view.lives(), client, view.servers())

    def client(self, base_url: str, seconds: float) -> httpx.Client:
        """Return an HTTP client that reaches the replicas: they listen on loopback."""
        state = self._state()
        client = HostView(self._place, state.socket).client(seconds, base_url)
        client.headers[TOKEN] = state.token
        return client

    @property
    def token(self) -> str:
        """What a request carries that marks its rows as made up; '' where no service knows one."""
        return self._state().token

    def logs(self, lines: int) -> Mapping[str, str]:
        """Return the last lines of each log of this environment, by the file's name."""
        return {path.name: tail(path, lines) for path in sorted(self._place.logs.glob("*.log"))}

    def predictions(self) -> Iterator[str]:
        """Yield every line of the prediction logs."""
        for path in sorted(self._place.predictions.glob("predictions-*.jsonl")):
            with path.open(encoding="utf-8", errors="replace") as stream:
                yield from stream

    def bundle(self, release: Release) -> Path:
        """Return where a release that was fetched lies unpacked on this host."""
        return self._place.bundle(release.digest)

    def history(self) -> list[str]:
        """Return the digests that have been stable here, oldest first, the present one last."""
        return list(self._state().history)

    def remember(self, digests: list[str]) -> None:
        """Replace the history."""
        self._file.change(self._first(), lambda state: state.model_copy(update={"history": tuple(digests)}))

    def _state(self) -> State:
        return self._file.read() or self._first()

    def _record(self) -> Record:
        return read_record(self._place.record)

    def _first(self) -> State:
        return State(
            project=self._place.project,
            environment=self._place.environment,
            host=self._environment.host,
            port=self._environment.port,
            runtime=self._place.runtime(),
        )

    def _sockets(self, state: State) -> Path:
        """Return the folder of the sockets; while something runs it stays where it is."""
        return self._place.runtime() if state.wanted == "down" else state.runtime

    def _going_up(self, state: State) -> State:
        """Renew what the settings say, and give the replicas whose port was lost while they were down a new one."""
        about = {"wanted": "up", "host": self._environment.host, "port": self._environment.port}
        state = state.model_copy(update=about | {"runtime": self._sockets(state)})
        unusable = seeing.lost_ports(state, self._record())
        return changes.moved_ports(state, unusable, self._free_places)

    def _change(self, change: Callable[[State], State]) -> State:
        if self._state().wanted == "down":
            raise UsageError(f"{self._place.environment} is down", f"invoke up --env={self._place.environment}")
        state = self._file.change(self._first(), change)
        self._await(state)
        return state

    def _refused(self, state: State, record: Record) -> Iterator[tuple[Slot, str]]:
        """Yield the slots with processes to start that the supervisor will not start, and why."""
        for slot, wanted in state.slots.items():
            if any(not (seen := record.replicas.get(replica.name)) or not seen.child() for replica in wanted.replicas):
                try:
                    verification.require(self._place, wanted.release, wanted.program)
                except GatelineError as error:
                    yield slot, f"{NOT_STARTED}slot {slot}: {error.message}"

    def _seen_by_proxy(self, state: State, record: Record) -> dict[str, Server] | None:
        """Ask the proxy, and once more if it is silent: one question may be lost on a busy machine."""
        return seeing.seen_by_proxy(state, record) or seeing.seen_by_proxy(state, record)

    def _end_what_hangs(self, state: State, record: Record, servers: Mapping[str, Server] | None) -> dict[str, str]:
        """End what lives and answers nothing, to be started again; return what was found, in words."""
        hung = {}
        for name in self._hung_replicas(state, servers or {}):
            _kill(record.replicas.get(name))
            hung[name] = f"replica {name} answered nothing; it was replaced"
        if self._end_hung_supervisor(record):
            hung["supervisor"] = "the supervisor answered nothing; it was replaced"
        elif record.supervisor and _is_older(record.supervisor) and _kill(record.supervisor):
            hung["supervisor"] = "the supervisor was of an earlier version; it was replaced"
        if record.proxied and servers is None:
            hung["proxy"] = "the proxy had lost its socket; it was replaced"
            if self._state().socket.exists():
                _kill(record.proxy)
                hung["proxy"] = "the proxy answered nothing; it was replaced"
        return hung

    def _hung_replicas(self, state: State, servers: Mapping[str, Server]) -> Iterator[str]:
        """Return the replicas that the proxy gets no answer from, and that give none when they are asked once more."""
        with HostView(self._place, state.socket).client(HUNG_SECONDS) as client:
            for replica in (replica for slot in state.slots.values() for replica in slot.replicas):
                if replica.name in servers and servers[replica.name].hangs:
                    try:
                        client.get(f"http://{replica.address}/health/live")
                    except httpx.TimeoutException:
                        yield replica.name
                    except httpx.HTTPError:
                        continue

    def _end_hung_supervisor(self, record: Record) -> bool:
        """End a supervisor that lives and gives no sign of it, after waiting for one; return whether there was such."""
        if not record.supervised or Pulse(self._place.pulse).answers(HUNG_SECONDS):
            return False
        return _kill(record.supervisor)

    def _await(self, state: State) -> None:
        """Return when proxy and processes agree with the state; a supervisor that is missing or hangs is replaced.

        Where none can be, shares are brought to the proxy from here: a rollback's traffic is moved by whoever is there.
        """
        try:
            agreed = wait_until(lambda: self._agrees(state), APPLY_SECONDS)
        except OutsideError:
            self._steer(state)
            raise
        if not agreed and not self._steer(state):
            log = self._place.log("supervisor")
            why = self._record().trouble or tail(log, 3) or "the supervisor does not follow"
            raise OutsideError(f"{self._place.environment}: {why}", f"end what is in the way; {log} says more")

    def _steer(self, state: State) -> bool:
        """Tell the proxy itself what the state says, of servers that it knows; return whether it agrees then."""
        stats = StatsSocket(state.socket)
        try:
            for _ in range(2):
                told = steering.differences(state, stats.servers(), stats.guards(state.guards))
                if not told:
                    return True
                stats.ask(told)
        except OutsideError:
            pass
        return False

    def _agrees(self, state: State) -> bool:
        self._supervise()
        record = self._record()
        return record.applied >= state.revision and record.proxied

    def _supervise(self) -> None:
        """Start the supervisor if none lives or the one that does hangs, and return when one does."""
        record = self._record()
        if record.supervised and not self._supervisor_hangs(record):
            return
        start_supervisor(self._place)
        self._pulse = None
        if not wait_until(lambda: self._record().supervised, START_SECONDS):
            log = self._place.log("supervisor")
            raise OutsideError(f"the supervisor does not start: {tail(log, 3)}", f"see {log}")

    def _supervisor_hangs(self, record: Record) -> bool:
        """End a supervisor that lives and gives no sign of it; its children go on. Return whether it is gone."""
        self._pulse = self._pulse or Pulse(self._place.pulse)
        if self._pulse.silence() < HUNG_SECONDS and not (record.supervisor and stopped(record.supervisor.pid)):
            return False
        return _kill(record.supervisor)

    def _free_places(self, count: int, state: State) -> list[tuple[str, int]]:
        fixed = {environment.port for environment in self._settings.environments.values()}
        return [(starting.LOOPBACK, port) for port in ports.free_ports(count, fixed | changes.used_ports(state))]


def _is_older(seen: Seen) -> bool:
    """Whether a supervisor is of a version that starts releases without comparing them."""
    try:
        return seen.child() is not None and starting.VERIFYING not in psutil.Process(seen.pid).cmdline()
    except psutil.Error:
        return False


def _kill(seen: Seen | None) -> bool:
    """End a process that answers nothing; return whether it is gone."""
    child = seen.child() if seen else None
    if child is None:
        return True
    child.send(signal.SIGKILL)
    return wait_until(lambda: not child.alive(), KILL_SECONDS)
