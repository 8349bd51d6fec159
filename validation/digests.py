"""The identity of data: SHA-256 over its files, streamed; imports neither pandas nor pyarrow."""

from __future__ import annotations

import hashlib

from contracts.digest import of_value
from validation.sources import Source, sources


def data_digest(url: str) -> str:
    """Return one hex SHA-256 of the files behind `url` and their names below it. Raises UsageError where there is none.

    A single file's own name does not count: the same rows elsewhere are the same data.
    """
    return of_value({source.name: _of_source(source) for source in sources(url)})


def _of_source(source: Source) -> str:
    with source.open() as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
