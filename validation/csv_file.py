"""Read a CSV file as text, every value as it stands, and collect what is wrong with its form.

The parser is pyarrow's: it reports each row with too many or too few fields, which pandas fills in silently.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from validation.encodings import decoded
from validation.parts import Finding, Part, repeated, unreadable, without_repeats

LARGEST_BLOCK = 2**30
SEPARATORS = {";": "semicolon", "\t": "tab", "|": "bar"}


def read_csv(data: bytes) -> Part:
    """Return the rows of a CSV file, all columns as text; its findings name every fault of form and encoding."""
    data, findings = decoded(data)
    if not data.strip():
        return Part(pd.DataFrame(), text=True, findings=(*findings, _empty()))
    try:
        header = _header(data)
        table, ragged = _parse(data, len(header))
    except (pa.ArrowInvalid, csv.Error) as error:
        broken = unreadable("CSV", error)
        return Part(broken.frame, text=True, findings=(*findings, *broken.findings))
    first, twice = without_repeats(header)
    frame = table.slice(1).select(first).to_pandas()
    frame.columns = pd.Index([header[index] for index in first], dtype=object)
    frame.index = _row_numbers(len(frame), ragged)
    findings += [repeated(twice)] if twice else []
    findings += list(_form(data, header, ragged, len(frame) + len(ragged)))
    return Part(frame, text=True, findings=tuple(findings))


def _empty() -> Finding:
    return Finding("format", "the file is empty: there is no header", "write the file again")


def _header(data: bytes) -> list[str]:
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    return next(row for row in csv.reader(lines) if row)


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
            column_names=names, use_threads=False, block_size=min(len(data) + 1, LARGEST_BLOCK)
        ),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False, check_utf8=False
        ),
    )
    return table, ragged


def _row_numbers(kept: int, ragged: list[int]) -> pd.Index[int]:
    if not ragged:
        return pd.RangeIndex(1, kept + 1)
    return pd.RangeIndex(1, kept + len(ragged) + 1).drop(ragged)


def _form(data: bytes, header: list[str], ragged: list[int], total: int) -> Iterator[Finding]:
    if ragged:
        yield Finding(
            "format",
            f"the number of fields differs from the header's {len(header)}; these rows were not read",
            "quote values that hold a comma or a line break; if it is the last row alone, the file was cut",
            rows=tuple(ragged),
            total=total,
        )
    if data.count(b'"') % 2:
        yield Finding("format", "a quote is opened and never closed", "double every quote inside a quoted value")
    if not data.endswith((b"\n", b"\r")):
        yield Finding(
            "format",
            "the file ends in the middle of a line: there is no line break at its end, so its last row may be cut",
            "write the file again; if it is whole, end it with a line break",
        )
    other = next((sign for sign in SEPARATORS if len(header) == 1 and sign in header[0]), None)
    if other:
        yield Finding(
            "format", f"values are separated by a {SEPARATORS[other]}, not by a comma", "write it with commas"
        )
