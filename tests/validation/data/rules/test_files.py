"""Rules on a file as a whole: form, encoding and header."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.verdict import Outcome
from gateline.rows.streaming import Stream
from gateline.settings import DataGate
from tests.validation.weather import case, frame, one, schema, write
from validation.data.case import DataCase
from validation.data.rules.files import columns, encodings, formats, row_count


@pytest.fixture
def good(tmp_path: Path) -> bytes:
    return write(frame(), tmp_path / "good.csv").read_bytes()


def judged(tmp_path: Path, data: bytes, name: str = "data.csv") -> DataCase:
    path = tmp_path / name
    path.write_bytes(data)
    return case(Stream(str(path)))


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_whole_file_passes(tmp_path: Path, good: bytes, ending: bytes) -> None:
    whole = judged(tmp_path, good.replace(b"\n", ending))
    assert one(formats(whole), Outcome.PASS) and one(encodings(whole), Outcome.PASS)
    assert whole.tables[0].rows == 1000


def test_quoted_commas_and_line_breaks_pass(tmp_path: Path) -> None:
    data = b'a,b\n"1, or more","line\nbreak"\n"say ""so""",2\n'
    whole = judged(tmp_path, data)
    assert one(formats(whole), Outcome.PASS) and whole.tables[0].rows == 2


@pytest.mark.parametrize("cut", [1, 2, 20, 40])
def test_a_cut_last_line_fails(tmp_path: Path, good: bytes, cut: int) -> None:
    entries = formats(judged(tmp_path, good[:-cut]))
    assert {entry.outcome for entry in entries} == {Outcome.FAIL}
    assert any("ends in the middle of a line" in entry.reason for entry in entries)


def test_half_of_a_file_fails(tmp_path: Path, good: bytes) -> None:
    within_a_row = good.index(b"\n", len(good) // 2) - 5
    assert {entry.outcome for entry in formats(judged(tmp_path, good[:within_a_row]))} == {Outcome.FAIL}


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_fails(tmp_path: Path, data: bytes) -> None:
    assert "empty" in one(formats(judged(tmp_path, data)), Outcome.FAIL).reason


@pytest.mark.parametrize("extra", [b",1", b",,,"])
def test_rows_with_too_many_fields_fail_and_are_named(tmp_path: Path, good: bytes, extra: bytes) -> None:
    lines = good.split(b"\n")
    lines[7] += extra
    entry = one(formats(judged(tmp_path, b"\n".join(lines))), Outcome.FAIL)
    assert "1 of 1000" in entry.reason and "rows 7" in entry.reason and entry.observed == 0.001


def test_rows_with_too_few_fields_fail_and_do_not_shift_row_numbers(tmp_path: Path, good: bytes) -> None:
    lines = good.split(b"\n")
    lines[7] = lines[7].rpartition(b",")[0]
    ragged = judged(tmp_path, b"\n".join(lines))
    assert "rows 7" in one(formats(ragged), Outcome.FAIL).reason
    table = ragged.tables[0]
    assert table.rows == 999
    assert table.places(table.columns["reading"].values.to_numpy() == 500) == "500"


def test_a_duplicate_header_fails(tmp_path: Path, good: bytes) -> None:
    entry = one(formats(judged(tmp_path, good.replace(b"pressure", b"warmth", 1))), Outcome.FAIL)
    assert "'warmth'" in entry.reason


def test_an_open_quote_fails(tmp_path: Path, good: bytes) -> None:
    entries = formats(judged(tmp_path, good.replace(b",clear,", b',"clear,', 1)))
    assert any("quote" in entry.reason for entry in entries) and {e.outcome for e in entries} == {Outcome.FAIL}


def test_a_header_that_cannot_be_parsed_fails(tmp_path: Path) -> None:
    assert (
        "not a readable CSV file" in one(formats(judged(tmp_path, b"a" * 200_000 + b",b\n1,2\n")), Outcome.FAIL).reason
    )


@pytest.mark.parametrize("separator", [b";", b"\t"])
def test_another_separator_fails(tmp_path: Path, good: bytes, separator: bytes) -> None:
    entries = formats(judged(tmp_path, good.replace(b",", separator)))
    assert any("separated by" in entry.reason for entry in entries)


@pytest.mark.parametrize("size", [4, 500])
def test_a_cut_parquet_file_fails(tmp_path: Path, size: int) -> None:
    path = tmp_path / "data.parquet"
    frame().to_parquet(path)
    assert "Parquet" in one(formats(judged(tmp_path, path.read_bytes()[:size], "cut.parquet")), Outcome.FAIL).reason


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8-sig", "byte order mark (UTF-8)"),
        ("utf-16", "byte order mark (UTF-16)"),
        ("utf-16-le", "NUL bytes"),
        ("latin-1", "not UTF-8: byte 0xf6"),
    ],
)
def test_another_encoding_fails(tmp_path: Path, good: bytes, encoding: str, said: str) -> None:
    text = good.decode().replace("fog", "schön")
    entry = one(encodings(judged(tmp_path, text.encode(encoding))), Outcome.FAIL)
    assert said in entry.reason and "UTF-8" in entry.next_step


