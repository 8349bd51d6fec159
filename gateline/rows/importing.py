"""Take a file in as people bring it: read what can be read, convert it, and say what was converted. The gates are stricter.

    taken = take("churn.csv")
    for conversion in taken.conversions:
        print(conversion)
    schema, notes = taken.schema("left")
    write(taken.select(places), Path("data/train.csv"))

It needs neither pandas nor numpy, and no environment but the one that commands run in.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from gateline.contracts.schema import Schema
from gateline.rows.around import beginning_of, table_of, usable
from gateline.rows.columns import rows_of, texts_of
from gateline.rows.converting import converted, rewritten
from gateline.rows.dialect import NAMES, Dialect, dialect_of
from gateline.rows.infer import INDEX, Note, refuse_unknown, schema_of
from gateline.rows.kinds import kind_of
from gateline.rows.parts import Conversion, Part
from gateline.rows.parquet_batches import parquet_batches
from gateline.rows.sources import GZIP, PARQUET, Content, content_of
from gateline.rows.streaming import Stream, read_parts
from gateline.rows.text import MARKS, spellings, utc_of
from gateline.settings.errors import OutsideError, UsageError, did_you_mean
from gateline.settings.shown import shown

GLANCE = 2**20
"""Bytes that a glance reads."""
KNOWN = ("utf-8", "utf-16", *NAMES)


@dataclass(frozen=True)
class Glance:
    """What the first megabyte of a file tells, within a fraction of a second."""

    kind: str
    """`csv` or `parquet`."""
    columns: tuple[str, ...]
    """The names of its columns, as they will be after it is taken in; none where a file's end alone tells them."""
    conversions: tuple[Conversion, ...]
    """How the file as a whole is written: separator, encoding, an index."""


@dataclass(frozen=True)
class Taken:
    """The rows of a file, converted, and what was converted.

    Rows keep their numbers through `select`; the first row below the header of the source is row 1.
    """

    source: str
    part: Part
    """The rows: of a CSV file all columns are text in plain form, of Parquet they keep their types."""
    conversions: tuple[Conversion, ...]
    missing: tuple[str, ...] = MARKS
    """The texts that stand for a missing value; they go into the schema."""

    @property
    def kind(self) -> str:
        """`csv` or `parquet`: the form in which `write` writes the rows."""
        return "csv" if self.part.text else "parquet"

    @property
    def rows(self) -> int:
        return self.part.rows

    @property
    def columns(self) -> list[str]:
        return self.part.names()

    def texts(self, column: str) -> list[str]:
        """Return a column's values as text, empty where one is missing, by any mark for it."""
        marks, found = {"", *self.missing}, texts_of(self.part.table[column])
        words = ["" if text.strip() in marks else text.strip() for text in found.dictionary.to_pylist()]
        return [words[index] for index in found.indices.to_pylist()]

    def times(self, column: str) -> list[datetime | None]:
        """Return a column's values as moments in UTC; None where one is missing or is no date."""
        return [utc_of(value) for value in self.texts(column)]

    def known(self, column: str) -> Counter[str]:
        """Return how often each known value of a column occurs, as text."""
        counter = Counter(self.texts(column))
        del counter[""]
        return counter

    def select(self, positions: Sequence[int]) -> Taken:
        """Return the rows at these positions (the first row is at 0), in this order."""
        numbers = [self.part.numbers[position] for position in positions]
        table = self.part.table.take(pa.array(positions, pa.int64()))
        return replace(self, part=replace(self.part, table=table, kept=numbers))

    def spelled_alike(self, column: str) -> Taken:
        """Return the rows with one spelling, the commonest, for classes that differ by capitals or blanks alone.

        Of more than two classes, single letters stay apart: `a` and `A` may be two.
        """
        refuse_unknown(self.source, column, self.columns)
        known = self.known(column)
        instead = spellings(known)
        if len(known) - len(instead) > 2:
            instead = {text: one for text, one in instead.items() if len(one) > 1}
        if not instead or kind_of(known).dtype != "string":
            return self
        table, place = self.part.table, self.columns.index(column)
        words = texts_of(table[column]).dictionary.to_pylist()
        written = {text: instead[text.strip()] for text in words if text.strip() in instead}
        said = [
            Conversion(
                "column",
                f"'{shown(text)}' is '{shown(one)}' but for capitals or blanks: taken for the same class",
                column,
                known[text],
                rows_of(self.part, column, [text]),
            )
            for text, one in sorted(instead.items())
        ]
        part = replace(self.part, table=table.set_column(place, column, rewritten(table[column], written)))
        return replace(self, part=part, conversions=(*self.conversions, *said))

    def schema(self, target: str = "", time: str = "") -> tuple[Schema, list[Note]]:
        """Return the proposed schema, and notes. Raises UsageError where there is no such target.

        What is proposed passes on these rows, written by `write`.
        """
        refuse_unknown(self.source, target, self.columns)
        return schema_of(self.part, self.source, target, time, self.missing)


