"""Count the values of a data file, column by column, as the text they are written in. Neither pandas nor numpy is needed."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

from settings.errors import GatelineError, OutsideError, UsageError, did_you_mean

Counts = dict[str, Counter[str]]
MAGIC = b"PAR1"
SAVE_AGAIN = "save the file as UTF-8 without a byte order mark"


def count_values(url: str) -> Counts:
    """Return how often each value stands in each column of one CSV or Parquet file; a missing value is the empty text.

    Raises UsageError for a file that is missing, empty, not UTF-8, ragged, or names a column twice.
    """
    with _opened(url) as stream:
        head = stream.read(4)
        stream.seek(0)
        if not head:
            raise UsageError(f"{url}: the file is empty", "name a file with a header and rows")
        counts = _of_parquet(url, stream) if head == MAGIC else _of_csv(url, stream)
    if not any(counter.total() for counter in counts.values()):
        raise UsageError(f"{url}: there is a header, but no row", "name a file with rows")
    return counts


def _opened(url: str) -> IO[bytes]:
    from contracts.storage import cause_of, next_step_of, opened

    try:
        filesystem, path = opened(url)
        if filesystem.isdir(path):
            raise UsageError(f"{url}: is a folder", "name one of its files: the schema holds for all of them")
        stream: IO[bytes] = filesystem.open(path, "rb", compression="infer")
        return stream
    except FileNotFoundError:
        raise UsageError(
            f"{url}: no such data file", "name a CSV or Parquet file, for example data/train.csv"
        ) from None
    except GatelineError:
        raise
    except Exception as error:
        raise OutsideError(
            f"{url}: cannot be read: {cause_of(error)}", next_step_of(error, "check the address")
        ) from error


def _of_csv(url: str, stream: IO[bytes]) -> Counts:
    try:
        with io.TextIOWrapper(stream, encoding="utf-8", newline="") as lines:
            return _of_rows(url, (row for row in csv.reader(lines, strict=True) if row))
    except UnicodeDecodeError as error:
        raise UsageError(f"{url}: is not UTF-8: byte 0x{error.object[error.start]:02x}", SAVE_AGAIN) from None
    except csv.Error as error:
        raise UsageError(f"{url}: is not a CSV file: {error}", "write the file again; it may be cut") from None


def _of_rows(url: str, rows: Iterator[list[str]]) -> Counts:
    header = next(rows, [])
    _refuse_header(url, header)
    counters: list[Counter[str]] = [Counter() for _ in header]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise UsageError(
                f"{url}: row {number} has {len(row)} fields, the header {len(header)}",
                "quote values that hold a comma; if it is the last row, the file was cut",
            )
        for counter, value in zip(counters, row):
            counter[value] += 1
    return dict(zip(header, counters))


def _refuse_header(url: str, header: list[str]) -> None:
    if not header:
        raise UsageError(f"{url}: the file is empty: there is no header", "name a file with a header and rows")
    if header[0].startswith(codecs.BOM_UTF8.decode()):
        raise UsageError(f"{url}: starts with a byte order mark", SAVE_AGAIN)
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{url}: the header names '{twice}' more than once", "give every column its own name")


def _of_parquet(url: str, stream: IO[bytes]) -> Counts:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(stream)
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"{url}: is not a readable Parquet file: {error}", "write the file again") from None
    _refuse_header(url, table.column_names)
    return {name: Counter(map(_text, table[name].to_pylist())) for name in table.column_names}


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def refuse_unknown(url: str, name: str, counts: Counts) -> None:
    """Raise UsageError unless `name` is a column."""
    if name not in counts:
        raise UsageError(
            f"{url}: there is no column '{name}'{did_you_mean(name, counts)} (columns: {', '.join(counts)})",
            "name one of them with --target",
        )
