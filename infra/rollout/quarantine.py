"""Releases that a rollback left: kept apart on the host, and in the registry where it can be reached."""

from __future__ import annotations

import json
from pathlib import Path

from contracts.files import place
from infra.rollout.recorder import UNREACHABLE
from registry.releases import Releases
from settings.errors import OutsideError


class Quarantine:
    """The quarantine of one environment. The host's list is enough for a rollback; the registry's is seen by everyone."""

    def __init__(self, folder: Path, releases: Releases) -> None:
        """Keep the host's list in `folder/quarantine.json`, and what the registry does not know yet beside it."""
        self._path, self._untold = folder / "quarantine.json", folder / "quarantine-untold.json"
        self._releases = releases

    def add(self, digest: str, reason: str) -> None:
        """Set a release apart."""
        self._write(self._path, self._read(self._path) | {digest: reason})
        try:
            self._releases.quarantine(digest, reason)
        except UNREACHABLE:
            self._write(self._untold, self._read(self._untold) | {digest: reason})

    def tell(self) -> None:
        """Let the registry know what it could not be told before. Raises what the registry raises."""
        for digest, reason in self._read(self._untold).items():
            self._releases.quarantine(digest, reason)
        self._untold.unlink(missing_ok=True)

    def reason(self, digest: str) -> str | None:
        """Return why a release is set apart, or None. The registry is asked where the host knows nothing."""
        local = self._read(self._path).get(digest)
        if local is not None:
            return local
        try:
            return self._releases.quarantined(digest)
        except UNREACHABLE:
            return None

    def on_host(self, digest: str) -> bool:
        """Say whether the host's own list holds a release: what a rollback goes by."""
        return digest in self._read(self._path)

    def lift(self, digest: str) -> None:
        """Take a release out of quarantine, on the host and in the registry."""
        self._releases.release_quarantine(digest)
        for path in (self._path, self._untold):
            left = self._read(path)
            if left.pop(digest, None) is not None:
                self._write(path, left)

    @staticmethod
    def _read(path: Path) -> dict[str, str]:
        try:
            return {str(name): str(reason) for name, reason in json.loads(path.read_bytes()).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError) as error:
            raise OutsideError(
                f"{path} is damaged: {error}", "restore it, or remove it if nothing is set apart"
            ) from None

    @staticmethod
    def _write(path: Path, entries: dict[str, str]) -> None:
        place({path: json.dumps(entries, indent=1)})
