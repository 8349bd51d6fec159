"""The engine contract: what runs releases in slots behind one weighted address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from gateline.contracts.reference import LiveCounts
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, SlotMetrics
from infra.host.notes import Notes
from infra.releases.signing.trust import Check

NOT_STARTED = "not started: "
"""How `up` begins what it says of a slot that it may not start."""


@dataclass(frozen=True)
class Replica:
    """One running copy of a release."""

    name: str
    address: str
    """`host:port` of the service itself, behind the proxy."""
    alive: bool
    restarts: int = 0


@dataclass(frozen=True)
class SlotStatus:
    """What is really running in a slot."""

    slot: Slot
    release: Release
    share: float
    """Share of traffic, 0 to 1, as the proxy has it now: a slot of which no replica is up has none."""
    replicas: tuple[Replica, ...]


@dataclass(frozen=True)
class Running:
    """What is really running in an environment, read from the engine."""

    environment: str
    url: str
    proxy_alive: bool
    """Whether the proxy runs and answers."""
    supervised: bool
    """Whether what starts proxy and replicas again runs and answers."""
    slots: Mapping[Slot, SlotStatus] = field(default_factory=dict)
    hung: tuple[str, ...] = ()
    """What lives and answers nothing, by what it is: the supervisor, the proxy, a replica."""
    where: str = ""
    """Where all of it runs and is kept, for people."""
    sharing: str = ""
    """Which shares the replicas give by their number, and which are asked; '' where weights give exactly what is asked."""

    def release_in(self, slot: Slot) -> Release | None:
        """Return the release in a slot, or None if the slot is empty."""
        status = self.slots.get(slot)
        return status.release if status else None


class Engine(Protocol):
    """Runs the releases of one environment. Every call is safe to repeat; what is there already is left as it is.

    Raises OutsideError where the machine, the port or a process fails.
    """

    @property
    def notes(self) -> Notes:
        """What commands write down for the next one, by anyone who runs it."""
        ...

    def claim(self, about: str, rollback: bool = False) -> str:
        """Take the environment for this process alone; return '' if it is taken now, else what its holder is about.

        A `rollback` waits for no other change, so it takes the environment against other rollbacks alone.
        It is given back with `unclaim`, or when this process ends, however it ends.
        """
        ...

    def unclaim(self) -> None:
        """Give the environment back."""
        ...

    def up(self) -> list[str]:
        """Start or repair proxy and supervisor; return in words what had to be repaired, and what is NOT_STARTED.

        After `down`, it also waits until every slot that has traffic is ready again. A slot whose release does not hold
        (see `verify`) is left as it is: other commands must be able to replace it. Raises OutsideError, and touches
        nothing, where the environment serves and its state is gone (see `orphaned`).
        """
        ...

    def down(self) -> None:
        """Stop everything of this environment; what it was running is remembered and comes back with `up`."""
        ...

    def remove(self) -> None:
        """Stop everything of this environment and forget what it was running: `up` starts it empty."""
        ...

    def orphaned(self) -> str:
        """Say what serves at this environment's address though its state is gone, in words; '' where nothing does."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Return the objects that a platform of others keeps for this environment, and at which version each is now."""
        ...

    def preview(self, release: Release, replicas: int) -> str:
        """Return what all traffic for a release would make of a platform's objects, as a unified diff; nothing is changed.

        It is '' where no platform keeps objects.
        """
        ...

    def status(self) -> Running:
        """Say what is really running. What is down is said, and never raised."""
        ...

    def fetch(self, release: Release, archive: bytes) -> None:
        """Bring a release onto the engine's host, verified by digest, ready to start without the registry.

        Raises GateRefused (rule `digest`) if something else comes; nothing is kept of it.
        """
        ...

    def kept(self) -> list[Release]:
        """Return the releases on the engine's host that can be started without the registry, oldest first."""
        ...

    def verify(self, release: Release, running: bool = False) -> str:
        """Return who vouches for a release as it is on the engine's host, in words.

        It is compared with its digest, and its signed statement is asked by the keys that are kept with the environment: no
        registry is needed, and nothing is written. Of one that is `running`, what is in memory already is left out. Raises
        UsageError where it was not fetched, GateRefused (rule `digest`) where its files were changed, and Unsigned (rule
        `signature`) where nobody vouches for it.
        """
        ...

    def evidence(self, slot: Slot) -> Iterator[Check]:
        """Yield what holds, and what does not, of the release in a slot as it is on the host, and of its replicas."""
        ...

    def start(self, slot: Slot, release: Release, replicas: int) -> None:
        """Start replicas of a fetched release in an empty slot (or bring the slot to this number), at share 0.

        Each has as many processes as `release.service.workers` says. Raises UsageError if the slot runs another release
        or the release was not fetched, and GateRefused as `verify` does: what starts was compared first.
        """
        ...

    def wait_ready(self, slot: Slot, seconds: float) -> None:
        """Return when every replica answers ready and the proxy sees it.

        Raises OutsideError with the service's last lines, at once if it ended, and GateRefused (rule `digest`) if
        another release answers.
        """
        ...

    def set_shares(self, shares: Mapping[Slot, float]) -> None:
        """Give each named slot its share of traffic at once; slots not named get none. The shares add up to 1."""
        ...

    def guard(self, slot: Slot, guarded: bool) -> None:
        """Tie a slot's health in the proxy also to the heartbeat, or to the service alone again.

        A guarded slot is out of traffic at most 2 s after the last `beat`.
        """
        ...

    def beat(self) -> None:
        """Say that the controller of a guarded slot is alive; to be called several times a second."""
        ...

    def move(self, source: Slot, target: Slot) -> None:
        """Rename a slot; the target must be empty. Traffic is not touched: the share moves along, a guard does not."""
        ...

    def stop(self, slot: Slot) -> None:
        """Drain a slot at share 0, then stop its replicas and forget it. An empty slot is left empty.

        Returns when no request runs there any more. Raises UsageError if the slot has a share that another could take.
        """
        ...

    def metrics(self, slot: Slot) -> SlotMetrics:
        """Read a slot's counters from its own replicas and from the proxy. Raises OutsideError if none answers.

        For one engine object they only ever grow; a new one does not know what was counted before a restart.
        """
        ...

    def answers(self) -> Mapping[str, float]:
        """Return how many requests clients were answered, by status class (`2xx` to `5xx`), since the proxy started.

        It counts those that reached no replica, too. Empty where what stands before the slots does not say. Raises
        OutsideError if it does not answer.
        """
        return {}

    def drift_counts(self, slot: Slot) -> Mapping[str, LiveCounts]:
        """Return what each living replica of a slot has counted of its rows, by its name.

        Raises OutsideError if one of them gives no counts.
        """
        ...

    @property
    def secrets(self) -> Mapping[str, str]:
        """What senders of requests need, as variables: the token that marks rows as made up, and a key if one is asked for."""
        ...

    def client(self, base_url: str, seconds: float) -> httpx.Client:
        """Return an HTTP client, with this timeout, that reaches the replicas at their addresses and carries the secrets."""
        ...

    def logs(self, lines: int) -> Mapping[str, str]:
        """Return the last lines of what the proxy, the replicas and what starts them again have said, by the log's name."""
        ...

    def predictions(self) -> Iterator[str]:
        """Yield every line of the replicas' prediction logs, in no order; the last of a log may be cut."""
        ...

    def bundle(self, release: Release) -> Path:
        """Return where the files of a release that was fetched can be read on this machine."""
        ...

    def history(self) -> list[str]:
        """Return the digests that have been stable here, oldest first, the present one last."""
        ...

    def remember(self, digests: list[str]) -> None:
        """Replace the history."""
        ...
