"""A release bundle as one archive and as a folder: packed the same way every time, unpacked safely, known by its digest."""

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import ValidationError

from gateline.contracts.digest import WHOLE, belongs, canonical, files_under, of_bytes, of_tree, of_value
from gateline.contracts.release import ARTIFACT_FOLDER, RELEASE_FILE, Release
from gateline.registry.releases import Releases
from gateline.settings.errors import GateRefused

LARGEST = 8 * 2**30
"""Bytes an archive may unpack to: a stop for archives made to fill the disk."""
MOST = 20_000
"""Files in an archive."""
HEADER = 2**14
"""Bytes of what an archive says of one file: its name, more than that is none of ours."""
RECORD = BLOCK = 2**20
_BESIDE = {"digest": "", "created": "", "commit": ""}


def pack(folder: Path) -> bytes:
    """Return the files of `folder` as a tar.gz that depends on their names and contents alone."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0, compresslevel=6) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path in files_under(folder):
                member = tarfile.TarInfo(path.relative_to(folder).as_posix())
                member.size, member.mode = path.stat().st_size, 0o644
                with path.open("rb") as stream:
                    archive.addfile(member, stream)
    return packed.getvalue()


def checked(archive: bytes, digest: str) -> Release:
    """Return the record in an archive, after all that it holds was read and found to have this digest; nothing is written.

    Raises GateRefused (rule `digest`) for any other archive. Of the record, `created` and `commit` are not covered.
    """
    tree, record = _survey(archive)
    release = _parsed(record, f"{RELEASE_FILE} in the archive of release {digest[:12]}")
    if (found := _digest(tree, release)) != digest:
        raise GateRefused(
            f"the archive of release {digest[:12]} holds {found[:12]}",
            "do not use it; restore the registry from a copy, or build again", rule="digest",
        )
    return release.model_copy(update={"digest": digest})


def digest_named(releases: Releases, reference: str) -> str:
    """Return the digest that a reference leads to; a whole one asks no record. Raises as `Releases.resolve` does."""
    return reference if WHOLE.fullmatch(reference) else releases.resolve(reference).digest


def artifact_in(archive: bytes) -> dict[str, bytes]:
    """Return the files of the artifact in an archive that was checked, by name."""
    folder = f"{ARTIFACT_FOLDER}/"
    return {
        member.name.removeprefix(folder): content.read()
        for member, content in _members(archive)
        if member.name.startswith(folder)
    }


def unpack(archive: bytes, target: Path) -> None:
    """Write the files of an archive into the new folder `target`, whole or not at all, after all of it was read once.

    Only plain files with relative names are taken: `tarfile`'s own filters are missing in early 3.11 releases, and
    would let links through. Raises GateRefused (rule `digest`) for anything else.
    """
    _survey(archive)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=".partial-"))
    try:
        for member, content in _members(archive):
            path = scratch / member.name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                stream = path.open("xb")
            except (FileExistsError, NotADirectoryError):
                raise _refused(member, "is there twice, or is a file and a folder") from None
            with stream:
                shutil.copyfileobj(content, stream, BLOCK)
        scratch.chmod(0o755)
        os.rename(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def digest_of(folder: Path) -> str:
    """Return the digest of a bundle: every file, and of the release record all but digest, date and commit."""
    return _digest(of_tree(folder), read_release(folder))


def read_release(folder: Path) -> Release:
    """Return the record of a bundle. Raises GateRefused (rule `digest`) if it is missing or unreadable."""
    path = folder / RELEASE_FILE
    return _parsed(path.read_bytes() if path.exists() else None, str(path))


def record_in(folder: Path, digest: str) -> Release:
    """Return the record of a bundle that was verified by this digest: of what it covers, no other record is right."""
    return read_release(folder).model_copy(update={"digest": digest})


def verify(folder: Path, release: Release) -> None:
    """Raise GateRefused (rule `digest`) unless the bundle in `folder` is exactly this release."""
    found = digest_of(folder)
    if found != release.digest:
        raise GateRefused(
            f"the files of {release.name} have digest {found[:12]}, the release is {release.digest[:12]}",
            "its files were changed after the build: deploy another release, or build again", rule="digest",
        )
    hidden = sorted(path for path in folder.rglob("*") if path.is_symlink() or not belongs(path.relative_to(folder)))
    if hidden:
        raise GateRefused(
            f"{hidden[0]} is no part of {release.name}",
            "remove it: a digest covers neither hidden files, nor caches, nor links", rule="digest",
        )


def _digest(tree: Mapping[str, str], release: Release) -> str:
    record = release.model_copy(update=_BESIDE)
    return of_value({**tree, RELEASE_FILE: of_bytes(canonical(record.model_dump(mode="json")))})


def _parsed(data: bytes | None, what: str) -> Release:
    if data is None:
        raise GateRefused(f"{what} is missing: this is no release bundle", "invoke build", rule="digest")
    try:
        return Release.model_validate_json(data)
    except ValidationError as error:
        raise GateRefused(f"{what} is unreadable: {error.errors()[0]['msg']}", "invoke build", rule="digest") from None


class _Unpacked:
    """What an archive unpacks to, as `tarfile` reads it, which takes what it is told of one file whole, however long."""

    def __init__(self, archive: bytes) -> None:
        self._stream = gzip.GzipFile(fileobj=io.BytesIO(archive))
        self.seek, self.tell = self._stream.seek, self._stream.tell
        self.left = HEADER

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end; none beyond what is left of those that may be read now."""
        if not 0 <= size <= self.left:
            raise tarfile.ReadError(f"what it says of one file takes more than {HEADER} bytes")
        self.left -= size
        return self._stream.read(size)


