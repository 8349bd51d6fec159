"""Releases that a rollback left: kept apart with the environment, and in the registry where it can be reached."""

from __future__ import annotations

import json

from infra.engines.notes import Notes
from infra.rollout.recorder import UNREACHABLE
from registry.releases import Releases
from settings.errors import OutsideError

LIST, UNTOLD = "quarantine", "quarantine-untold"


class Quarantine:
    """The quarantine of one environment. Its own list is enough for a rollback; the registry's is seen by everyone."""

    def __init__(self, notes: Notes, releases: Releases) -> None:
        """Keep the list in the note `quarantine`, and what the registry does not know yet in another."""
        self._notes, self._releases = notes, releases

    def add(self, digest: str, reason: str) -> None:
        """Set a release apart."""
        self._write(LIST, self._read(LIST) | {digest: reason})
        try:
            self._releases.quarantine(digest, reason)
        except UNREACHABLE:
            self._write(UNTOLD, self._read(UNTOLD) | {digest: reason})

    def tell(self) -> None:
        """Let the registry know what it could not be told before. Raises what the registry raises."""
        for digest, reason in self._read(UNTOLD).items():
            self._releases.quarantine(digest, reason)
        self._notes.remove(UNTOLD)

    def reason(self, digest: str) -> str | None:
        """Return why a release is set apart, or None. The registry is asked where the environment knows nothing."""
        local = self._read(LIST).get(digest)
        if local is not None:
            return local
        try:
            return self._releases.quarantined(digest)
        except UNREACHABLE:
            return None

    def on_host(self, digest: str) -> bool:
        """Say whether the environment's own list holds a release: what a rollback goes by."""
        return digest in self._read(LIST)

    def lift(self, digest: str) -> None:
        """Take a release out of quarantine, here and in the registry."""
        self._releases.release_quarantine(digest)
        for name in (LIST, UNTOLD):
            left = self._read(name)
            if left.pop(digest, None) is not None:
                self._write(name, left)

    def _read(self, name: str) -> dict[str, str]:
        text = self._notes.read(name)
        if text is None:
            return {}
        try:
            return {str(digest): str(reason) for digest, reason in json.loads(text).items()}
        except (ValueError, AttributeError) as error:
            raise OutsideError(
                f"{self._notes.where(name)} is damaged: {error}", "restore it, or remove it if nothing is set apart"
            ) from None

    def _write(self, name: str, entries: dict[str, str]) -> None:
        self._notes.write(name, json.dumps(entries, indent=1))
