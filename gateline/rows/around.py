"""What stands around a table in a text file: titles above its header, totals below it, names that are not there."""

from __future__ import annotations

import contextlib
import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from gateline.rows.conversions import SHOWN, Conversion
from gateline.rows.parts import Part
from gateline.rows.text import is_datetime, is_number

HEAD = 2**20
LINES = 500
"""How much of a file is looked at: characters, and rows."""
MOST_TITLES = 20
TOTALS = {
    "total", "totals", "grand total", "sum", "average", "mean", "summe", "gesamt", "gesamtsumme", "insgesamt", "mittelwert",
    "durchschnitt", "somme", "moyenne", "total général", "suma", "promedio", "totale", "somma", "media", "итого", "всего",
    "合計", "合计", "总计", "평균", "합계",
}  # fmt: skip
"""What the first cell of a row below the table says where the row sums up the others."""


@dataclass(frozen=True)
class Beginning:
    """Where a table begins, and the names that it gives its columns; '' for one that is not there."""

    header: list[str]
    start: int
    """Bytes before its header."""
    said: tuple[Conversion, ...] = ()


def beginning_of(data: bytes, separator: str) -> Beginning:
    """Return the header of a table in UTF-8: titles, comments and blank rows above it are passed by.

    R leaves out the name of the rows' names, which it quotes, and some programs end each row but the header with a separator.
    """
    text = data[:HEAD].decode("utf-8", errors="replace")
    rows, ends = _rows(text, separator)
    if not rows:
        return Beginning([], 0)
    width = Counter(map(len, rows)).most_common(1)[0][0]
    above = _above(rows, width)
    lines = "the line above the header is" if above == 1 else f"{above} lines above the header are"
    said = [Conversion("file", f"{lines} a title or comments: left out")] if above else []
    header, below = rows[above], rows[above + 1 :]
    if width == len(header) + 1 and below:
        if all(not row[-1].strip() for row in below if len(row) == width):
            header = [*header, ""]
        elif all(text.startswith('"', end) for end in ends[above : len(rows) - 1]):
            header = ["", *header]
    return Beginning(header, len(text[: ends[above - 1]].encode()) if above else 0, tuple(said))


def _rows(text: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """Return the first rows that are not empty, and where each of them ends."""
    stream = io.StringIO(text, newline="")
    rows, ends = list[list[str]](), list[int]()
    with contextlib.suppress(csv.Error):  # A huge cell ends the look, and what was seen before it tells enough.
        for row in csv.reader(stream, delimiter=separator):
            if row:
                rows.append(row)
                ends.append(stream.tell())
            if len(rows) == LINES:
                break
    return rows, ends


def _above(rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how many rows stand above the header: they hold one value, or a third of a row's; the header more than half."""
    if width < 2:
        return 0
    for place, row in enumerate(rows[: MOST_TITLES + 1]):
        filled = sum(bool(cell.strip()) for cell in row)
        comment = row[0].startswith("#") and len(row) != width
        narrow = len(row) < width or width > 2
        title = not filled or (narrow and row[0].strip() != "" and filled <= max(1, width // 3))
        if not (comment or title):
            return place if filled > width / 2 and abs(len(row) - width) <= 1 else 0
    return 0


def blanks_left_out(part: Part) -> tuple[Part, list[Conversion]]:
    """Leave out rows that hold separators alone, as spreadsheets write them below and between tables."""
    if not part.table.num_columns or not part.rows:
        return part, []
    blank = pa.array([True] * part.rows)
    for column in part.table.columns:
        blank = pc.and_(blank, pc.equal(pc.utf8_trim_whitespace(column), ""))
    return _without(part, blank, "a row without a value: left out")


def _without(part: Part, those: pa.Array, told: str) -> tuple[Part, list[Conversion]]:
    places = pc.indices_nonzero(those).to_pylist()
    if not places or len(places) == part.rows:
        return part, []
    rows = tuple(part.numbers[place] for place in places)
    said = [Conversion("file", told, count=len(rows), rows=rows[:SHOWN])]
    return replace(part, table=part.table.filter(pc.invert(those)), skipped=(*part.skipped, *rows)), said


def totals_left_out(part: Part) -> tuple[Part, list[Conversion]]:
    """Leave out the last rows where they sum up the others: their first value says so, and no other row's does."""
    last = part.rows
    while last > 1 and part.rows - last < SHOWN and _sums_up(part, last - 1):
        last -= 1
    if last == part.rows:
        return part, []
    those = pa.array([place >= last for place in range(part.rows)])
    return _without(part, those, "a total of the others below the table: left out")


def _sums_up(part: Part, place: int) -> bool:
    for column in part.table.columns:
        text = (column[place].as_py() or "").strip()
        if text:
            says = text.rstrip(":").casefold() in TOTALS
            return says and pc.sum(pc.equal(column, column[place])).as_py() == 1
    return False


def headers_left_out(part: Part, header: Sequence[str]) -> tuple[Part, list[Conversion]]:
    """Leave out rows that are the header once more: files were put together that each had one."""
    if len(header) < 2 or not part.rows:
        return part, []
    again = pa.array([True] * part.rows)
    for name, column in zip(header, part.table.columns, strict=True):
        again = pc.and_(again, pc.equal(column, name))
    return _without(part, again, "the header stands there again: left out")


def is_a_row(header: Sequence[str], table: pa.Table) -> bool:
    """Say whether what should name the columns is a row itself: numbers above numbers, and words that stand below again.

    Names that count the columns are names.
    """
    numbers = [is_number(name) or is_datetime(name) for name in header]
    if not any(numbers) or [str(place) for place in range(len(header))] == list(header):
        return False
    if [str(place + 1) for place in range(len(header))] == list(header):
        return False
    return all(_like(name, column.slice(0, LINES).to_pylist()) for name, column in zip(header, table.columns, strict=True))


def _like(name: str, values: Sequence[str]) -> bool:
    known = [value for value in values if value.strip()]
    for fits in (is_number, is_datetime):
        if known and all(map(fits, known)):
            return fits(name)
    return name in values
