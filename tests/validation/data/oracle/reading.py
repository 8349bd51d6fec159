"""Whole files, read at once: how the gate read them before it read in batches."""

from __future__ import annotations

import collections
import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import IO

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Column, Schema
from gateline.rows.csv_file import csv_rows, form_of, lost_rows, swallowed_in
from gateline.rows.cutting import REPLACEMENT, SAVE_AGAIN
from gateline.rows.parquet_batches import plain_type
from gateline.rows.parts import SHOWN, Finding, Part, first_of_each, some_of, unreadable
from gateline.rows.sources import BYTE_ORDER, Source, content_of, sources, url_of, wide_of
from gateline.rows.typed import Typed
from gateline.settings.shown import shown
from tests.validation.data.oracle.typed import Mask, together, typed_of


@dataclass(frozen=True)
class Raw:
    """All files behind a URL, as they are written."""

    url: str
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def typed(self, column: Column, schema: Schema | None = None) -> Typed | None:
        """Return a column's values over all files, or None if a file does not hold it."""
        found = [typed_of(part, column, schema) for part in self.parts]
        return together([values for values in found if values is not None]) if all(found) and found else None

    def place(self, position: int) -> str:
        """Return the number of the row at a position over all files, with the file where there are several."""
        for part in self.parts:
            if position < part.rows:
                number = part.numbers[position]
                return f"{number} of {shown(part.name)}" if len(self.parts) > 1 else f"{number}"
            position -= part.rows
        raise IndexError(position)

    def places(self, mask: Mask) -> str:
        """Say where `mask` (shape (rows,)) holds: the first five row numbers, with the file where there are several."""
        positions = mask.nonzero()[0].tolist()
        return some_of([self.place(position) for position in positions[:SHOWN]], len(positions))


def read_raw(rows: str | Objects) -> Raw:
    """Return what is behind a URL, or objects as they were, with findings on form and encoding."""
    return Raw(url_of(rows), tuple(_part(source) for source in sources(rows)))


def _part(source: Source) -> Part:
    with source.open() as stream:
        content = content_of(stream.read())
    if content.finding is not None:
        part = Part(pa.table({}), text=False, findings=(content.finding,))
    else:
        part = read_parquet(io.BytesIO(content.data)) if content.parquet else read_csv(content.data)
    return replace(part, name=source.name, partition=source.partition)


def read_parquet(data: IO[bytes]) -> Part:
    """Return the rows of a Parquet file with the types it declares; a broken file is a finding."""
    try:
        table = parquet.ParquetFile(data).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        return unreadable("Parquet", error)
    first, repeated = first_of_each(table.column_names)
    table = table.select(first)
    plain = pa.table({name: plain_type(table[name]) for name in table.column_names})
    return Part(plain, text=False, findings=repeated)


def read_csv(data: bytes) -> Part:
    """Return the rows of a CSV file, all columns as text; its findings name every fault of form and encoding."""
    data, findings = _decoded(data)
    return _parsed(data, *findings)


def _parsed(data: bytes, *findings: Finding) -> Part:
    """Return the rows of CSV text in UTF-8, with `findings` and those of its form."""
    if not data.strip():
        empty = Finding("format", "the file is empty: there is no header", "write the file again")
        return Part(pa.table({}), text=True, findings=(*findings, empty))
    try:
        header = next((row for row in csv_rows(data, ",") if row), [])
        table, ragged = _parse(data, len(header))
    except (pa.ArrowInvalid, csv.Error) as error:
        return unreadable("CSV", error, *findings, text=True)
    first, repeated = first_of_each(header)
    # One within a value, as in 5" pipe, is a sign like others.
    unclosed = data.count(b'"') % 2 == 1 and not _strictly(_text(data))
    ended = data.endswith((b"\n", b"\r"))
    total = table.num_rows - 1 + len(ragged)
    form = tuple(form_of(header, ",", ragged, total, unclosed=unclosed, ended=ended))
    table = table.slice(1).select(first)
    swallowed = lost_rows(list(swallowed_in(table, len(header), ",")), table.num_rows)
    table = table.rename_columns([header[index] for index in first])
    kept = sorted({*range(1, total + 1)} - {*ragged})
    return Part(table, text=True, findings=(*findings, *repeated, *form, *swallowed), kept=kept)


def _strictly(lines: Iterable[str]) -> bool:
    """Say whether every quote that is opened in some text is closed."""
    try:
        collections.deque(csv.reader(lines, strict=True), maxlen=0)
    except csv.Error:
        return False
    return True


def _text(data: bytes) -> Iterable[str]:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace", newline="")


def _decoded(data: bytes) -> tuple[bytes, list[Finding]]:
    """Return `data` as UTF-8 that can be parsed, and what was wrong with it."""

    def line_of(place: int) -> int:
        return data.count(b"\n", 0, place) + 1

    mark = next((mark for mark in BYTE_ORDER if data.startswith(mark)), None)
    if mark is not None:
        name = BYTE_ORDER[mark]
        finding = Finding("encoding", f"starts with a byte order mark ({name.upper()})", SAVE_AGAIN, lossless=True)
        plain = data[len(mark) :] if name == "utf-8" else data.decode(name, errors="replace").encode()
        return plain, [finding, *_decoded(plain)[1]]
    wide = wide_of(data)
    if wide:
        why = f"is {wide.upper()} without a byte order mark: it holds NUL bytes"
    elif b"\x00" in data:
        why = "holds NUL bytes: it is UTF-16, or binary"
    else:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            at = f"byte 0x{data[error.start]:02x} at position {error.start} (line {line_of(error.start)})"
            why = f"is not UTF-8: {at}: {error.reason}"
        else:
            if REPLACEMENT not in data:
                return data, []
            line = line_of(data.index(REPLACEMENT))
            why = f"holds the replacement character U+FFFD (line {line}): it was decoded wrongly before it was written"
            return data, [Finding("encoding", why, "export the file again from its source as UTF-8")]
    return data.decode(wide or "utf-8", errors="replace").encode(), [Finding("encoding", why, SAVE_AGAIN)]


def _parse(data: bytes, width: int) -> tuple[pa.Table, list[int]]:
    """Return all rows of the right width, header first, and the numbers of the others."""
    ragged: list[int] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        ragged.append(row.number - 1)
        return "skip"

    names = [f"f{index}" for index in range(width)]
    table = arrow_csv.read_csv(
        io.BytesIO(data),
        read_options=arrow_csv.ReadOptions(
            column_names=names, use_threads=False, block_size=min(len(data) + 1, 2**30)
        ),
        parse_options=arrow_csv.ParseOptions(
            newlines_in_values=True, invalid_row_handler=note, ignore_empty_lines=True
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False, check_utf8=False
        ),
    )
    return table, ragged
