"""Cells that hold whole rows, between two stray quotes; and those that only hold several lines."""

from __future__ import annotations

import pytest

from gateline.rows.parts import Part
from gateline.rows.sources import Content
from gateline.rows.streaming import Stream, read_parts

WIDTH = 5


def read_csv(data: bytes) -> Part:
    (part,) = read_parts(Stream("memory", [Content(data)]))
    return part


def lines(rows: int = 40) -> list[str]:
    return ["a,b,c,d,e", *(f"{row},x{row},{row / 7:.3f},2024-01-01,call {row} back" for row in range(rows))]


def swallowed(content: list[str]) -> list[str]:
    part = read_csv(("\n".join(content) + "\n").encode())
    return [finding.reason for finding in part.findings if "stray quotes" in finding.reason]


@pytest.mark.parametrize("place", range(WIDTH))
@pytest.mark.parametrize("last", [12, 13, 30])
def test_two_stray_quotes_in_any_column_are_found(place: int, last: int) -> None:
    content = lines()
    first, other = content[11].split(","), content[last].split(",")
    first[place] = '"' + first[place]
    other[place] = other[place] + '"'
    content[11], content[last] = ",".join(first), ",".join(other)
    assert len(swallowed(content)) == 1
    part = read_csv(("\n".join(content) + "\n").encode())
    found = next(finding for finding in part.findings if "stray quotes" in finding.reason)
    assert found.rows == (11,) and found.rule == "format"


@pytest.mark.parametrize(
    "cell", ["one\ntwo", "Dear Ann,\nthank you, and\nbest, Bob", "a, b\nc, d", "1\n2\n3", "late\rpaid", "x\r\ny, z"]
)
@pytest.mark.parametrize("place", range(WIDTH))
def test_a_text_of_several_lines_is_none(cell: str, place: int) -> None:
    content = lines()
    row = content[11].split(",")
    row[place] = f'"{cell}"'
    content[11] = ",".join(row)
    assert swallowed(content) == []
    assert read_csv(("\n".join(content) + "\n").encode()).table.column(place)[10].as_py() == cell


def test_rows_that_were_left_out_keep_their_numbers() -> None:
    content = lines(6)
    content[3] = "1,2"
    stream = Stream("memory", [Content(("\n".join(content) + "\n").encode())])
    (part,) = read_parts(stream)
    assert [stream.place(place) for place in range(part.rows)] == ["1", "2", "4", "5", "6"] and part.findings[0].rows == (3,)


def test_a_quote_within_a_value_is_a_sign_like_others() -> None:
    part = read_csv(b'a,b\n1,5" pipe\n2,x\n')
    assert part.findings == () and part.table["b"][0].as_py() == '5" pipe'
