"""Immutable artifacts: written once, found by identity, version or alias, verified on every read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import ValidationError

from contracts.digest import of_bytes, short
from contracts.manifest import MANIFEST_FILE, Manifest
from registry.store import Store
from settings.errors import GateRefused, UsageError, did_you_mean

CHAMPION = "champion"
CANDIDATE = "candidate"


class Artifacts:
    """The artifacts of one registry."""

    def __init__(self, store: Store) -> None:
        """Keep the store that holds them."""
        self._store = store

    def add(self, manifest: Manifest, files: Mapping[str, bytes], *, replace: bool = False) -> Manifest:
        """Write an artifact; one of the same identity is left as it is, unless it is broken and to be replaced.

        Returns the manifest that is stored.
        """
        if self.has(manifest.identity) and not replace:
            return self.manifest(manifest.identity)
        folder = f"artifacts/{manifest.identity}"
        for name, data in files.items():
            self._store.write(f"{folder}/{name}", data)
        manifest = self._claim_version(manifest)
        self._store.write(f"{folder}/{MANIFEST_FILE}", manifest.model_dump_json(indent=2).encode())
        return manifest

    def has(self, identity: str) -> bool:
        """Say whether an artifact of this identity is complete (its manifest is written last)."""
        return self._store.exists(f"artifacts/{identity}/{MANIFEST_FILE}")

    def manifest(self, identity: str) -> Manifest:
        """Return a manifest, checked against the digest recorded with its version. Raises GateRefused (rule `digest`)."""
        data = self._store.read(f"artifacts/{identity}/{MANIFEST_FILE}")
        try:
            manifest = Manifest.model_validate_json(data)
        except ValidationError as error:
            raise GateRefused(
                f"digest: manifest of {identity[:12]} is not readable: {error.errors()[0]['msg']}"
            ) from None
        record = json.loads(self._store.read(f"versions/{manifest.version}.json"))
        canonical = manifest.model_dump_json(indent=2).encode()
        if record["manifest"] != of_bytes(canonical) or record["identity"] != identity or data != canonical:
            raise GateRefused(
                f"digest: the manifest of {manifest.version} is not the one that was written",
                "train again; the artifact was changed",
            )
        return manifest

    def files(self, identity: str) -> dict[str, bytes]:
        """Return every file of an artifact, each checked against its SHA-256. Raises GateRefused (rule `digest`)."""
        manifest = self.manifest(identity)
        found = {name: self._read(identity, name) for name in manifest.files}
        for name, data in found.items():
            if of_bytes(data) != manifest.files[name]:
                raise GateRefused(
                    f"digest: {name} of {manifest.version} has SHA-256 {short(of_bytes(data))}, "
                    f"recorded was {short(manifest.files[name])}",
                    "the file was changed after training; train again or restore the registry",
                )
        return found | {MANIFEST_FILE: manifest.model_dump_json(indent=2).encode()}

    def resolve(self, reference: str) -> str:
        """Return the identity behind an alias, a version, or an identity (12 characters or more). Raises UsageError."""
        for lookup in (self.alias, self._by_version, self._by_identity):
            identity = lookup(reference)
            if identity:
                return identity
        known = [CANDIDATE, CHAMPION, *self.versions()]
        raise UsageError(
            f"model '{reference}' is no alias, version or identity in {self._store.url}{did_you_mean(reference, known)}",
            "train one: nox -s train" if len(known) == 2 else f"known: {', '.join(known[-5:])}",
        )

    def alias(self, name: str) -> str | None:
        """Return the identity that an alias points to, or None."""
        try:
            return str(json.loads(self._store.read(f"aliases/{name}.json"))["identity"])
        except FileNotFoundError:
            return None

    def point(self, name: str, identity: str) -> None:
        """Let an alias point to an artifact."""
        body = {"identity": identity, "time": datetime.now(UTC).isoformat(timespec="seconds")}
        self._store.write(f"aliases/{name}.json", json.dumps(body).encode())

    def versions(self) -> list[str]:
        """Return every version, oldest name first."""
        return [name.removesuffix(".json") for name in self._store.names("versions")]

    def _read(self, identity: str, name: str) -> bytes:
        try:
            return self._store.read(f"artifacts/{identity}/{name}")
        except FileNotFoundError:
            raise GateRefused(
                f"digest: {name} of artifact {identity[:12]} is missing", "train again or restore the registry"
            ) from None

    def _claim_version(self, manifest: Manifest) -> Manifest:
        """Record the version under its name, or under `name.2`, `name.3`… where another artifact has it."""
        base = manifest.version
        for number in range(1, 10_000):
            named = manifest.model_copy(update={"version": base if number == 1 else f"{base}.{number}"})
            record = {"identity": named.identity, "manifest": of_bytes(named.model_dump_json(indent=2).encode())}
            try:
                self._store.create(f"versions/{named.version}.json", json.dumps(record).encode())
                return named
            except FileExistsError:
                if json.loads(self._store.read(f"versions/{named.version}.json")) == record:
                    return named
        raise AssertionError("ten thousand versions of one name in one day")

    def _by_version(self, reference: str) -> str | None:
        try:
            return str(json.loads(self._store.read(f"versions/{reference}.json"))["identity"])
        except FileNotFoundError:
            return None

    def _by_identity(self, reference: str) -> str | None:
        if len(reference) < 12 or not set(reference) <= set("0123456789abcdef"):
            return None
        records = (json.loads(self._store.read(f"versions/{name}.json")) for name in self.versions())
        return next((str(r["identity"]) for r in records if str(r["identity"]).startswith(reference)), None)
