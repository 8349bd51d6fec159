"""Signatures of releases and of artifacts: kept beside them, never inside, so that what is signed stays as it is."""

from __future__ import annotations

from gateline.registry.store import Store


class Signatures:
    """The signatures of one registry. They are kept as they are: whether one holds is for its reader to judge."""

    def __init__(self, store: Store) -> None:
        """Keep the store that holds them."""
        self._store = store

    def add_release(self, digest: str, envelope: bytes) -> None:
        """Keep the signed statement of a release, in place of an earlier one."""
        self._store.write(f"signatures/releases/{digest}.intoto.json", envelope)

    def release(self, digest: str) -> bytes | None:
        """Return the signed statement of a release, or None."""
        return self._read(f"signatures/releases/{digest}.intoto.json")

    def add_artifact(self, identity: str, bundle: bytes) -> None:
        """Keep the signature of an artifact's files, in place of an earlier one."""
        self._store.write(f"signatures/artifacts/{identity}.sig", bundle)

    def artifact(self, identity: str) -> bytes | None:
        """Return the signature of an artifact's files, or None."""
        return self._read(f"signatures/artifacts/{identity}.sig")

    def _read(self, name: str) -> bytes | None:
        try:
            return self._store.read(name)
        except FileNotFoundError:
            return None
