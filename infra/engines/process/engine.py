"""The process engine: writes what should run, and waits until the supervisor has made it so."""

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, State, WantedSlot
from gateline.settings import Environment, Settings
from gateline.settings.errors import OutsideError
from infra.engines import changes
from infra.engines.observing import Life, Observed
from infra.engines.process import starting, verification
from infra.engines.process.orphans import free_the_port, orphaned, orphans, refuse_orphans
from infra.engines.process.record import Pulse, Record, Seen, StateFile, read_record
from infra.engines.proxied import HUNG_SECONDS, ProxiedEngine
from infra.haproxy import configuration as haproxy
from infra.haproxy.control import Control, Server, asking
from infra.host import ports, unpacked
from infra.host.layout import make_private
from infra.host.notes import FolderNotes
from infra.host.processes import stopped, tail, wait_until
from infra.releases.signing.trust import Check

APPLY_SECONDS = 20.0
ANSWER_SECONDS = 3.0
KILL_SECONDS = 5.0
SPARE_SECONDS = 10.0


class ProcessEngine(ProxiedEngine):
    """Runs the releases of one environment as processes of this host."""

    def __init__(self, settings: Settings, environment: str, root: Path = Path(".")) -> None:
        """Know where everything is; nothing is started, read or written."""
        super().__init__(settings, environment, root)
        self._file = StateFile(self._layout.state)
        self._pulse: Pulse | None = None
        self.control = Control(lambda commands: asking(self._state().socket)(commands))

    @property
    def notes(self) -> FolderNotes:
        return FolderNotes(self._layout.folder)

    def down(self) -> None:
        """Stop everything of this environment; what still serves though its state is gone is ended too."""
        left = orphans(self._layout)
        if left:
            left.end()
        state = self._write(lambda state: state.model_copy(update={"wanted": "down"}))
        living = [child for child in (seen.child() for seen in self._record().everything) if child]
        if not living:
            return
        self._end_hung_supervisor(self._record())
        if not self._record().supervised:
            starting.start_supervisor(self._layout)
        self._wait(lambda: not any(child.alive() for child in living), state, f"{self._name} did not go down")

    def remove(self) -> None:
        """Stop everything of this environment and forget what it was running; the releases stay on this host."""
        self.down()
        self._layout.clear()

    def orphaned(self) -> str:
        return orphaned(self._layout, self._environment)

    def fetch(self, release: Release, archive: bytes) -> None:
        unpacked.fetch(self._layout, release, archive)

    def kept(self) -> list[Release]:
        return unpacked.kept(self._layout)

    def verify(self, release: Release, running: bool = False) -> str:
        if running:
            return verification.in_memory(self._layout, release)
        slots = self._state().slots.values()
        program = next((slot.program for slot in slots if slot.release.digest == release.digest), "")
        if program:
            return verification.require(self._layout, release, program)
        return verification.require_unused(self._layout, release)

    def evidence(self, slot: Slot) -> Iterator[Check]:
        return verification.evidence(self._layout, self._state().wanted_in(slot), self._record())

    def stop(self, slot: Slot) -> None:
        """Drain a slot, then tell its replicas to stop; the supervisor sees them to their end."""
        present = self._state().slots.get(slot)
        super().stop(slot)
        if present is not None:
            names = {replica.name for replica in present.replicas}
            self._wait(lambda: not names & self._record().in_use, self._state(), f"slot {slot} did not stop")

    def logs(self, lines: int) -> Mapping[str, str]:
        return {path.name: tail(path, lines) for path in sorted(self._layout.logs.glob("*.log"))}

    def predictions(self) -> Iterator[str]:
        for path in sorted(self._layout.predictions.glob("predictions-*.jsonl")):
            with path.open(encoding="utf-8", errors="replace") as stream:
                yield from stream

    def _read(self) -> State | None:
        return self._file.read()

    def _write(self, change: Callable[[State], State]) -> State:
        return self._file.change(self._first(), change)

    def _startable(self, release: Release) -> tuple[Release, str]:
        return verification.startable(self._layout, release)

    def _vouch(self, wanted: WantedSlot) -> str:
        return verification.require(self._layout, wanted.release, wanted.program)

    def _free(self, count: int, state: State) -> list[tuple[str, int]]:
        fixed = {environment.port for environment in self._settings.environments.values()}
        return [(starting.LOOPBACK, port) for port in ports.free_ports(count, fixed | changes.used_ports(state))]

    def _observe(self) -> Observed:
        record = self._record()
        return Observed(
            proxy=Life(str(record.proxy.pid if record.proxy else 0), record.proxied),
            replicas={
                name: Life(str(seen.pid), seen.child() is not None, seen.restarts) for name, seen in record.replicas.items()
            },
        )

    def _where(self) -> str:
        return f"processes of this machine, in {self._layout.folder}"

    def _last_lines(self, replica: str) -> str:
        log = self._layout.log(replica)
        return f"{log}:\n{tail(log) or '(nothing)'}"

    def _supervision(self) -> tuple[bool, bool]:
        record = self._record()
        return record.supervised, record.supervised and self._answers(record, ANSWER_SECONDS)

    def _answers(self, record: Record, seconds: float) -> bool:
        """Wait for a sign of a living supervisor for at most so long: its last one says nothing of one suspended since."""
        return not _suspended(record) and Pulse(self._layout.pulse).answers(seconds)

    def _record(self) -> Record:
        return read_record(self._layout.record)

    def _wait(self, done: Callable[[], bool], state: State, failed: str) -> None:
        seconds = 2 * state.drain_seconds + SPARE_SECONDS
        if not wait_until(done, seconds):
            raise OutsideError(f"{failed} within {seconds:.0f} s", f"see {self._layout.log('supervisor')}")

    def _repair(self, before: State) -> tuple[list[str], Mapping[Slot, str]]:
        """Bring everything up, in this order: the port, what hangs, the state, and the supervisor that does the rest."""
        haproxy.binary()
        refuse_orphans(self._layout, self._environment)
        record = self._record()
        free_the_port(self._layout, self._environment, before, record)
        runtime = self._runtime() if before.wanted == "down" else before.runtime  # stays where it is while something runs
        if not record.proxied:
            make_private(runtime.parent)
        seen = self._observe()
        servers = self._servers(seen) or self._servers(seen)  # one question may be lost on a busy machine
        hung = self._end_what_hangs(before, record, servers)
        refused = {} if before.wanted == "up" and record.supervised else self._refused(before, seen)

        def renewed(state: State) -> State:
            """Renew what the settings say, and give the replicas whose port was lost while they were down a new one."""
            about = {"wanted": "up", "host": self._environment.host, "port": self._environment.port, "runtime": runtime}
            lives = self._observe().replicas
            idle = {one.port for one in state.replicas if not lives.get(one.name, Life()).alive}
            lost = {port for port in idle if not ports.is_free(starting.LOOPBACK, port)}
            return changes.moved_ports(state.model_copy(update=about), lost, self._free)

        found = [] if before.wanted == "down" else [*_repairs(before, self._environment, record, servers or {}, hung)]
        self._apply(self._write(renewed))
        ended = {name: record.replicas[name] for name in hung if name in record.replicas}
        wait_until(lambda: not ended.items() & self._record().replicas.items(), KILL_SECONDS)
        return found, refused

    def _end_what_hangs(self, state: State, record: Record, servers: Mapping[str, Server] | None) -> dict[str, str]:
        """End what lives and answers nothing, to be started again; return what was found, in words."""
        hung = {}
        for name in self._hung(state, servers or {}):
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

    def _end_hung_supervisor(self, record: Record) -> bool:
        """End a supervisor that lives and gives no sign of it, after waiting for one; return whether there was such."""
        if not record.supervised or self._answers(record, HUNG_SECONDS):
            return False
        return _kill(record.supervisor)

    def _apply(self, state: State) -> None:
        """Return when proxy and processes agree with the state; a supervisor that is missing or hangs is replaced.

        Where none can be, shares are brought to the proxy from here: a rollback's traffic is moved in any case.
        """
        try:
            if wait_until(lambda: self._agrees(state), APPLY_SECONDS):
                return
        except OutsideError:
            with contextlib.suppress(OutsideError):
                self.control.agree(state)
            raise
        try:
            self.control.agree(state)
        except OutsideError:
            log = self._layout.log("supervisor")
            why = self._record().trouble or tail(log, 3) or "the supervisor does not follow"
            raise OutsideError(f"{self._name}: {why}", f"end what is in the way; {log} says more") from None

    def _agrees(self, state: State) -> bool:
        """Say whether the supervisor has applied the state; start one if none lives or the one that does hangs."""
        record = self._record()
        if not record.supervised or self._supervisor_hangs(record):
            starting.start_supervisor(self._layout)
            self._pulse = None
            if not wait_until(lambda: self._record().supervised, starting.START_SECONDS):
                log = self._layout.log("supervisor")
                raise OutsideError(f"the supervisor does not start: {tail(log, 3)}", f"see {log}")
            record = self._record()
        return record.applied >= state.revision and record.proxied

    def _supervisor_hangs(self, record: Record) -> bool:
        """End a supervisor that lives and gives no sign of it; its children go on. Return whether it is gone."""
        self._pulse = self._pulse or Pulse(self._layout.pulse)
        if self._pulse.silence() < HUNG_SECONDS and not _suspended(record):
            return False
        return _kill(record.supervisor)


