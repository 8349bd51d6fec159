"""What should run in an environment: replicas by slot, shares, history. Pure values; each engine keeps them where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateline.contracts.headers import TOKEN_VARIABLE
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.settings.errors import UsageError

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # nosec B104: no bind, an address to show


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
    """Environment variables that the services get beside the usual ones."""


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
