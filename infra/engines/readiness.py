"""Wait until a slot is ready, and say early when it never will be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import httpx

from gateline.contracts.digest import short
from gateline.contracts.state import WantedReplica, WantedSlot
from gateline.settings.errors import GateRefused, OutsideError
from infra.haproxy.statistics import Server

POLL_SECONDS = 0.05
ASK_SECONDS = 2.0


class Watched(Protocol):
    """What an engine knows of its replicas while one waits for them."""

    def client(self, seconds: float) -> httpx.Client:
        """Return a client that reaches the replicas, with this timeout."""
        ...

    def servers(self) -> Mapping[str, Server]:
        """Return the proxy's servers by name. Raises OutsideError if the proxy does not answer."""
        ...

    def restarts(self) -> Mapping[str, int]:
        """Return how often each replica was started again."""
        ...

    def last_lines(self, replica: str) -> str:
        """Return where a replica's log is and its last lines, for people."""
        ...


class Readiness:
    """One wait for one slot."""

    def __init__(self, watched: Watched, slot: WantedSlot, where: str) -> None:
        """Note how often each replica was restarted before the wait. `where` names slot and environment."""
        self._watched, self._slot = watched, slot
        self._name = f"{slot.release.name} in {where}"
        self._before = watched.restarts()

    def wait(self, seconds: float) -> None:
        """Return when every replica is ready and the proxy sees it so.

        Raises OutsideError as soon as a replica crashed, or after `seconds`, and GateRefused (rule `digest`) if
        another release answers.
        """
        deadline = time.monotonic() + seconds
        with self._watched.client(ASK_SECONDS) as client:
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
        where = f"{replica.address}/health/ready"
        try:
            answer = client.get(f"http://{where}")
        except httpx.HTTPError as error:
            return f"{where} does not answer ({type(error).__name__})"
        if answer.status_code != httpx.codes.OK:
            return f"{where} answers {answer.status_code}: {answer.text[:200]}"
        self._refuse_other_release(answer)
        return ""

    def _refuse_other_release(self, answer: httpx.Response) -> None:
        try:
            found = str(answer.json()["release"])
        except (ValueError, KeyError, TypeError):
            found = "none"
        if found != self._slot.release.digest:
            raise GateRefused(
                f"{answer.url} is release {short(found)}, should be {short(self._slot.release.digest)}",
                "something else listens there, or the bundle is not what was built: invoke build", rule="digest",
            )

    def _proxy_waits_for(self) -> Mapping[str, str]:
        try:
            servers = self._watched.servers()
        except OutsideError as error:
            return {self._slot.replicas[0].name: error.message}
        seen = {replica.name: servers.get(replica.name) for replica in self._slot.replicas}
        return {
            name: f"the proxy's check says {server.last_check if server else 'nothing yet'}"
            for name, server in seen.items()
            if not (server and server.up and server.passed)
        }

    def _refuse_crashed(self) -> None:
        for name, restarts in self._watched.restarts().items():
            if restarts > self._before.get(name, 0) and name in {replica.name for replica in self._slot.replicas}:
                raise self._failure(f"{self._name} ended instead of getting ready", name)

    def _failure(self, message: str, replica: str) -> OutsideError:
        lines = self._watched.last_lines(replica).replace("\n", "\n    ")
        return OutsideError(f"{message}\n  last lines of {lines}", "mend that, then build again")


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Poll `done` until it is true; return False if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
