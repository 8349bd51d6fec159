"""One CSV file in batches: each block of rows is parsed by itself, numbers at once, everything else as it is written.

The parser is pyarrow's: it reports each row with too many or too few fields, which others fill in silently. What is wrong with
the file's form is known when all blocks were seen.
"""

from __future__ import annotations

import collections
import csv
import io
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from gateline.contracts.schema import Column, Schema
from gateline.rows.batches import Batch
from gateline.rows.cutting import LARGEST_BLOCK, Decoder, Encoding, blocks, has_hexadecimal, header_end, looked_at
from gateline.rows.parts import Finding, Part, first_of_each, unreadable
from gateline.rows.sources import Content, GzipEnds, Source, Streamed
from gateline.rows.text import LARGEST_INTEGER, marks_of

COLUMN = re.compile(r"In CSV column #([0-9]+)")
TYPES = {"integer": pa.int64(), "number": pa.float64()}
WORDS = pa.dictionary(pa.int32(), pa.string())
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
ENOUGH = 4
"""Separators that the lines within one cell must have, each as many as a row's, before they are taken for rows."""
MOST_LINES = 0.8
"""Share of the lines within a cell that must look like rows."""


class CsvFile:
    """What is known of a file while its blocks are read: of the columns of a schema, or, without one, of all as text."""

    def __init__(self, number: int, source: Source | Content, schema: Schema | None) -> None:
        self.number, self.source, self.schema = number, source, schema
        self.header: list[str] = []
        self.names: dict[str, str] = {}
        """The first column of each name, as it is called in parsing."""
        self.repeated: tuple[Finding, ...] = ()
        self.encoding = Encoding()
        self.plain = set[str]()
        """Columns of numbers that hold something else as well: from there on they are read as they are written."""
        self.ragged = array("q")
        self.swallowed: list[tuple[int, int]] = []
        self.rows = self.quotes = 0
        self.empty, self.ended = True, True

    @property
    def numbered(self) -> int:
        """How many rows were counted, those that were not read included."""
        return self.rows + len(self.ragged)

    def blocks(self, stream: Streamed) -> Iterator[bytes | Finding]:
        """Yield the blocks below the header; a Finding where the file cannot be read."""
        before = b""
        try:
            for data in _blocks(stream, self.encoding):
                self.ended = data.endswith((b"\n", b"\r"))
                data = before + data
                if self.empty and not data.strip():
                    before = data
                    continue
                before, first = b"", self.empty
                if first:
                    self.empty = False
                    data, finding = self._below_header(data)
                    if finding is not None:
                        yield finding
                        return
                yield data
        except GzipEnds as error:
            yield error.finding

    def _below_header(self, data: bytes) -> tuple[bytes, Finding | None]:
        plain, _ = looked_at(data)
        try:
            self.header = next((row for row in csv_rows(plain, self.source.separator) if row), [])
        except csv.Error as error:
            return b"", unreadable("CSV", error).findings[0]
        first, self.repeated = first_of_each(self.header)
        self.names = {self.header[place]: f"f{place}" for place in first}
        end = header_end(data)
        _, look = looked_at(data[:end])
        self.encoding.add(look)
        self.quotes += data.count(b'"', 0, end)
        return data[end:], None

    def read(self, data: bytes | Finding) -> Batch:
        """Parse one block."""
        if isinstance(data, Finding):
            return self._broken(data)
        plain, look = looked_at(data)
        quotes = plain.count(b'"')
        parsed = self._parsed(plain)
        if isinstance(parsed, Finding):
            return self._broken(parsed)
        table, ragged = parsed
        swallowed: tuple[tuple[int, int], ...] = ()
        if quotes and look.lines + plain.count(b"\r") > table.num_rows + len(ragged):
            text, _ = self._parse(plain, dict.fromkeys(self.names.values(), pa.string()), [])
            swallowed = tuple(swallowed_in(text, len(self.header), self.source.separator))
        written = partial(self._written, plain)
        partition = self.source.partition
        return Batch(self.number, table, True, partition, tuple(ragged), written, look, swallowed, quotes)

    def _broken(self, finding: Finding) -> Batch:
        return Batch(self.number, pa.table({}), text=True, error=finding)

    def _parsed(self, data: bytes) -> tuple[pa.Table, list[int]] | Finding:
        """Return the rows of a block under the names of their columns, and the numbers of those that were not read."""
        every = self.schema is None
        wanted = {column.name: column for column in self.schema.columns if column.name in self.names} if self.schema else {}
        numeric = [column for column in wanted.values() if column.dtype in TYPES]
        if numeric and has_hexadecimal(data):
            numeric = []
        names = list(self.names if every else wanted)
        while True:
            typed = {self.names[column.name]: column for column in numeric if column.name not in self.plain}
            types = dict.fromkeys((self.names[name] for name in names), pa.string() if every else WORDS)
            types |= {name: TYPES[column.dtype] for name, column in typed.items()}
            try:
                table, ragged = self._parse(data, types, self._nulls(list(typed.values())))
            except (pa.ArrowInvalid, csv.Error) as error:
                at = COLUMN.match(str(error))
                if at is None:
                    return unreadable("CSV", error).findings[0]
                self.plain.add(self.header[int(at[1])])
                continue
            found = {column.name for name, column in typed.items() if column.dtype == "number" and not _is_plain(table[name])}
            if not found:
                return table.rename_columns(names) if names else table, ragged
            self.plain |= found

    def _parse(self, data: bytes, types: dict[str, pa.DataType], nulls: list[str]) -> tuple[pa.Table, list[int]]:
        """Return the columns of all rows of the right width, and the numbers of the others. Raises ArrowInvalid."""
        ragged: list[int] = []

        def note(row: arrow_csv.InvalidRow) -> str:
            ragged.append(row.number)
            return "skip"

        names, size = [f"f{index}" for index in range(len(self.header))], min(len(data) + 1, LARGEST_BLOCK)
        if not data:
            return pa.table({name: pa.nulls(0, types[name]) for name in types}), []
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=size),
            arrow_csv.ParseOptions(
                delimiter=self.source.separator, newlines_in_values=True, invalid_row_handler=note, ignore_empty_lines=True
            ),
            arrow_csv.ConvertOptions(
                column_types=types, include_columns=list(types) or names[:1], null_values=nulls,
                strings_can_be_null=False, check_utf8=False,
            ),
        )
        return table, ragged

    def _written(self, data: bytes, name: str) -> pa.Array:
        table, _ = self._parse(data, {self.names[name]: pa.string()}, [])
        return table.column(0).combine_chunks()

    def _nulls(self, columns: list[Column]) -> list[str]:
        """Return the texts that mean a missing number in all columns; for any other, a column is read as it is written."""
        marks = [marks_of(self.schema, column) for column in columns]
        return sorted(frozenset.intersection(*marks)) if marks else []

    def add(self, batch: Batch) -> None:
        """Take the next block into account."""
        if batch.look is not None:
            self.encoding.add(batch.look)
        before = self.numbered
        self.ragged.extend(before + number for number in batch.ragged)
        self.swallowed += [(self.rows + row, lost) for row, lost in batch.swallowed]
        self.rows, self.quotes = self.rows + batch.rows, self.quotes + batch.quotes

    def encoding_findings(self) -> tuple[Finding, ...]:
        """Return what is wrong with the encoding of the whole file, of which not all blocks were seen."""
        seen = Encoding()
        with self.source.stream() as stream:
            try:
                for data in _blocks(stream, seen):
                    seen.add(looked_at(data)[1])
            except GzipEnds:
                return ()
        return tuple(seen.findings())

    def part(self) -> Part:
        """Return the file's columns and all that is wrong with it."""
        encoding = tuple(self.encoding.findings())
        if self.empty:
            empty = Finding("format", "the file is empty: there is no header", "write the file again")
            return Part(pa.table({}), text=True, findings=(*encoding, empty))
        unclosed, separator = bool(self.quotes % 2) and self._is_open(), self.source.separator
        form = tuple(form_of(self.header, separator, self.ragged, self.numbered, unclosed=unclosed, ended=self.ended))
        swallowed = lost_rows(self.swallowed, self.rows)
        table = pa.table({name: pa.nulls(0, pa.string()) for name in self.names})
        return Part(table, text=True, findings=(*encoding, *self.repeated, *form, *swallowed))

    def _is_open(self) -> bool:
        """Say whether a quote is opened and never closed: one within a value, as in 5" pipe, is a sign like others."""
        with self.source.stream() as stream:
            lines = (line for data in _blocks(stream, Encoding()) for line in _lines(looked_at(data)[0]))
            try:
                collections.deque(csv.reader(lines, delimiter=self.source.separator, strict=True), maxlen=0)
            except csv.Error:
                return True
            return False


