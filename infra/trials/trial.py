"""The contract of a trial."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from contracts.release import Release
from contracts.verdict import Verdict
from settings import Settings


@dataclass(frozen=True)
class Subject:
    """A release on this host, and the settings it is judged by."""

    settings: Settings
    config: str
    release: Release
    folder: Path
    root: Path


class Trial(Protocol):
    """Judges one running release."""

    def inputs(self, settings: Settings, root: Path) -> dict[str, str]:
        """Return the digests of everything beside the release that the verdict depends on."""
        ...

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Start the release, try it, stop it, and say what was seen."""
        ...