def test_umlauts_in_utf8_pass(tmp_path: Path, good: bytes) -> None:
    assert one(encodings(judged(tmp_path, good.decode().replace("fog", "schön").encode())), Outcome.PASS)


def test_text_that_was_decoded_wrongly_before_fails(tmp_path: Path, good: bytes) -> None:
    assert "U+FFFD" in one(encodings(judged(tmp_path, good.replace(b"fog", "f\ufffdg".encode()))), Outcome.FAIL).reason


def test_a_wrong_encoding_leaves_the_other_columns_readable(tmp_path: Path, good: bytes) -> None:
    assert judged(tmp_path, good.replace(b"fog", b"f\xf6g")).tables[0].rows == 1000


def test_parquet_has_no_text_encoding() -> None:
    assert one(encodings(case(frame())), Outcome.INCONCLUSIVE)


def test_the_faulty_part_of_several_is_named(tmp_path: Path, good: bytes) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / "parts").mkdir(exist_ok=True)
        (tmp_path / "parts" / name).write_bytes(good)
    (tmp_path / "parts" / "b.csv").write_bytes(good[:-30])
    reasons = [entry.reason for entry in formats(case(Stream(str(tmp_path / "parts"))))]
    assert reasons and all("b.csv" in reason for reason in reasons)


def test_the_order_of_columns_does_not_matter() -> None:
    assert one(columns(case(frame()[list(frame().columns[::-1])])), Outcome.PASS)


def test_a_missing_column_fails_with_the_nearest_name() -> None:
    entries = columns(case(frame().rename(columns={"pressure": "presure"})))
    assert any("'pressure'; did you mean 'presure'?" in entry.reason for entry in entries)
    assert {entry.outcome for entry in entries} == {Outcome.FAIL}


def test_an_undeclared_column_fails_unless_allowed() -> None:
    data = frame().assign(note=None)
    entry = one(columns(case(data)), Outcome.FAIL)
    assert "'note'" in entry.reason and "extra_columns" in entry.next_step
    assert one(columns(case(data, declared=schema(extra_columns="allow"))), Outcome.PASS)


def test_a_column_missing_in_one_part_fails(tmp_path: Path) -> None:
    write(frame(), tmp_path / "a.csv")
    write(frame().drop(columns="sky"), tmp_path / "b.csv")
    entry = one(columns(case(Stream(str(tmp_path)))), Outcome.FAIL)
    assert "b.csv" in entry.reason and "'sky'" in entry.reason


def test_without_a_header_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    assert one(columns(case(Stream(str(tmp_path / "empty.csv")))), Outcome.INCONCLUSIVE).required


@pytest.mark.parametrize(("rows", "outcome"), [(0, Outcome.FAIL), (99, Outcome.FAIL), (100, Outcome.PASS)])
def test_the_fewest_rows(rows: int, outcome: Outcome) -> None:
    entry = one(row_count(case(frame(rows))), outcome)
    assert entry.observed == rows and entry.limit == 100


@pytest.mark.parametrize(
    ("rows", "outcome"), [(500, Outcome.FAIL), (699, Outcome.FAIL), (800, Outcome.PASS), (1200, Outcome.PASS)]
)
def test_rows_against_the_data_that_passed_before(rows: int, outcome: Outcome) -> None:
    assert one(row_count(case(frame(rows), earlier={"train": 1000})), outcome).reason


def test_the_allowed_loss_is_a_setting() -> None:
    gate = DataGate(min_row_share=0.4)
    assert one(row_count(case(frame(500), gate=gate, earlier={"train": 1000})), Outcome.PASS)


def test_each_of_train_and_test_needs_its_rows() -> None:
    assert one(row_count(case(frame(), frame(10, part=1))), Outcome.FAIL).subject == "test"