def csv_rows(data: bytes, separator: str) -> Iterator[list[str]]:
    """Yield the rows of CSV text as Python's own parser finds them. Raises csv.Error."""
    return csv.reader(_lines(data), delimiter=separator)


def _lines(data: bytes) -> Iterable[str]:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace", newline="")


def _blocks(stream: Streamed, encoding: Encoding) -> Iterator[bytes]:
    decoder = Decoder(stream.file, stream.head)
    encoding.mark, encoding.wide = decoder.mark, decoder.wide
    return iter([stream.file.read()]) if stream.whole else blocks(decoder)


def _is_plain(column: pa.ChunkedArray) -> bool:
    """Say whether every number is one that is read the same however it is written: finite, and within 64 bits."""
    import numpy as np

    for chunk in column.chunks:
        values = np.frombuffer(chunk.buffers()[1], np.float64)[chunk.offset : chunk.offset + len(chunk)]
        if len(values) and not max(values.max(), -values.min()) < LARGEST_INTEGER:
            return False
    return True


def form_of(
    header: list[str], separator: str, ragged: Sequence[int], total: int, *, unclosed: bool, ended: bool
) -> Iterator[Finding]:
    """Yield what is wrong with the form of a file. `ragged` numbers its rows of another width than the header's, of `total`.

    `unclosed` says that a quote is opened and never closed, `ended` that the file ends with a line break.
    """
    rows = tuple(ragged)
    if len(ragged) > total / 2:
        yield Finding(
            "format",
            f"the first line has {len(header)} field{'s' * (len(header) != 1)}, and most rows have another number: "
            "these were not read",
            "let the first line be the header, with a name for each column: no comment or title may stand before it",
            rows,
            total,
        )
    elif ragged:
        yield Finding(
            "format",
            f"the number of fields differs from the header's {len(header)}; these rows were not read",
            "quote values that hold a comma or a line break; the last row alone: the file was cut, or ends with a sum",
            rows,
            total,
        )
    if unclosed:
        yield Finding("format", "a quote is opened and never closed", "double every quote inside a quoted value")
    if not ended:
        yield Finding(
            "format",
            "the file ends in the middle of a line: there is no line break at its end, so its last row may be cut",
            "write the file again; if it is whole, end it with a line break",
        )
    other = next((sign for sign in SEPARATORS if len(header) == 1 and sign in header[0]), None)
    if other and separator == ",":
        yield Finding("format", f"values are separated by a {SEPARATORS[other]}, not by a comma", "write it with commas")