def _suspended(record: Record) -> bool:
    return record.supervisor is not None and stopped(record.supervisor.pid)


def _repairs(
    before: State, where: Environment, record: Record, servers: Mapping[str, Server], hung: Mapping[str, str]
) -> Iterator[str]:
    """Yield what is not as it should be; to be asked before anything but what hangs is repaired."""
    for name, runs in (("supervisor", record.supervised), ("proxy", record.proxied)):
        if name in hung:
            yield hung[name]
        elif not runs:
            yield f"the {name} had ended; it was started again"
    yield from (told for name, told in hung.items() if name in record.replicas)
    for slot, wanted in before.slots.items():
        seen = [record.replicas.get(replica.name) for replica in wanted.replicas if replica.name not in hung]
        ended = sum(1 for one in seen if not (one and one.child()))
        if ended:
            yield f"{ended} of {len(wanted.replicas)} processes of slot {slot} had ended; started again"
    if (before.host, before.port) != (where.host, where.port):
        yield f"the proxy listened on {before.host}:{before.port}; it was moved to {where.host}:{where.port}"
    for slot, wanted in before.slots.items():
        checked = [servers[replica.name] for replica in wanted.replicas if replica.name in servers]
        if wanted.guarded and wanted.share > 0 and checked and not any(server.up for server in checked):
            yield f"slot {slot} had lost its heartbeat; the proxy has taken it out of traffic"


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
