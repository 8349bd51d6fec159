"""An audit event in words: the same on the terminal and on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateline.contracts.event import (
    ACCEPTED,
    DEPLOYED,
    LIFTED,
    PACKAGED,
    PUBLISHED,
    ROLLED_BACK,
    SIGNED,
    STARTED,
    UPGRADED,
    Event,
)

WORDS = {
    PACKAGED: "built",
    PUBLISHED: "published",
    SIGNED: "signed",
    STARTED: "begins",
    DEPLOYED: "deployed",
    UPGRADED: "upgraded",
    ROLLED_BACK: "rolled back",
    ACCEPTED: "accepted",
    LIFTED: "lifted",
}


def who(event: Event) -> str:
    """Say who did it, and whether that is more than what variables of the CI job say."""
    actor = event.data.get("actor") or {}
    given = ", as given" if actor.get("known_by") == "as given" else ""
    return f"{actor.get('name', '?')} ({actor.get('kind', '?')}{given})"


def outcome(event: Event) -> str:
    """Say how what an event tells of ended, and why where the event knows."""
    data = event.data
    why = (
        data.get("error")
        or ("" if event.type in WORDS else data.get("decision"))
        or data.get("did")
        or (reason(data) if event.type in (ROLLED_BACK, ACCEPTED, LIFTED) else "")
    )
    said = WORDS.get(event.type, str(data.get("outcome", "")))
    return f"{said}: {why}" if why else said


def reason(data: Mapping[str, Any]) -> str:
    """A rollback by hand has one reason; one by a canary has those of its verdict."""
    return str(data.get("reason") or "; ".join(map(str, data.get("reasons") or ())))
