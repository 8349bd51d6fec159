"""Blocks of text end where rows end, whatever is quoted; and say what is wrong with their encoding."""

from __future__ import annotations

import csv
import io
import random

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv

from gateline.rows.cutting import Decoder, Encoding, blocks, end_of_rows, has_hexadecimal, header_end, looked_at


def cut(data: bytes, size: int) -> list[bytes]:
    return list(blocks(Decoder(io.BytesIO(data), b""), size))


def rows_of(data: bytes, width: int = 3) -> list[tuple[str, ...]]:
    if not data.strip(b"\r\n"):
        return []
    names = [f"f{place}" for place in range(width)]
    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
        arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: "skip"),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )
    return list(zip(*(column.to_pylist() for column in table.columns)))


def written(seed: int) -> bytes:
    chance = random.Random(seed)
    end = chance.choice(["\n", "\r\n"])
    cells = ["a", "", "x y", 'say "so"', "two\nlines", "three\r\n\nlines", "1,5", '"', '""', "é", '5" pipe', 'x"y,"']
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator=end, quoting=chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer.writerows([chance.choice(cells) for _ in range(3)] for _ in range(40))
    text = stream.getvalue()
    if chance.random() < 0.5:  # Signs like others, within values that no quote begins.
        text += f'5" pipe,a"b,c{end}x,"y"z,w"{end}' * 3 + f"last,of,all{end}"
    return text.encode()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_the_rows_of_all_blocks_are_the_rows_of_the_whole(seed: int, size: int) -> None:
    data = written(seed)
    pieces = cut(data, size)
    assert b"".join(pieces) == data
    assert [row for piece in pieces for row in rows_of(piece)] == rows_of(data)
    assert size > 64 or len(pieces) > 2


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"a,b\n1,2\n3", 8),
        (b"a,b", 0),
        (b'a,"b\nc\n', 0),
        (b'1,2\na,"b\nc\n', 4),
        (b'a,"b\nc"\n1,"', 8),
        (b'a,"b""\n"\nx', 9),
        (b'5" pipe\n2\n"x', 10),
        (b"old\rmac\rli", 8),
        (b"a\r", 0),
        (b'"a\n""b"\nc', 8),
    ],
)
def test_a_block_ends_with_a_row(data: bytes, end: int) -> None:
    assert end_of_rows(data) == end


@pytest.mark.parametrize(
    ("data", "end"), [(b"a,b\n1,2\n", 4), (b'\n\n"a\nb",c\r\n1,2\n', 11), (b"a,b", 3), (b"a\rb\r", 2)]
)
def test_the_header_is_the_first_row_that_is_not_empty(data: bytes, end: int) -> None:
    assert header_end(data) == end


@pytest.mark.parametrize(
    ("data", "found"), [(b"1,0x1F\n", True), (b"0X1\n", True), (b"x,X0\nPHX,0\n", False), (b"", False), (b"x0", False)]
)
def test_hexadecimal_numbers_are_seen(data: bytes, found: bool) -> None:
    assert has_hexadecimal(data) is found


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_read_as_utf8(name: str) -> None:
    text = "name,größe\nä,1\n" * 50
    data = text.encode(name)
    decoder = Decoder(io.BytesIO(data[64:]), data[:64])
    assert b"".join(blocks(decoder, 33)).decode() == text


def test_the_place_of_the_first_wrong_byte_is_counted_over_all_blocks() -> None:
    seen = Encoding()
    for piece in (b"ab,c\n" * 3, b"d,\xf6\n\xff\n"):
        seen.add(looked_at(piece)[1])
    assert [finding.reason for finding in seen.findings()] == [
        "is not UTF-8: byte 0xf6 at position 17 (line 4): invalid start byte"
    ]