def swallowed_in(table: pa.Table, width: int, separator: str) -> Iterator[tuple[int, int]]:
    """Yield the number of each row with a cell that holds whole rows, and how many line breaks it holds.

    Between two stray quotes, line breaks and separators are part of a value.
    """
    for place, column in enumerate(table.columns):
        for row in pc.indices_nonzero(pc.match_substring(column, "\n")).to_pylist():
            lines = column[row].as_py().rstrip("\r\n").split("\n")
            # The first line is the end of a row, the last one the beginning of another, and those between are whole.
            wanted = [width - 1 - place, *[width - 1] * (len(lines) - 2), place]
            hits = [want for want, line in zip(wanted, lines) if line.count(separator) == want]
            if len(lines) > 1 and sum(hits) >= ENOUGH and len(hits) >= MOST_LINES * len(lines):
                yield row + 1, len(lines) - 1


def lost_rows(swallowed: Sequence[tuple[int, int]], total: int) -> list[Finding]:
    """Return the finding for cells that hold whole rows: numbers of their rows, and line breaks; `total` rows were read."""
    if not swallowed:
        return []
    lost = sum(count for _, count in swallowed)
    reason = f"a quoted value holds {lost} line breaks between what look like rows: two stray quotes swallow them"
    step = "remove the stray quotes, or double each quote inside a quoted value"
    return [Finding("format", reason, step, tuple(sorted({row for row, _ in swallowed})), total)]
