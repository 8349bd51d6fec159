"""Packed releases: the bundle as one archive, and its record."""

from __future__ import annotations

from contracts.release import Release
from registry.store import Store


class Releases:
    """The releases of one registry."""

    def __init__(self, store: Store) -> None:
        """Keep the store that holds them."""
        self._store = store

    def add(self, release: Release, archive: bytes) -> None:
        """Write the archive, then the record that makes it visible."""
        self._store.write(f"releases/{release.digest}.tar.gz", archive)
        self._store.write(f"releases/{release.digest}.json", release.model_dump_json(indent=2).encode())

    def archive(self, digest: str) -> bytes:
        """Return the packed bundle. Raises FileNotFoundError."""
        return self._store.read(f"releases/{digest}.tar.gz")

    def all(self) -> list[Release]:
        """Return every release, oldest first."""
        names = [name for name in self._store.names("releases") if name.endswith(".json")]
        read = (Release.model_validate_json(self._store.read(f"releases/{name}")) for name in names)
        return sorted(read, key=lambda release: release.created)

    def quarantine(self, digest: str, reason: str) -> None:
        """Mark a release as one that was left by a rollback: deploy refuses it."""
        self._store.write(f"quarantine/{digest}", reason.encode())

    def quarantined(self, digest: str) -> str | None:
        """Return why a release is quarantined, or None."""
        try:
            return self._store.read(f"quarantine/{digest}").decode()
        except FileNotFoundError:
            return None

    def release_quarantine(self, digest: str) -> None:
        """Take the mark away."""
        self._store.delete(f"quarantine/{digest}")
