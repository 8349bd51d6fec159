"""Who is judged, against whom, on what, and by which limits."""

from __future__ import annotations

from dataclasses import dataclass

from gateline.contracts.manifest import Objects
from validation.model.limits import Limit
from validation.model.subject import Subject


@dataclass(frozen=True)
class Contest:
    """One run of the gate on a model."""

    candidate: Subject
    champion: Subject | None
    champion_asked: bool
    """Whether the champion was named on the command line."""
    test: str | Objects
    """The rows they are judged on."""
    limits: tuple[Limit, ...]
    accepted: str = ""
    """Digest of the champion's files that somebody vouches for by hand, whatever else does."""
    asked: str = ""
    """Digest of what the command line put in place of the settings: limits, test data, champion; empty for nothing."""
