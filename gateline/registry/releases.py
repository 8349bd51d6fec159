"""Packed releases: the bundle as one archive, its record, its images, and the signatures of releases and artifacts."""

from pydantic import ValidationError

from gateline.contracts.digest import WHOLE, short
from gateline.contracts.release import Image, Release
from gateline.registry.store import Store
from gateline.settings.errors import GateRefused, UsageError, did_you_mean

LARGEST = 2**31
"""Bytes of an archive: it is held in memory while it is checked."""
REPAIR = "remove this record from the registry and build again: invoke build"


class Releases:
    """The releases of one registry."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, release: Release, archive: bytes) -> None:
        """Write the archive, then the record that makes it visible. Raises GateRefused for one that nobody would read."""
        if len(archive) > LARGEST:
            raise GateRefused(
                f"{release.name} packs to {len(archive):,} bytes, allowed {LARGEST:,}", "train a smaller model", rule="digest"
            )
        self._store.write(f"releases/{release.digest}.tar.gz", archive)
        self._store.write(f"releases/{release.digest}.json", release.model_dump_json(indent=2).encode())

    def has(self, digest: str) -> bool:
        """Say whether a release of this digest is complete (its record is written last)."""
        return self._store.exists(f"releases/{digest}.json")

    def get(self, digest: str) -> Release:
        """Return a release's record. Raises FileNotFoundError, and GateRefused (rule `digest`) for a spoilt one."""
        try:
            release = Release.model_validate_json(self._store.read(f"releases/{digest}.json"))
        except ValidationError as error:
            raise GateRefused(f"{short(digest)} is not readable: {_fault(error)}", REPAIR, rule="digest") from None
        if release.digest != digest:
            raise GateRefused(f"{short(digest)} holds the record of release {short(release.digest)}", REPAIR, rule="digest")
        return release

    def choose(self, digest: str) -> None:
        """Let the stages that name no release take this one."""
        self._store.write("aliases/release", digest.encode())

    def is_chosen(self, digest: str) -> bool:
        """Say whether it is the release that `invoke build` chose last."""
        return (self._store.find("aliases/release") or b"").decode(errors="replace") == digest

    def chosen(self) -> Release:
        """Return the release that `invoke build` chose last. Raises UsageError where nothing was built."""
        try:
            return self.get(self._store.read("aliases/release").decode(errors="replace"))
        except FileNotFoundError:
            self._store.refuse_emptied()
            raise UsageError("no release is built yet", "invoke build") from None

    def resolve(self, reference: str) -> Release:
        """Return the newest release of a version, name or digest (8 characters or more); the chosen one for ''.

        Raises UsageError for an unknown one.
        """
        if not reference:
            return self.chosen()
        if WHOLE.fullmatch(reference) and self.has(reference):
            return self.get(reference)  # no version of another's record is asked
        listed = self.all()
        for release in reversed(listed):
            whole = reference in (release.version, release.name, release.digest)
            if whole or (len(reference) >= 8 and release.digest.startswith(reference)):
                return release
        self._store.refuse_emptied()
        names = [release.name for release in listed]
        raise UsageError(
            f"no release '{reference}'{did_you_mean(reference, names)}", f"known: {', '.join(names[-5:]) or 'none'}"
        )

    def archive(self, digest: str) -> bytes:
        """Return the packed bundle as it is stored, unchecked. Raises FileNotFoundError, GateRefused for one too large."""
        return self._store.read(f"releases/{digest}.tar.gz", LARGEST)

    def all(self) -> list[Release]:
        """Return every release, oldest first."""
        names = [name for name in self._store.names("releases") if name.endswith(".json")]
        found = self._store.each(self.get, (name.removesuffix(".json") for name in names))
        return sorted(found, key=lambda release: release.created)

    def add_image(self, image: Image) -> None:
        """Record the image of a release for one platform, in place of an earlier one."""
        self._store.write(f"images/{image.release}-{image.slug}.json", image.model_dump_json(indent=2).encode())

    def image(self, digest: str, platform: str) -> Image | None:
        """Return the recorded image of a release, or None. Raises GateRefused (rule `digest`) for a spoilt record."""
        record = self._store.find(f"images/{digest}-{platform.replace('/', '-')}.json")
        try:
            return None if record is None else Image.model_validate_json(record)
        except ValidationError as error:
            why = f"the image of {short(digest)} is not readable: {_fault(error)}"
            raise GateRefused(why, REPAIR, rule="digest") from None

    def images(self, digest: str) -> list[Image]:
        """Return the recorded images of a release, one a platform, the newest first."""
        names = [name for name in self._store.names("images") if name.startswith(f"{digest}-")]
        found = (self.image(digest, name.removeprefix(f"{digest}-").removesuffix(".json")) for name in names)
        known = (image for image in found if image is not None)
        return sorted(known, key=lambda image: image.created, reverse=True)

    def quarantine(self, digest: str, reason: str) -> None:
        """Mark a release as one that was left by a rollback: deploy refuses it."""
        self._store.write(f"quarantine/{digest}", reason.encode())

    def quarantined(self, digest: str) -> str | None:
        """Return why a release is quarantined, or None."""
        reason = self._store.find(f"quarantine/{digest}")
        return None if reason is None else reason.decode(errors="replace")

    def release_quarantine(self, digest: str) -> None:
        """Take the mark away."""
        self._store.delete(f"quarantine/{digest}")


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


class Signatures:
    """The signatures of one registry, kept next to what is signed, never inside. Whether one holds is for its reader."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_release(self, digest: str, envelope: bytes) -> None:
        """Keep the signed statement of a release, in place of an earlier one."""
        self._store.write(f"signatures/releases/{digest}.intoto.json", envelope)

    def release(self, digest: str) -> bytes | None:
        """Return the signed statement of a release, or None."""
        return self._store.find(f"signatures/releases/{digest}.intoto.json")

    def add_artifact(self, identity: str, bundle: bytes) -> None:
        """Keep the signature of an artifact's files, in place of an earlier one."""
        self._store.write(f"signatures/artifacts/{identity}.sig", bundle)

    def artifact(self, identity: str) -> bytes | None:
        """Return the signature of an artifact's files, or None."""
        return self._store.find(f"signatures/artifacts/{identity}.sig")
