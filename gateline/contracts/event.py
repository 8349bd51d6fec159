"""An audit event: CloudEvents 1.0 in JSON with CDEvents types, chained by digest.

Sources: https://github.com/cloudevents/spec (attributes), https://cdevents.dev (continuous deployment events).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateline.contracts.digest import canonical, of_bytes

GENESIS = "0" * 64

STARTED = "dev.gateline.change.started"
FINISHED = "dev.gateline.change.finished"
ACCEPTED = "dev.gateline.audit.accepted"
LIFTED = "dev.gateline.quarantine.lifted"
DEPLOYED = "dev.cdevents.service.deployed.0.2.0"
UPGRADED = "dev.cdevents.service.upgraded.0.2.0"
ROLLED_BACK = "dev.cdevents.service.rolledback.0.2.0"
PUBLISHED = "dev.cdevents.artifact.published.0.2.0"
SIGNED = "dev.cdevents.artifact.signed.0.2.0"
PACKAGED = "dev.cdevents.artifact.packaged.0.2.0"


LISTED = {"heads": {("count", int), ("digest", str)}, "findings": {("line", int), ("digest", str)}}
"""What an event of a person who goes on with a broken log holds."""


class Actor(BaseModel):
    """Who did it: the CI identity where there is one, otherwise the account on the machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["ci", "person"]
    host: str = ""
    run: str = ""
    known_by: Literal["", "account", "oidc", "as given"] = ""
    """The account of the process's uid, a token of the CI server's, or what variables say; '' in events from before."""


class Event(BaseModel):
    """One entry of the audit log. `previous` is the digest of the entry before; `seal` an HMAC where a key is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    time: str
    subject: str = ""
    datacontenttype: Literal["application/json"] = "application/json"
    sequence: int = Field(default=0, ge=0)
    previous: str = GENESIS
    data: dict[str, Any] = Field(default_factory=dict)
    seal: str = ""

    @model_validator(mode="after")
    def _says_who_and_when(self) -> Self:
        """Anyone who can write the registry can write an event: what is read of it has the form it was written in."""
        datetime.fromisoformat(self.time)
        for name in ("actor", "release"):
            if not isinstance(self.data.get(name) or {}, dict):
                raise ValueError(f"data.{name} is no table")
        for name, keys in LISTED.items():
            listed = self.data.get(name, [])
            if not isinstance(listed, list) or not all(isinstance(one, dict) and keys <= _typed(one) for one in listed):
                raise ValueError(f"data.{name} is no list of such tables")
        return self

    def to_bytes(self) -> bytes:
        """Return the one form in which an event is stored and digested: canonical JSON."""
        return canonical(self.model_dump(mode="json"))

    def digest(self) -> str:
        """Return the hex SHA-256 of the stored form, seal included: what the next event chains to."""
        return of_bytes(self.to_bytes())

    def sealed(self, key: str) -> Event:
        """Return the event with an HMAC-SHA-256 over everything else, or unchanged without a key."""
        return self.model_copy(update={"seal": seal_of(self.model_dump(mode="json"), key)}) if key else self


def _typed(table: Mapping[str, Any]) -> set[tuple[str, type]]:
    return {(key, type(value)) for key, value in table.items()}


def seal_of(body: Mapping[str, Any], key: str) -> str:
    """Return the hex HMAC-SHA-256 over everything in a stored event but its seal."""
    return hmac.new(key.encode(), canonical({**body, "seal": ""}), hashlib.sha256).hexdigest()


class Head(BaseModel):
    """Count of events and digest of the last: stored also outside the log, so that a cut end is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    digest: str
