"""What runs in an environment, as the supervisor last saw it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.process.child import Child
from infra.process.state_file import write_whole


class Seen(BaseModel):
    """One process: its id and start time, which together are never used twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    created: float
    """POSIX seconds."""
    restarts: int = 0

    def child(self) -> Child | None:
        """Return the process if it still lives."""
        return Child.find(self.pid, self.created)


class Record(BaseModel):
    """What the supervisor has done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    supervisor: Seen | None = None
    proxy: Seen | None = None
    replicas: Mapping[str, Seen] = Field(default_factory=dict)
    leaving: Mapping[str, Seen] = Field(default_factory=dict)
    """Replicas that are drained and stopped."""
    draining: tuple[str, ...] = ()
    """Those of them that the proxy still knows."""
    applied: int = -1
    """The state's revision that proxy and processes agree with."""
    trouble: str = ""
    """What keeps the supervisor from making it so."""

    @property
    def everything(self) -> list[Seen]:
        """Every process that is named here."""
        own = [seen for seen in (self.supervisor, self.proxy) if seen]
        return [*own, *self.replicas.values(), *self.leaving.values()]

    @property
    def in_use(self) -> set[str]:
        """The replicas that serve, or that may still have a request running."""
        return {*self.replicas, *self.draining}

    @property
    def supervised(self) -> bool:
        """Whether the supervisor lives."""
        return bool(self.supervisor and self.supervisor.child())

    @property
    def proxied(self) -> bool:
        """Whether the proxy lives."""
        return bool(self.proxy and self.proxy.child())


def read_record(path: Path) -> Record:
    """Return the record, or an empty one if there is none or it is unreadable: it is made anew by the next supervisor."""
    try:
        return Record.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Record()


def write_record(path: Path, record: Record) -> None:
    """Write the record whole."""
    write_whole(path, record.model_dump_json(indent=2).encode())
