"""What runs in an environment: its slots, what should run in each, and what is counted there. Engines keep the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateline.contracts.headers import KEYS_VARIABLE, TOKEN_VARIABLE, keys_of
from gateline.contracts.release import Release
from gateline.settings.errors import UsageError

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # nosec B104: no bind, an address to show


class Slot(StrEnum):
    """The places a release can run in."""

    STABLE = "stable"
    CANARY = "canary"
    BASELINE = "baseline"
    """Fresh replicas of stable, each with as much traffic as the canary: what latency is compared with."""
    PREVIOUS = "previous"


@dataclass(frozen=True)
class SlotMetrics:
    """Counters of one slot since its replicas started, summed over them. All but `silent` and `memory` only ever grow."""

    releases: frozenset[str] = frozenset()
    """Digests that the replicas themselves report: the proof of whose figures these are."""
    requests: float = 0.0
    """Predictions answered, as the service counts them."""
    errors: float = 0.0
    """Answers with a 5xx status, and those with 200 of which a row has no prediction, as the service counts them."""
    latency_sum: float = 0.0
    """Seconds spent in answered predictions."""
    latency_buckets: Mapping[float, float] = field(default_factory=dict)
    """Cumulative counts by upper bound in seconds (`inf` last)."""
    predictions: Mapping[str, float] = field(default_factory=dict)
    """Counts of predictions by label, or by bin of the score."""
    proxied: float = 0.0
    """Requests that the proxy sent to this slot."""
    proxy_errors: float = 0.0
    """Of these, answers with a 5xx status and failed connections, as the proxy counts them."""
    silent: frozenset[str] = frozenset()
    """The replicas, by name, that did not answer just now: what they count is as it was last read."""
    restarts: float = 0.0
    """How often its replicas ended and were started again, as the engine counts them."""
    refused: float = 0.0
    """Answers with a 4xx status, as the service counts them."""
    memory: float = 0.0
    """Bytes that the processes at hand have in memory (resident); 0 where they do not say."""
    processes: float = 0.0
    """How many processes said so."""

    def plus(self, other: SlotMetrics) -> SlotMetrics:
        """Return the counters of both slots together."""
        pairs = {each.name: (getattr(self, each.name), getattr(other, each.name)) for each in fields(self)}
        return SlotMetrics(**{name: _sum(*pair) for name, pair in pairs.items()})


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping):
        return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in {**one, **other}}
    return one | other if isinstance(one, frozenset) else one + other


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class WantedReplica(_Frozen):
    """One service process that should run. Names are never used twice in an environment."""

    name: str
    port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """`host:port` as the proxy knows it."""
        return f"{self.host}:{self.port}"


class WantedSlot(_Frozen):
    """What a slot should run."""

    release: Release
    program: str
    """What is started: the interpreter of the release's environment, or the image's id."""
    share: float = 0.0
    guarded: bool = False
    """Whether the slot's health hangs on the controller's heartbeat."""
    replicas: tuple[WantedReplica, ...] = ()
    variables: Mapping[str, str] = Field(default_factory=dict)
    """Environment variables that the services get besides the usual ones."""


class State(_Frozen):
    """What should run in one environment."""

    project: str
    environment: str
    host: str
    port: int
    runtime: Path
    """The folder of the sockets."""
    drain_seconds: float = 1.0
    """How long the running requests of a replica that leaves may take: the longest of the releases that ran here."""
    wanted: Literal["up", "down"] = "down"
    revision: int = 0
    """Counts the changes: the supervisor says up to which one it has come."""
    named: int = 0
    """How many replicas have been named so far."""
    slots: Mapping[Slot, WantedSlot] = Field(default_factory=dict)
    history: tuple[str, ...] = ()
    programs: Mapping[str, str] = Field(default_factory=dict)
    """What to start of the releases that were fetched, by their digest, where that is not found by the digest itself."""

    notes: Mapping[str, str] = Field(default_factory=dict)
    """What commands wrote down for the next one, where the engine keeps notes with the state."""

    @property
    def replicas(self) -> tuple[WantedReplica, ...]:
        """The replicas of every slot."""
        return tuple(replica for slot in self.slots.values() for replica in slot.replicas)

    def wanted_in(self, slot: Slot) -> WantedSlot:
        """Return what a slot should run. Raises UsageError for an empty one."""
        if slot not in self.slots:
            raise UsageError(
                f"slot {slot} of {self.environment} is empty", "start a release in it first: invoke deploy"
            )
        return self.slots[slot]

    def with_slot(self, slot: Slot, wanted: WantedSlot | None) -> State:
        """Return the state with one slot replaced, or without it."""
        others = {name: present for name, present in self.slots.items() if name != slot}
        return self.model_copy(update={"slots": others if wanted is None else others | {slot: wanted}})

    @property
    def token(self) -> str:
        """What a request carries that marks its rows as made up: every service here knows it. '' where none was started."""
        return next((slot.variables[TOKEN_VARIABLE] for slot in self.slots.values() if TOKEN_VARIABLE in slot.variables), "")

    @property
    def key(self) -> str:
        """A key that every service here takes, or at least the first one; '' where none asks for a key."""
        given = [keys for slot in self.slots.values() if (keys := keys_of(slot.variables.get(KEYS_VARIABLE, "")))]
        common = [key for key in given[0] if all(key in keys for keys in given)] if given else []
        return next(iter([*common, *(given[0] if given else ())]), "")

    @property
    def secrets(self) -> dict[str, str]:
        """The variables that what sends requests to the services here is given."""
        found = {TOKEN_VARIABLE: self.token, KEYS_VARIABLE: self.key}
        return {name: value for name, value in found.items() if value}

    @property
    def shown(self) -> str:
        """`host:port` for people: an address that means every one is shown as loopback."""
        host = EVERYWHERE.get(self.host, self.host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def socket(self) -> Path:
        """The proxy's control socket."""
        return self.runtime / "proxy.sock"

    @property
    def guards(self) -> Path:
        """The proxy's table of guarded replicas."""
        return self.runtime / "guards.map"
