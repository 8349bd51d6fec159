"""The files behind a data URL: one file, a folder of parts, or a glob; now, or as they were."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from contracts.manifest import Objects
from contracts.storage import cause_of, is_missing, is_s3, next_step_of, opened
from settings.errors import GatelineError, GateRefused, OutsideError, UsageError
from settings.secrets import redacted

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pq")
MAGIC = "*?["
AT_ONCE = 8
CHECK = "check the address and the credentials"


@dataclass(frozen=True)
class Source:
    """One file. `name` is its path below the folder, or empty where the URL names the file itself."""

    name: str
    path: str
    filesystem: Any
    version: str = ""
    """The version that is read; empty for the one that is there."""

    @property
    def parquet(self) -> bool:
        """Whether the file's name says Parquet; everything else is read as CSV."""
        return self.path.endswith((".parquet", ".pq"))

    @property
    def partition(self) -> dict[str, str]:
        """What folders named `column=value` say of every row in the file."""
        folders = self.name.split("/")[:-1]
        return dict(folder.split("=", 1) for folder in folders if "=" in folder)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the stored bytes. Raises GateRefused (rule `digest`) for a version that is gone, OutsideError for a store."""
        options = {"version_id": self.version} if self.version else {}
        with _reaching(self.path, self.version), self.filesystem.open(self.path, "rb", **options) as stream:
            yield stream

    def read(self) -> bytes:
        """Return the bytes, unpacked where the name ends in `.gz`."""
        with self.open() as stream:
            data: bytes = stream.read()
        return gzip.decompress(data) if self.path.endswith(".gz") else data


def sources(rows: str | Objects) -> list[Source]:
    """Return the files behind a URL, or objects as they were read before, sorted by name.

    Raises UsageError where there is none, OutsideError where they cannot be listed.
    """
    if isinstance(rows, Objects):
        return _as_they_were(rows)
    filesystem, path = opened(rows)
    with _reaching(rows):
        found = _found(filesystem, path)
    if not found:
        raise UsageError(
            f"{redacted(rows)}: no such data file, and no folder with {', '.join(SUFFIXES)} in it", _next_step(rows)
        )
    return found


def pinned(url: str) -> str | Objects:
    """Return the objects behind a URL with the versions they have now; the URL itself where files have none."""
    if not is_s3(url):
        return url
    found = sources(url)
    with _reaching(url), ThreadPoolExecutor(AT_ONCE) as pool:
        versions = dict(zip((source.name for source in found), pool.map(_version_now, found), strict=True))
    return Objects(url=url, versions=versions)


def url_of(rows: str | Objects) -> str:
    """Return the URL behind which rows lie."""
    return rows if isinstance(rows, str) else rows.url


def _version_now(source: Source) -> str:
    return str(source.filesystem.info(source.path).get("VersionId") or "")


def _as_they_were(objects: Objects) -> list[Source]:
    filesystem, path = opened(objects.url, versions=any(objects.versions.values()))
    folder = _folder(path)
    return [
        Source(name, f"{folder}/{name}" if name else path, filesystem, version)
        for name, version in sorted(objects.versions.items())
    ]


def _found(filesystem: Any, path: str) -> list[Source]:
    if filesystem.isfile(path):
        return [Source("", path, filesystem)]
    if any(sign in path for sign in MAGIC):
        paths = [name for name in filesystem.glob(path) if filesystem.isfile(name)]
    else:
        paths = filesystem.find(path)
    named = ((str(name)[len(_folder(path)) :].lstrip("/"), str(name)) for name in paths)
    return [Source(name, full, filesystem) for name, full in sorted(named) if _is_data(name)]


def _folder(path: str) -> str:
    """Return the folder that names are below: the path itself, or what stands before its first placeholder."""
    if any(sign in path for sign in MAGIC):
        return path[: min(path.index(sign) for sign in MAGIC if sign in path)].rpartition("/")[0]
    return path.rstrip("/")


def _is_data(name: str) -> bool:
    """Files that start with a dot or an underscore are what writers leave beside the data."""
    return name.endswith(SUFFIXES) and not any(part.startswith((".", "_")) for part in name.split("/"))


@contextmanager
def _reaching(where: str, version: str = "") -> Iterator[None]:
    """Turn what a disk or a store raises, of whatever type, into one error with a next step."""
    try:
        yield
    except GatelineError:
        raise
    except Exception as error:
        if version and is_missing(error):
            raise GateRefused(
                f"digest: version {version} of {where}, which was read before, is not there any more",
                "bring it back, or train again on what is there: nox -s train",
            ) from None
        raise OutsideError(
            f"{redacted(where)}: cannot be read: {cause_of(error)}", next_step_of(error, CHECK)
        ) from error


def _next_step(url: str) -> str:
    return f"check data.train and data.test in pipeline.toml, or the path on the command line ({redacted(url)!r})"
