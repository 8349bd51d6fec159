"""What is in an image: path, mode, owner and SHA-256 of every file, as a container of it would see them."""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast

from gateline.contracts.digest import of_value
from infra.host.docker import Docker, reaching

MADE_BY_THE_ENGINE = {"dev", "proc", "sys", ".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab"}


class Entry(NamedTuple):
    """One file, folder or link."""

    path: str
    kind: str
    """`file`, `folder`, or `link to <target>`."""
    mode: int
    owner: str
    """`uid:gid`."""
    sha256: str
    size: int


def listing(client: Docker, image: str) -> list[Entry]:
    """Return everything in an image, by path. It is exported from a container that is never started."""
    with reaching():
        container = client.containers.create(image, network_disabled=True)
        try:
            stream = _Stream(iter(cast(Iterable[bytes], container.export(chunk_size=2**20))))
            with tarfile.open(fileobj=stream, mode="r|") as members:  # type: ignore[call-overload]
                return sorted(_entry(members, member) for member in members if not _foreign(member.name))
        finally:
            container.remove(force=True)


def digest(entries: list[Entry]) -> str:
    """Return the digest of a list of files."""
    return str(of_value([list(entry) for entry in entries]))


def _foreign(path: str) -> bool:
    parts = path.strip("/").split("/")
    return parts[0] in MADE_BY_THE_ENGINE or "/".join(parts) in MADE_BY_THE_ENGINE


def _entry(members: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    kind, sha256 = "other", ""
    if member.isfile():
        content = members.extractfile(member)
        assert content is not None
        kind, sha256 = "file", hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    elif member.isdir():
        kind = "folder"
    elif member.issym() or member.islnk():
        kind = f"link to {member.linkname}"
    return Entry(member.name.strip("/"), kind, member.mode, f"{member.uid}:{member.gid}", sha256, member.size)


class _Stream:
    """Chunks as a file that can be read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        parts, missing = [self._rest], size - len(self._rest)
        while missing > 0 and (chunk := next(self._chunks, b"")):
            parts.append(chunk)
            missing -= len(chunk)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]
