"""The files behind a data URL: one file, a folder of parts, or a glob."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import fsspec

from settings.errors import OutsideError, UsageError

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pq")
MAGIC = "*?["


@dataclass(frozen=True)
class Source:
    """One file. `name` is its path below the folder, or empty where the URL names the file itself."""

    name: str
    path: str
    filesystem: Any

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
        """Open the stored bytes."""
        with self.filesystem.open(self.path, "rb") as stream:
            yield stream

    def read(self) -> bytes:
        """Return the bytes, unpacked where the name ends in `.gz`."""
        with self.open() as stream:
            data: bytes = stream.read()
        return gzip.decompress(data) if self.path.endswith(".gz") else data


def sources(url: str) -> list[Source]:
    """Return the files behind `url`, sorted by name. Raises UsageError where there is none."""
    filesystem, path = _filesystem(url)
    try:
        found = _found(filesystem, path)
    except OSError as error:
        raise OutsideError(f"{url}: cannot be listed: {error}", "check the address and the credentials") from None
    if not found:
        raise UsageError(f"{url}: no such data file, and no folder with {', '.join(SUFFIXES)} in it", _next_step(url))
    return found


def _filesystem(url: str) -> tuple[Any, str]:
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{url}: {error}", "name a file, a folder or an fsspec URL") from None
    return filesystem, str(path)


def _found(filesystem: Any, path: str) -> list[Source]:
    if filesystem.isfile(path):
        return [Source("", path, filesystem)]
    if any(sign in path for sign in MAGIC):
        root, paths = path[: min(path.index(sign) for sign in MAGIC if sign in path)], filesystem.glob(path)
        root = root.rpartition("/")[0]
        paths = [name for name in paths if filesystem.isfile(name)]
    else:
        root, paths = path.rstrip("/"), filesystem.find(path)
    named = ((str(name)[len(root) :].lstrip("/"), str(name)) for name in paths)
    return [Source(name, full, filesystem) for name, full in sorted(named) if _is_data(name)]


def _is_data(name: str) -> bool:
    """Files that start with a dot or an underscore are what writers leave beside the data."""
    return name.endswith(SUFFIXES) and not any(part.startswith((".", "_")) for part in name.split("/"))


def _next_step(url: str) -> str:
    return f"check data.train and data.test in pipeline.toml, or the path on the command line ({url!r})"
