"""A release bundle as one archive and as a folder: packed the same way every time, unpacked safely, known by its digest."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import ValidationError

from contracts.digest import belongs, canonical, files_under, of_bytes, of_tree, of_value
from contracts.release import RELEASE_FILE, Release
from settings.errors import GateRefused

LARGEST = 8 * 2**30
"""Bytes an archive may unpack to: a stop for archives made to fill the disk."""
_BESIDE = {"digest": "", "created": "", "commit": ""}


def pack(folder: Path) -> bytes:
    """Return the files of `folder` as a tar.gz that depends on their names and contents alone."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0, compresslevel=6) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path in files_under(folder):
                with path.open("rb") as stream:
                    archive.addfile(_member(folder, path), stream)
    return packed.getvalue()


def unpack(archive: bytes, target: Path) -> None:
    """Write the files of an archive into the new folder `target`, whole or not at all.

    Only plain files with relative names are taken: `tarfile`'s own filters are missing in early 3.11 releases, and
    would let links through. Raises GateRefused (rule `digest`) for anything else.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=".partial-"))
    try:
        with _readable(archive) as members:
            _extract(members, scratch)
        scratch.chmod(0o755)
        os.rename(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def digest_of(folder: Path) -> str:
    """Return the digest of a bundle: every file, and of the release record all but digest, date and commit."""
    tree = of_tree(folder)
    record = read_release(folder).model_copy(update=_BESIDE)
    return of_value(tree | {RELEASE_FILE: of_bytes(canonical(record.model_dump(mode="json")))})


def read_release(folder: Path) -> Release:
    """Return the record of a bundle. Raises GateRefused (rule `digest`) if it is missing or unreadable."""
    path = folder / RELEASE_FILE
    try:
        return Release.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise GateRefused(f"digest: {path} is missing: this is no release bundle", "invoke build") from None
    except ValidationError as error:
        raise GateRefused(f"digest: {path} is unreadable: {error.errors()[0]['msg']}", "invoke build") from None


def verify(folder: Path, release: Release) -> None:
    """Raise GateRefused (rule `digest`) unless the bundle in `folder` is exactly this release."""
    found = digest_of(folder)
    if found != release.digest:
        raise GateRefused(
            f"digest: the files of {release.name} have digest {found[:12]}, the release is {release.digest[:12]}",
            "its files were changed after the build: deploy another release, or build again",
        )
    hidden = sorted(path for path in folder.rglob("*") if not belongs(path.relative_to(folder)))
    if hidden:
        raise GateRefused(
            f"digest: {hidden[0]} is no part of {release.name}", "remove it: a digest covers neither hidden files nor caches"
        )


def _member(folder: Path, path: Path) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path.relative_to(folder).as_posix())
    member.size = path.stat().st_size
    member.mode = 0o644
    return member


@contextmanager
def _readable(archive: bytes) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as members:
            yield members
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise GateRefused(
            f"digest: the release archive is damaged: {error}", "fetch it again, or build again"
        ) from None


def _extract(members: tarfile.TarFile, target: Path) -> None:
    left = LARGEST
    for member in members:
        left -= member.size
        _refuse_unsafe(member, left)
        path = target / member.name
        content = members.extractfile(member)
        assert content is not None
        with content, _created(path, member) as stream:
            shutil.copyfileobj(content, stream)


def _created(path: Path, member: tarfile.TarInfo) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")
    except (FileExistsError, NotADirectoryError):
        raise _refused(member, "is there twice, or is a file and a folder") from None


def _refuse_unsafe(member: tarfile.TarInfo, left: int) -> None:
    name = PurePosixPath(member.name)
    if not member.isfile():
        why = "is no plain file"
    elif name.is_absolute() or ".." in name.parts or "\\" in member.name or "\0" in member.name:
        why = "leads out of the bundle"
    elif not belongs(name):
        why = "is a cache or a hidden file, which a digest does not cover"
    elif left < 0:
        why = f"makes the bundle larger than {LARGEST} bytes"
    else:
        return
    raise _refused(member, why)


def _refused(member: tarfile.TarInfo, why: str) -> GateRefused:
    return GateRefused(f"digest: archive member {member.name!r} {why}", "do not use this archive; build again")
