"""Write audit events; where the registry is gone, keep them with the environment and chain them later."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contracts.digest import of_bytes
from contracts.event import FINISHED, STARTED, Event, Head
from contracts.files import place
from infra.rollout.actor import acting, commit
from registry.audit import AuditLog
from settings.errors import GatelineError, GateRefused, first_line

UNREACHABLE = (OSError, GatelineError)
DAMAGED = {"change": "spool", "outcome": "failed", "error": "an event that waited for the registry is damaged"}


@dataclass
class Change:
    """One change in the making: `type` and `data` become its last event."""

    type: str = FINISHED
    data: dict[str, Any] = field(default_factory=dict)


class Recorder:
    """The audit log as one environment writes it."""

    def __init__(self, log: AuditLog, folder: Path, project: str, environment: str) -> None:
        """Events that cannot be chained now go to `folder/spool`; the log's head is kept in `folder/audit-head.json`."""
        self.log, self._folder = log, folder
        self._source = f"/{project}/{environment}"

    def record(self, type: str, subject: str, data: dict[str, Any]) -> None:
        """Chain one event, after those that wait; spool it where the registry cannot be reached."""
        event = self._event(type, subject, data)
        try:
            self.flush()
            self._keep_head(self.log.append(event))
        except UNREACHABLE:
            self._spool(event)

    def later(self, type: str, subject: str, data: dict[str, Any]) -> None:
        """Keep one event here, to be chained by the next that is recorded: no registry is waited for."""
        self._spool(self._event(type, subject, data))

    def _event(self, type: str, subject: str, data: dict[str, Any]) -> Event:
        body = {"actor": acting().model_dump(), "commit": commit(), **data}
        return Event(id=uuid.uuid4().hex, source=self._source, type=type, time=_now(), subject=subject, data=body)

    @contextmanager
    def change(self, kind: str, subject: str, **data: Any) -> Iterator[Change]:
        """Record that a change starts, and how it ended: finished as the caller says, or failed and why."""
        self.record(STARTED, subject, {"change": kind, **data})
        with self._ending(kind, subject, data) as change:
            yield change

    @contextmanager
    def urgent_change(self, kind: str, subject: str, **data: Any) -> Iterator[Change]:
        """Record a change that waits for no registry: that it starts is kept here, and chained before how it ended."""
        self.later(STARTED, subject, {"change": kind, **data})
        with self._ending(kind, subject, data) as change:
            yield change

    @contextmanager
    def _ending(self, kind: str, subject: str, data: dict[str, Any]) -> Iterator[Change]:
        change = Change(data={"change": kind, **data})
        try:
            yield change
        except BaseException as error:
            failed = {"outcome": "failed", "error": f"{type(error).__name__}: {first_line(error)}"}
            self.record(FINISHED, subject, change.data | failed)
            raise
        self.record(change.type, subject, {"outcome": "done"} | change.data)

    def flush(self) -> int:
        """Chain the events that waited for the registry; return how many.

        One that is damaged must not stop what comes after it: it is set aside, and the log says so.
        """
        waiting = sorted(self._spool_folder().glob("*.json"))
        for path in waiting:
            content = path.read_bytes()
            try:
                event = Event.model_validate_json(content)
            except ValidationError:
                event = self._event(FINISHED, path.name, DAMAGED | {"sha256": of_bytes(content)})
                place({path.with_suffix(".damaged"): content})
            self._keep_head(self.log.append(event.model_copy(update={"data": event.data | {"spooled": True}})))
            path.unlink()
        return len(waiting)

    def waiting(self) -> int:
        """Return how many events wait for the registry."""
        return len(list(self._spool_folder().glob("*.json")))

    def kept_head(self) -> Head | None:
        """Return the head as this environment last saw it, or None. Raises GateRefused (rule `chain`) if it is unreadable."""
        path = self._folder / "audit-head.json"
        try:
            return Head.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            why = f"chain: {path} is unreadable: the log cannot be compared with what was seen of it here"
            raise GateRefused(why, "compare it with the head in the last summary, then remove the file") from None

    def _keep_head(self, head: Head) -> None:
        place({self._folder / "audit-head.json": head.model_dump_json()})

    def _spool(self, event: Event) -> None:
        number = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        place({self._spool_folder() / f"{number}-{event.id[:8]}.json": event.model_dump_json()})

    def _spool_folder(self) -> Path:
        return self._folder / "spool"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
