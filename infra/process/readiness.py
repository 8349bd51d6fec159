"""Wait until a slot is ready, and say early when it never will be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import httpx

from contracts.digest import short
from contracts.slots import Slot
from infra.process.logs import tail
from infra.process.place import Place
from infra.process.record import Record, read_record
from infra.process.state import State, WantedReplica
from infra.process.stats import StatsSocket
from settings.errors import GateRefused, OutsideError

POLL_SECONDS = 0.05
ASK_SECONDS = 2.0


class Readiness:
    """One wait for one slot."""

    def __init__(self, place: Place, state: State, slot: Slot) -> None:
        """Note how often each replica was restarted before the wait."""
        self._place = place
        self._slot = state.slots[slot]
        self._name = f"{self._slot.release.name} in slot {slot} of {state.environment}"
        self._stats = StatsSocket(state.socket)
        self._before = _restarts(read_record(place.record))

    def wait(self, seconds: float) -> None:
        """Return when every replica is ready and the proxy sees it so.

        Raises OutsideError as soon as a replica crashed, or after `seconds`, and GateRefused (rule `digest`) if
        another release answers.
        """
        deadline = time.monotonic() + seconds
        with httpx.Client(timeout=ASK_SECONDS, trust_env=False) as client:
            while waiting := self._waiting_for(client):
                self._refuse_crashed()
                if time.monotonic() > deadline:
                    name, why = next(iter(waiting.items()))
                    raise self._failure(f"{self._name} was not ready within {seconds:g} s: {why}", name)
                time.sleep(POLL_SECONDS)

    def _waiting_for(self, client: httpx.Client) -> Mapping[str, str]:
        """Return what is still missing, by replica."""
        waiting = {replica.name: why for replica in self._slot.replicas if (why := self._ask(client, replica))}
        return waiting or self._proxy_waits_for()

    def _ask(self, client: httpx.Client, replica: WantedReplica) -> str:
        try:
            answer = client.get(f"http://127.0.0.1:{replica.port}/health/ready")
        except httpx.HTTPError as error:
            return f"127.0.0.1:{replica.port}/health/ready does not answer ({type(error).__name__})"
        if answer.status_code != httpx.codes.OK:
            return f"127.0.0.1:{replica.port}/health/ready answers {answer.status_code}: {answer.text[:200]}"
        self._refuse_other_release(answer)
        return ""

    def _refuse_other_release(self, answer: httpx.Response) -> None:
        try:
            found = str(answer.json()["release"])
        except (ValueError, KeyError, TypeError):
            found = "none"
        if found != self._slot.release.digest:
            raise GateRefused(
                f"digest: {answer.url} is release {short(found)}, should be {short(self._slot.release.digest)}",
                "something else listens there, or the bundle is not what was built: invoke build",
            )

    def _proxy_waits_for(self) -> Mapping[str, str]:
        try:
            servers = self._stats.servers()
        except OutsideError as error:
            return {self._slot.replicas[0].name: error.message}
        seen = {replica.name: servers.get(replica.name) for replica in self._slot.replicas}
        return {
            name: f"the proxy's check says {server.last_check if server else 'nothing yet'}"
            for name, server in seen.items()
            if not (server and server.up and server.passed)
        }

    def _refuse_crashed(self) -> None:
        record = read_record(self._place.record)
        for name, restarts in _restarts(record).items():
            if restarts > self._before.get(name, 0) and name in {replica.name for replica in self._slot.replicas}:
                raise self._failure(f"{self._name} ended instead of getting ready", name)

    def _failure(self, message: str, replica: str) -> OutsideError:
        log = self._place.log(replica)
        lines = tail(log) or "(nothing)"
        return OutsideError(
            f"{message}\n  last lines of {log}:\n    " + lines.replace("\n", "\n    "), "mend that, then build again"
        )


def _restarts(record: Record) -> dict[str, int]:
    return {name: seen.restarts for name, seen in record.replicas.items()}


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Poll `done` until it is true; return False if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
