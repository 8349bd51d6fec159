"""The table within a text file: titles above its header, totals below it, names and columns that are not there."""

import csv
import functools
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from gateline.rows.csv_file import csv_rows
from gateline.rows.dialect import HEAD, LINES, Dialect, first_rows
from gateline.rows.infer import INDEX
from gateline.rows.parts import SHOWN, Conversion, Part, named
from gateline.rows.sources import Content
from gateline.rows.streaming import Stream, read_parts
from gateline.rows.text import is_datetime, is_number
from gateline.settings.errors import UsageError
from gateline.settings.shown import shown

MOST_TITLES = 20
TOTALS = {
    "total", "totals", "grand total", "sum", "average", "mean", "summe", "gesamt", "gesamtsumme", "insgesamt", "mittelwert",
    "durchschnitt", "somme", "moyenne", "total général", "suma", "promedio", "totale", "somma", "media", "итого", "всего",
    "合計", "合计", "总计", "평균", "합계",
}  # fmt: skip
"""What the first cell of a row below the table says where the row sums up the others."""


INDEX_LEFT_OUT = "the first column has no name: it is an index that pandas or R wrote along, left out"


@dataclass(frozen=True)
class Beginning:
    """Where a table begins, and the names that it gives its columns; '' for one that is not there."""

    header: list[str]
    start: int
    """Bytes before its header."""
    said: tuple[Conversion, ...] = ()


def beginning_of(path: object, dialect: Dialect) -> Beginning:
    """Return the header of a table: titles, comments and blank rows above it are passed by.

    R leaves out the name of the rows' names, which it quotes, and some programs end each row but the header with a separator.
    Raises UsageError, naming the file, where its first line cannot be read.
    """
    try:
        next((row for row in csv_rows(dialect.data, dialect.separator) if row), [])
    except csv.Error as error:
        raise UsageError(
            f"{path}: its header cannot be read: {error}", "look for a stray quote in its first line"
        ) from None
    text = dialect.data[:HEAD].decode("utf-8", errors="replace")
    rows, ends = first_rows(text, dialect.separator)
    if not rows:
        return Beginning([], 0)
    width = Counter(map(len, rows)).most_common(1)[0][0]
    above = _above(rows, width)
    lines = "the line above the header is" if above == 1 else f"{above} lines above the header are"
    said = (Conversion("file", f"{lines} a title or comments: left out"),) if above else ()
    header, below = rows[above], rows[above + 1 :]
    if width == len(header) + 1 and below:
        if all(not row[-1].strip() for row in below if len(row) == width):
            header = [*header, ""]
        elif all(text.startswith('"', end) for end in ends[above : len(rows) - 1]):
            header = ["", *header]
    return Beginning(header, len(text[: ends[above - 1]].encode()) if above else 0, said)


def table_of(path: object, dialect: Dialect) -> tuple[Part, list[Conversion]]:
    """Return the rows of a table in text, its columns named, and what was left out or renamed for that.

    Raises UsageError, naming the file, for rows that cannot be read, and where no line names the columns.
    """
    begun = beginning_of(path, dialect)
    header, data = begun.header, dialect.data[begun.start :]
    names, said = usable(header)
    content = Content(_with_numbers(data, dialect.separator, len(header)), separator=dialect.separator)
    (part,) = read_parts(Stream(str(path), [content]))
    for finding in (each for each in part.findings if each.rule == "format"):
        raise UsageError(f"{path}: {finding.reason}{named(finding.rows, len(finding.rows))}", finding.next_step)
    part, out = _rows_left_out(part, header)
    if _is_a_row(header, part.table):
        raise UsageError(
            f"{path}: its first line looks like the rows below it: the columns have no names",
            "write a line with a name for each column above it",
        )
    kept = []
    for place, (written, name, column) in enumerate(zip(header, names, part.table.columns, strict=True)):
        is_index = not name and len(pc.unique(column)) == len(column)  # One that repeats says something of the row.
        filled = written.strip() or pc.any(pc.not_equal(pc.utf8_trim_whitespace(column), "")).as_py()
        empty = name and place > 0 and not filled
        kept += [] if is_index or empty else [place]
    gone = {name for place, name in enumerate(names) if name and place not in kept}
    said = [each for each in said if each.column not in gone and (each.what != "index" or 0 not in kept)]
    said += [Conversion("column", "has neither a name nor a value: left out", name) for name in sorted(gone)]
    table = part.table.select(kept).rename_columns([names[place] or f"column_{place + 1}" for place in kept])
    return replace(part, table=table), [*dialect.conversions, *begun.said, *said, *out]


