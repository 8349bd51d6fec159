"""The contract of a trial."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateline.contracts.release import Image, Release
from gateline.contracts.verdict import Verdict
from gateline.settings import Settings
from infra.trials.running import running


@dataclass(frozen=True)
class Subject:
    """A release on this host, and the settings it is judged by."""

    settings: Settings
    config: str
    release: Release
    folder: Path
    root: Path
    image: Image | None = None
    """The release's image, where an environment runs containers: then that is tried."""

    def started(self, more: dict[str, str]) -> AbstractContextManager[str]:
        """Start one replica with these variables beside the usual ones; what is entered is its base URL."""
        if self.image is None:
            return running(self.release, self.folder, self.root, more)
        from infra.trials.contained import contained

        limits = next(one.docker for one in self.settings.environments.values() if one.runs_containers)
        return contained(self.release, self.image, limits, more)


class Trial(Protocol):
    """Judges one running release."""

    def inputs(self, settings: Settings, root: Path) -> dict[str, str]:
        """Return the digests of everything beside the release that the verdict depends on."""
        ...

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Start the release, try it, stop it, and say what was seen."""
        ...
