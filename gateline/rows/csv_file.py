"""Read a CSV file as text, every value as it is written, and collect what is wrong with its form.

The parser is pyarrow's: it reports each row with too many or too few fields, which others fill in silently.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from gateline.rows.encodings import decoded
from gateline.rows.parts import Finding, Part, repeated, unreadable, without_repeats

LARGEST_BLOCK = 2**30
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
ENOUGH = 4
"""Separators that the lines within one cell must have, each as many as a row's, before they are taken for rows."""
MOST_LINES = 0.8
"""Share of the lines within a cell that must look like rows."""


def read_csv(data: bytes) -> Part:
    """Return the rows of a CSV file, all columns as text; its findings name every fault of form and encoding."""
    data, findings = decoded(data)
    return parsed(data, ",", *findings)


def parsed(data: bytes, separator: str, *findings: Finding) -> Part:
    """Return the rows of CSV text in UTF-8, with `findings` and those of its form."""
    if not data.strip():
        return Part(pa.table({}), text=True, findings=(*findings, _empty()))
    try:
        header = header_of(data, separator)
        table, ragged = _parse(data, len(header), separator)
    except (pa.ArrowInvalid, csv.Error) as error:
        return unreadable("CSV", error, *findings, text=True)
    first, twice = without_repeats(header)
    found = [*findings, *([repeated(twice)] if twice else [])]
    found += _form(data, header, separator, ragged, table.num_rows - 1 + len(ragged))
    table = table.slice(1).select(first)
    found += _swallowed(table, len(header), separator)
    table = table.rename_columns([header[index] for index in first])
    return Part(table, text=True, findings=tuple(found), skipped=tuple(ragged))


def header_of(data: bytes, separator: str) -> list[str]:
    """Return the names in the first line that is not empty; none where there is no such line. Raises csv.Error."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace", newline="")
    return next((row for row in csv.reader(lines, delimiter=separator) if row), [])


def _empty() -> Finding:
    return Finding("format", "the file is empty: there is no header", "write the file again")


def _parse(data: bytes, width: int, separator: str) -> tuple[pa.Table, list[int]]:
    """Return all rows of the right width, header first, and the numbers of the others."""
    ragged: list[int] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        ragged.append(row.number - 1)
        return "skip"

    names = [f"f{index}" for index in range(width)]
    table = arrow_csv.read_csv(
        io.BytesIO(data),
        read_options=arrow_csv.ReadOptions(
            column_names=names, use_threads=False, block_size=min(len(data) + 1, LARGEST_BLOCK)
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=separator, newlines_in_values=True, invalid_row_handler=note, ignore_empty_lines=True
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False, check_utf8=False
        ),
    )
    return table, ragged


def _form(data: bytes, header: list[str], separator: str, ragged: list[int], total: int) -> Iterator[Finding]:
    if len(ragged) > total / 2:
        yield Finding(
            "format",
            f"the first line has {len(header)} field{'s' * (len(header) != 1)}, and most rows have another number: "
            "these were not read",
            "let the first line be the header, with a name for each column: no comment or title may stand before it",
            rows=tuple(ragged),
            total=total,
        )
    elif ragged:
        yield Finding(
            "format",
            f"the number of fields differs from the header's {len(header)}; these rows were not read",
            "quote values that hold a comma or a line break; the last row alone: the file was cut, or ends with a sum",
            rows=tuple(ragged),
            total=total,
        )
    if data.count(b'"') % 2 and _left_open(data, separator):
        yield Finding("format", "a quote is opened and never closed", "double every quote inside a quoted value")
    if not data.endswith((b"\n", b"\r")):
        yield Finding(
            "format",
            "the file ends in the middle of a line: there is no line break at its end, so its last row may be cut",
            "write the file again; if it is whole, end it with a line break",
        )
    other = next((sign for sign in SEPARATORS if len(header) == 1 and sign in header[0]), None)
    if other and separator == ",":
        yield Finding(
            "format", f"values are separated by a {SEPARATORS[other]}, not by a comma", "write it with commas"
        )


def _left_open(data: bytes, separator: str) -> bool:
    """Say whether a quote that begins a value is never closed; one within a value, as in 5" pipe, is a sign like others."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace", newline="")
    try:
        for _ in csv.reader(lines, delimiter=separator, strict=True):
            pass
    except csv.Error:
        return True
    return False


def _swallowed(table: pa.Table, width: int, separator: str) -> list[Finding]:
    """Find cells that hold whole rows: between two stray quotes, line breaks and separators are part of a value."""
    rows: list[int] = []
    lost = 0
    for place, column in enumerate(table.columns):
        breaks = pc.indices_nonzero(pc.match_substring(column, "\n")).to_pylist()
        for row in breaks:
            lines = column[row].as_py().rstrip("\r\n").split("\n")
            if _are_rows(lines, place, width, separator):
                rows.append(row + 1)
                lost += len(lines) - 1
    if not rows:
        return []
    reason = f"a quoted value holds {lost} line breaks between what look like rows: two stray quotes swallow them"
    step = "remove the stray quotes, or double each quote inside a quoted value"
    return [Finding("format", reason, step, rows=tuple(sorted(set(rows))), total=table.num_rows)]


def _are_rows(lines: list[str], place: int, width: int, separator: str) -> bool:
    """The first line is the end of a row, the last one the beginning of another, and those between are whole."""
    wanted = [width - 1 - place, *[width - 1] * (len(lines) - 2), place]
    hits = [want for want, line in zip(wanted, lines) if line.count(separator) == want]
    return len(lines) > 1 and sum(hits) >= ENOUGH and len(hits) >= MOST_LINES * len(lines)