def usable(header: Sequence[str]) -> tuple[list[str], list[Conversion]]:
    """Return usable names, each once, '' for a first column that is an index, and what was changed for that."""
    names, said = list[str](), list[Conversion]()
    for place, name in enumerate(header):
        plain = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
        if place == 0 and INDEX.fullmatch(plain):
            said.append(Conversion("index", INDEX_LEFT_OUT))
            names.append("")
            continue
        plain = plain or f"column_{place + 1}"
        others = (f"{plain}_{number}" for number in itertools.count(2))
        unique = next(each for each in itertools.chain([plain], others) if each not in names)
        if unique != name:
            said.append(
                Conversion("column", f"the column named '{shown(name)}' is called '{unique}' from here on", unique)
            )
        names.append(unique)
    return names, said


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


def _with_numbers(data: bytes, separator: str, width: int) -> bytes:
    """Put numbers in the place of the names, which may repeat: every column is read."""
    header = 0

    def lines() -> Iterator[str]:
        nonlocal header
        for line in io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""):
            header += len(line.encode())
            yield line

    next(row for row in csv.reader(lines(), delimiter=separator) if row)
    end = b"" if data.endswith((b"\n", b"\r")) else b"\n"
    return f"{separator.join(map(str, range(width)))}\n".encode() + data[header:] + end


def _rows_left_out(part: Part, header: Sequence[str]) -> tuple[Part, list[Conversion]]:
    """Leave out rows that are no values: the header again, blanks as spreadsheets write them, and totals of the others."""
    said = list[Conversion]()

    def without(those: pa.Array, told: str) -> None:
        nonlocal part
        places = pc.indices_nonzero(those).to_pylist()
        if places and len(places) < part.rows:
            rows = tuple(part.numbers[place] for place in places)
            said.append(Conversion("file", told, count=len(rows), rows=rows[:SHOWN]))
            kept = sorted(set(part.numbers) - set(rows))
            part = replace(part, table=part.table.filter(pc.invert(those)), kept=kept)

    if len(header) > 1:  # Files were put together that each had one.
        again = (pc.equal(column, name) for name, column in zip(header, part.table.columns, strict=True))
        without(functools.reduce(pc.and_, again), "the header stands there again: left out")
        blank = (pc.equal(pc.utf8_trim_whitespace(column), "") for column in part.table.columns)
        without(functools.reduce(pc.and_, blank), "a row without a value: left out")
    last = part.rows
    while last > 1 and part.rows - last < SHOWN and _sums_up(part, last - 1):
        last -= 1
    if last < part.rows:
        without(pa.array([place >= last for place in range(part.rows)]), "a total of the others below the table: left out")
    return part, said


def _sums_up(part: Part, place: int) -> bool:
    """Say whether a row sums up the others: its first value says so, and no other row's does."""
    for column in part.table.columns:
        text = (column[place].as_py() or "").strip()
        if text:
            says = text.rstrip(":").casefold() in TOTALS
            return says and pc.sum(pc.equal(column, column[place])).as_py() == 1
    return False


def _is_a_row(header: Sequence[str], table: pa.Table) -> bool:
    """Say whether what should name the columns is a row itself: numbers above numbers, and words that stand below again.

    Names that count the columns are names.
    """
    counts = [list(map(str, range(first, first + len(header)))) for first in (0, 1)]
    if list(header) in counts or not any(is_number(name) or is_datetime(name) for name in header):
        return False
    for name, column in zip(header, table.columns, strict=True):
        values = column.slice(0, LINES).to_pylist()
        known = [value for value in values if value.strip()]
        fits = next((fits for fits in (is_number, is_datetime) if known and all(map(fits, known))), values.__contains__)
        if not fits(name):
            return False
    return True
