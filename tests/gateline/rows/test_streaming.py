"""Files in batches: the same rows, names and findings as files read whole."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from gateline.contracts.verdict import Outcome
from gateline.rows import cutting, parquet_batches
from gateline.rows.parts import Finding
from gateline.rows.streaming import Stream, read_parts
from gateline.settings import DataGate
from tests.validation.data.oracle.reading import read_raw
from tests.validation.weather import frame, schema, write
from validation.data.gate import judge


@pytest.fixture(autouse=True)
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let some rows make many batches."""
    monkeypatch.setattr(cutting, "SIZE", 4000)
    monkeypatch.setattr(parquet_batches, "ROWS", 90)


def streamed(url: str) -> tuple[int, list[tuple[str, bool, list[str], tuple[Finding, ...]]]]:
    """Return the rows that were read, and what is known of each file."""
    stream, rows, whole = Stream(url), 0, False
    while not whole:
        rows, whole = 0, True
        for job in stream.jobs(schema()):
            batch = job()
            if not stream.seen(batch):
                whole = False
                break
            rows += batch.rows
    return rows, [(part.name, part.text, part.names(), part.findings) for part in stream.parts]


def whole(url: str) -> tuple[int, list[tuple[str, bool, list[str], tuple[Finding, ...]]]]:
    raw = read_raw(url)
    return raw.rows, [(part.name, part.text, part.names(), part.findings) for part in raw.parts]


def text() -> bytes:
    return frame().to_csv(index=False).encode()


FILES: dict[str, Callable[[], bytes]] = {
    "whole": text,
    "empty": lambda: b"",
    "blank": lambda: b"\n \n\n",
    "a header alone": lambda: text().partition(b"\n")[0] + b"\n",
    "cut": lambda: text()[:-9],
    "an open quote": lambda: text().replace(b",fog,", b',"fog,', 1),
    "two stray quotes": lambda: text().replace(b",fog,", b',"fog,', 1)[::-1].replace(b",gof,", b',"gof,', 1)[::-1],
    "marked": lambda: b"\xef\xbb\xbf" + text(),
    "utf-16": lambda: text().decode().encode("utf-16"),
    "latin": lambda: text().replace(b"fog", b"f\xf6g"),
    "replaced": lambda: text().replace(b"fog", "f\ufffdg".encode()),
    "nul": lambda: text().replace(b"fog", b"f\x00g"),
    "semicolons": lambda: text().replace(b",", b";"),
    "a title above": lambda: b"Weather\n" + text(),
    "ragged": lambda: text().replace(b",fog,", b",fog,,"),
    "another name twice": lambda: text().replace(b"pressure", b"warmth", 1),
    "old line ends": lambda: text().replace(b"\n", b"\r"),
    "gzip": lambda: gzip.compress(text()),
    "gzip cut": lambda: gzip.compress(text())[:-300],
    "gzip damaged": lambda: gzip.compress(text())[:-4] + b"abcd",
    "gzip and more": lambda: gzip.compress(text()) + b"more",
    "a workbook": lambda: b"PK\x03\x04 ... xl/workbook.xml",
    "json": lambda: b'[{"a": 1}]',
    "binary": lambda: bytes(range(32)) * 40,
    "a header that cannot be parsed": lambda: b"a" * 200_000 + b",b\n1,2\n",
}


@pytest.mark.parametrize("name", FILES)
def test_text_is_found_as_it_is_read_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(FILES[name]())
    assert streamed(str(path)) == whole(str(path))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("cut", [0, 4, 500, 20_000])
def test_parquet_is_found_as_it_is_read_whole(tmp_path: Path, packed: bool, cut: int) -> None:
    path = tmp_path / "rows.parquet"
    frame().to_parquet(path)
    data = path.read_bytes()
    data = data[:-cut] if cut else data
    path.write_bytes(gzip.compress(data) if packed else data)
    assert streamed(str(path)) == whole(str(path))


def test_parquet_that_is_damaged_within_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    frame(9000).to_parquet(path, row_group_size=3000)
    data = bytearray(path.read_bytes())
    middle = len(data) * 2 // 3
    data[middle : middle + 4000] = bytes(4000)
    path.write_bytes(data)
    rows, parts = streamed(str(path))
    assert rows == 0 and [finding.rule for finding in parts[0][3]] == ["format"] and "Parquet" in parts[0][3][0].reason


def test_parts_in_folders_and_on_any_filesystem(tmp_path: Path) -> None:
    for night, rows in frame().groupby("night"):
        folder = tmp_path / f"night={night}"
        folder.mkdir()
        rows.drop(columns="night").to_parquet(folder / "part.parquet")
        write(rows.drop(columns="night"), folder / "part.csv")
        with fsspec.open(f"memory://streamed/night={night}/part.parquet", "wb") as stream:
            stream.write((folder / "part.parquet").read_bytes())
    (tmp_path / "night=True" / "broken.csv.gz").write_bytes(gzip.compress(text())[:-300])
    for url in (str(tmp_path), f"{tmp_path}/*/*.csv", "memory://streamed"):
        assert streamed(url) == whole(url)


def test_the_numbers_of_rows_are_those_of_their_files(tmp_path: Path) -> None:
    for name, place in (("a.csv", 710), ("b.csv", 3)):
        data = frame()
        data.loc[[place, 990], "warmth"] = 1e6
        lines = data.to_csv(index=False).splitlines(keepends=True)
        (tmp_path / name).write_text("".join([*lines[:20], "1,2\n", *lines[20:]]))
    gate = DataGate(rules=("range",), required=("range",))
    found = judge(Stream(str(tmp_path)), None, schema(), gate)
    assert found.outcome is Outcome.FAIL
    assert "rows 712 of a.csv, 992 of a.csv, 4 of b.csv, 992 of b.csv;" in found.failed[0].reason


def test_parquet_without_columns_is_judged(tmp_path: Path) -> None:
    parquet.write_table(pa.table({}), tmp_path / "rows.parquet")
    assert [part.names() for part in read_parts(Stream(str(tmp_path / "rows.parquet")))] == [[]]
    verdict = judge(Stream(str(tmp_path / "rows.parquet")), None, schema(), DataGate())
    assert [rule.name for rule in verdict.failed] == ["row_count"]


def test_a_wide_batch_is_bounded_by_its_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_batches, "CELLS", 300)
    parquet.write_table(pa.table({f"c{number}": range(100) for number in range(30)}), tmp_path / "rows.parquet")
    with (tmp_path / "rows.parquet").open("rb") as file:
        tables = [table for table in parquet_batches.parquet_batches(file, None)[1] if isinstance(table, pa.Table)]
    assert [table.num_rows for table in tables] == [10] * 10