def _survey(archive: bytes) -> tuple[dict[str, str], bytes | None]:
    """Return the SHA-256 of every file by name, and the record; nothing is written, and a block of it is in memory at once."""
    tree: dict[str, str] = {}
    record: bytes | None = None
    try:
        for member, content in _members(archive):
            if member.name in tree:
                raise _refused(member, "is there twice")
            if member.name == RELEASE_FILE:
                record = content.read(RECORD)
            tree[member.name] = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    except GateRefused:
        raise
    except Exception as error:  # a hostile header makes `tarfile` raise anything
        why = f"the release archive is damaged: {error}"
        raise GateRefused(why, "fetch it again, or build again", rule="digest") from None
    return tree, record


def _members(archive: bytes) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Yield each file with its content, to be read before the next; what a header may say is limited before it is read."""
    left, stream = LARGEST, _Unpacked(archive)
    with tarfile.open(fileobj=stream, mode="r:") as members:  # type: ignore[call-overload]
        for _ in range(MOST):
            stream.left = HEADER
            member = members.next()
            if member is None:
                return
            members.members = []
            left -= member.size
            _refuse_unsafe(member, left)
            stream.left = member.size + BLOCK
            yield member, members.extractfile(member)
    raise GateRefused(f"the release archive holds more than {MOST} files", "do not use it; build again", rule="digest")


def _refuse_unsafe(member: tarfile.TarInfo, left: int) -> None:
    name = PurePosixPath(member.name)
    if not member.isfile() or member.issparse() or member.size < 0:
        why = "is no plain file"
    elif not member.name.isprintable() or any(len(part.encode()) > 255 for part in name.parts):
        why = "has a name that no file can have"
    elif not name.parts or name.is_absolute() or ".." in name.parts or "\\" in member.name:
        why = "leads out of the bundle"
    elif not belongs(name):
        why = "is a cache or a hidden file, which a digest does not cover"
    elif left < 0:
        why = f"makes the bundle larger than {LARGEST} bytes"
    else:
        return
    raise _refused(member, why)


def _refused(member: tarfile.TarInfo, why: str) -> GateRefused:
    return GateRefused(f"archive member {member.name!r} {why}", "do not use this archive; build again", rule="digest")
