"""Releases that a rollback left: kept apart on the host, and in the registry where it can be reached."""

from __future__ import annotations

import json
from pathlib import Path

from contracts.files import place
from infra.rollout.recorder import UNREACHABLE
from registry.releases import Releases


class Quarantine:
    """The quarantine of one environment. The host's list is enough for a rollback; the registry's is seen by everyone."""

    def __init__(self, folder: Path, releases: Releases) -> None:
        """Keep the host's list in `folder/quarantine.json`."""
        self._path, self._releases = folder / "quarantine.json", releases

    def add(self, digest: str, reason: str) -> None:
        """Set a release apart."""
        self._write(self._read() | {digest: reason})
        try:
            self._releases.quarantine(digest, reason)
        except UNREACHABLE:
            pass  # the host's list holds; `reason` reports it on the next deploy from here

    def reason(self, digest: str) -> str | None:
        """Return why a release is set apart, or None. The registry is asked where the host knows nothing."""
        local = self._read().get(digest)
        if local is not None:
            return local
        try:
            return self._releases.quarantined(digest)
        except UNREACHABLE:
            return None

    def on_host(self, digest: str) -> bool:
        """Say whether the host's own list holds a release: what a rollback goes by."""
        return digest in self._read()

    def lift(self, digest: str) -> None:
        """Take a release out of quarantine, on the host and in the registry."""
        self._write({name: reason for name, reason in self._read().items() if name != digest})
        self._releases.release_quarantine(digest)

    def _read(self) -> dict[str, str]:
        try:
            return {str(name): str(reason) for name, reason in json.loads(self._path.read_bytes()).items()}
        except FileNotFoundError:
            return {}

    def _write(self, entries: dict[str, str]) -> None:
        place({self._path: json.dumps(entries, indent=1)})
