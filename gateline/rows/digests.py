"""The identity of data: SHA-256 over its files, streamed; imports neither pandas nor pyarrow."""

from __future__ import annotations

import hashlib

from gateline.contracts.digest import of_value
from gateline.contracts.manifest import Objects
from gateline.rows.sources import Source, sources


def data_digest(rows: str | Objects) -> str:
    """Return one hex SHA-256 of the files behind a URL, or of objects as they were, and their names below it.

    A single file's own name does not count: the same rows elsewhere are the same data. Raises UsageError where there
    is none.
    """
    return of_value({source.name: _of_source(source) for source in sources(rows)})


def _of_source(source: Source) -> str:
    with source.open() as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
