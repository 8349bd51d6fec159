"""An audit log to read: a build, a deploy, a canary that was rolled back, and so on, one event a second."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateline.contracts.event import Event

ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64
Row = tuple[str, str, str, dict[str, Any]]


def at(second: int) -> str:
    """Return the time of the event with this number."""
    return f"2013-06-01T10:00:{second:02d}.000+00:00"


def log(rows: Iterable[Row], place: str = "production") -> list[Event]:
    """Return events of (type, subject, change, more data), numbered from 1."""
    actor = {"name": "ada", "kind": "ci", "run": "https://ci.example/1"}
    return [
        Event(
            id=str(number),
            source=f"/tiny/{more.pop('place', place)}",
            type=kind,
            time=at(number),
            subject=subject,
            sequence=number,
            data={"actor": actor, "commit": "c" * 40, "change": change, "outcome": "done"} | more,
        )
        for number, (kind, subject, change, more) in enumerate(rows, start=1)
    ]
