"""Immutable artifacts: written once, found by identity, version or alias, verified on every read."""

import json
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import ValidationError

from gateline.contracts.digest import of_bytes, short
from gateline.contracts.manifest import MANIFEST_FILE, Manifest
from gateline.registry.store import Store
from gateline.registry.verified import REPAIR
from gateline.settings.errors import GateRefused, OutsideError, UsageError, did_you_mean

CHAMPION = "champion"
CANDIDATE = "candidate"
NAME = re.compile(r"[\w.+-]+")
ATTEMPTS = 5


class Artifacts:
    """The artifacts of one registry."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, manifest: Manifest, files: Mapping[str, bytes], *, replace: bool = False) -> Manifest:
        """Write an artifact; one of the same identity is left as it is, unless it is broken and to be replaced.

        Returns the manifest that is stored.
        """
        if self.has(manifest.identity) and not replace:
            return self.manifest(manifest.identity)
        for _ in range(ATTEMPTS):
            start = time.monotonic()
            self._write(manifest, files)
            if self._reads_back(manifest.identity):
                return self.manifest(manifest.identity)
            time.sleep(secrets.randbelow(1000) / 250 * (time.monotonic() - start))
            if self._reads_back(manifest.identity):
                return self.manifest(manifest.identity)
        raise OutsideError(
            f"registry {self._store.url}: artifact {short(manifest.identity)} does not read back as it was written",
            "check the disk, see that no other training runs, then train again",
        )

    def has(self, identity: str) -> bool:
        """Say whether an artifact of this identity is complete (its manifest is written last)."""
        return self._store.exists(f"artifacts/{identity}/{MANIFEST_FILE}")

    def manifest(self, identity: str) -> Manifest:
        """Return a manifest, checked against the digest recorded with its version. Raises GateRefused (rule `digest`)."""
        data = self._read(identity, MANIFEST_FILE)
        try:
            manifest = Manifest.model_validate_json(data)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise GateRefused(f"manifest of {short(identity)} is not readable: {reason}", REPAIR, rule="digest") from None
        record = self._record(f"versions/{manifest.version}.json") or {}
        if record.get("manifest") != of_bytes(data) or record.get("identity") != identity:
            raise GateRefused(f"the manifest of {manifest.version} is not the one that was written", REPAIR, rule="digest")
        return manifest

    def files(self, identity: str) -> dict[str, bytes]:
        """Return every file of an artifact, each checked against its SHA-256. Raises GateRefused (rule `digest`)."""
        manifest = self.manifest(identity)
        read = self._store.each(lambda name: self._read(identity, name), manifest.files)
        found = dict(zip(manifest.files, read, strict=True))
        for name, data in found.items():
            if of_bytes(data) != manifest.files[name]:
                raise GateRefused(
                    f"{name} of {manifest.version} has SHA-256 {short(of_bytes(data))}, "
                    f"recorded was {short(manifest.files[name])}",
                    REPAIR, rule="digest",
                )
        return found | {MANIFEST_FILE: self._read(identity, MANIFEST_FILE)}

    def resolve(self, reference: str) -> str:
        """Return the identity behind an alias, a version, or an identity (12 characters or more). Raises UsageError."""
        if NAME.fullmatch(reference):
            named = self._record(f"aliases/{reference}.json") or self._record(f"versions/{reference}.json")
            if named:
                return named["identity"]
            if len(reference) >= 12 and set(reference) <= set("0123456789abcdef"):
                records = [self._record(f"versions/{version}.json") or {} for version in self.versions()]
                known_identities = sorted(record.get("identity", "") for record in records)
                if found := [identity for identity in known_identities if identity.startswith(reference)]:
                    return found[0]
        self._store.refuse_emptied()
        known = [CANDIDATE, CHAMPION, *self.versions()]
        raise UsageError(
            f"model '{reference}' is no alias, version or identity in {self._store.url}{did_you_mean(reference, known)}",
            "train one: nox -s train" if len(known) == 2 else f"known: {', '.join(known[-5:])}",
        )

    def alias(self, name: str) -> str | None:
        """Return the identity that an alias points to, or None."""
        return (self._record(f"aliases/{name}.json") or {}).get("identity")

    def point(self, name: str, identity: str) -> None:
        """Let an alias point to an artifact."""
        body = {"identity": identity, "time": datetime.now(UTC).isoformat(timespec="seconds")}
        self._store.write(f"aliases/{name}.json", json.dumps(body).encode())

    def versions(self) -> list[str]:
        """Return every version, oldest name first."""
        return [name.removesuffix(".json") for name in self._store.names("versions")]

    def _write(self, manifest: Manifest, files: Mapping[str, bytes]) -> None:
        folder = f"artifacts/{manifest.identity}"
        for name, data in files.items():
            self._store.write(f"{folder}/{name}", data)
        self._store.write(f"{folder}/{MANIFEST_FILE}", self._claim_version(manifest))

    def _reads_back(self, identity: str) -> bool:
        """Two trainings of equal inputs that write at once can mix their files; after a random wait one of them repairs it."""
        try:
            self.files(identity)
        except GateRefused:
            return False
        return True

    def _read(self, identity: str, name: str) -> bytes:
        try:
            return self._store.read(f"artifacts/{identity}/{name}")
        except FileNotFoundError:
            raise GateRefused(f"{name} of artifact {short(identity)} is missing", REPAIR, rule="digest") from None

    def _record(self, name: str) -> dict[str, str] | None:
        """Return a small record, or None if it is not there."""
        data = self._store.find(name)
        if data is None:
            return None
        with suppress(ValueError, RecursionError):
            record = json.loads(data)
            if isinstance(record, dict) and isinstance(record.get("identity"), str):
                return record
        raise GateRefused(f"{name} in {self._store.url} is not the record that was written", REPAIR, rule="digest")

    def _claim_version(self, manifest: Manifest) -> bytes:
        """Record the version under its name, or under `name.2`, `name.3`… where another has it; return the manifest so."""
        version, number = manifest.version, 1
        while True:
            data = manifest.model_copy(update={"version": version}).model_dump_json(indent=2).encode()
            record = {"identity": manifest.identity, "manifest": of_bytes(data)}
            try:
                self._store.create(f"versions/{version}.json", json.dumps(record).encode())
                return data
            except FileExistsError:
                if self._record(f"versions/{version}.json") == record:
                    return data
            number += 1
            version = f"{manifest.version}.{number}"