def glance(path: str | Path, encoding: str = "") -> Glance:
    """Return what the first megabyte of a file tells. Raises UsageError for one that cannot be taken in, naming it."""
    head = _read(path, GLANCE)
    if head.startswith(PARQUET):
        with Path(path).expanduser().open("rb") as stream:
            return Glance("parquet", tuple(_of_parquet(path, parquet_batches(stream, None)[0])[0].names()), ())
    # The last line of a part may be cut in the middle of a character.
    lines = _unpacked(head) if head.startswith(GZIP) else head
    content = _content(path, head if len(head) < GLANCE else lines[: lines.rfind(b"\n") + 1] or lines)
    if content.parquet:
        return Glance("parquet", (), ())
    dialect = _dialect(path, content.data, encoding)
    begun = beginning_of(path, dialect)
    names, said = usable(begun.header)
    nameless = {name for name, written in zip(names, begun.header, strict=True) if not written.strip()}
    said = [each for each in said if not each.column or each.column not in nameless]
    return Glance("csv", tuple(name for name in names if name), (*dialect.conversions, *begun.said, *said))


def take(path: str | Path, missing: tuple[str, ...] = MARKS, encoding: str = "") -> Taken:
    """Read a CSV or Parquet file of any separator, encoding and name, and convert what has a plain form.

    `missing` are the texts that stand for a missing value; without an `encoding` it is found out. Raises UsageError, naming
    the file, for one that is not there, is empty, is neither CSV nor Parquet, or has rows that cannot be read, and for an
    encoding that it is not in; OutsideError where the disk fails.
    """
    content = _content(path, _read(path))
    comma = False
    if content.parquet:
        part, said = _of_parquet(path, *read_parts(Stream(str(path), [content])))
    else:
        dialect = _dialect(path, content.data, encoding)
        comma = dialect.separator == ";"
        part, said = table_of(path, dialect)
    if not part.rows:
        raise UsageError(f"{path}: there is a header, but no row", "name a file with rows")
    part, more = converted(part, {"", *missing}, comma)
    return Taken(str(path), part, (*said, *more), missing)


def write(taken: Taken, path: Path) -> None:
    """Write rows to a file in the form of `taken.kind`: CSV whose values are quoted where they need it, or typed Parquet.

    Read strictly, the file holds the same values. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not taken.part.text:
        parquet.write_table(taken.part.table, path)
        return
    columns = [
        rewritten(column, {text: _quoted(text) for text in texts_of(column).dictionary.to_pylist()})
        for column in taken.part.table.columns
    ]
    with path.open("w", encoding="utf-8", newline="") as stream:
        for line in (",".join(map(_quoted, taken.columns)), *pc.binary_join_element_wise(*columns, ",").to_pylist()):
            stream.write((line or '""') + "\n")


def _quoted(text: str) -> str:
    """Quote what a parser would take apart: a lone carriage return ends a line, too."""
    if any(sign in text for sign in ',"\r\n') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def _read(path: str | Path, size: int = -1) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as stream:
            return stream.read(size)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such data file", "name a CSV or Parquet file") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a folder", "name one of its files") from None
    except PermissionError:
        raise UsageError(f"{path}: may not be read by this account", "change its permissions (chmod)") from None
    except OSError as error:
        raise OutsideError(
            f"{path}: cannot be read: {error.strerror}", "copy it to another disk, then name the copy"
        ) from error


def _unpacked(head: bytes) -> bytes:
    """Return what the beginning of a gzip file holds."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 4 * GLANCE)
    except zlib.error:
        return head


def _content(path: str | Path, data: bytes) -> Content:
    content = content_of(data)
    if content.finding is not None:
        raise UsageError(f"{path}: {content.finding.reason}", content.finding.next_step)
    if not content.data.strip():
        raise UsageError(f"{path}: the file is empty", "name a file with a header and rows")
    return content


def _dialect(path: str | Path, data: bytes, encoding: str) -> Dialect:
    try:
        return dialect_of(data, encoding)
    except LookupError:
        near = did_you_mean(encoding, KNOWN)
        raise UsageError(f"--encoding is '{shown(encoding)}'{near}", f"give one such as {', '.join(KNOWN)}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}: is not {encoding}: byte 0x{data[error.start]:02x} in line {line} means nothing there",
            "leave --encoding out, and the likeliest is found out; or give another",
        ) from None


def _of_parquet(path: str | Path, part: Part) -> tuple[Part, list[Conversion]]:
    for finding in part.findings:
        raise UsageError(f"{path}: {finding.reason}", finding.next_step)
    columns = dict[str, pa.ChunkedArray]()
    written = [name for name in part.table.column_names if not INDEX.fullmatch(name)]
    indexes = set(part.table.column_names) - set(written)
    said = [Conversion("index", "is an index that pandas wrote along: left out", name) for name in sorted(indexes)]
    names, renamed = usable(["first", *written])
    said += renamed
    for old, name in zip(written, names[1:], strict=True):
        column, told = _plain(part.table[old])
        said += [Conversion("column", told, name, len(part.table))] if told else []
        columns |= {name: column} if column is not None else {}
    return replace(part, table=pa.table(columns)), said


def _plain(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray | None, str]:
    """Return a column of a type that a schema knows, or None, and what was done for that."""
    types, kind = pa.types, column.type
    if types.is_time(kind):
        return column.cast(pa.string()), "holds times of day: written as text"
    if types.is_duration(kind):
        seconds = pc.divide(column.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), 1e6)
        return seconds, "holds durations: written as seconds"
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_nested(kind):
        return None, f"holds values of type {kind}, which no column of a schema can: left out"
    return column, ""
