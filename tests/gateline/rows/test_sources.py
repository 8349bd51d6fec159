"""What a file is: its content says so, whatever it is called."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from gateline.rows.reading import read_raw, read_table
from gateline.settings.errors import UsageError
from tests.validation.weather import frame, schema


def packed(name: str = "a") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "b")
    return stream.getvalue()


TEXT = frame(200).to_csv(index=False).encode()


@pytest.mark.parametrize("name", ["rows.parquet.gzip", "rows.csv", "rows"])
def test_parquet_of_any_name_is_parquet(tmp_path: Path, name: str) -> None:
    frame().to_parquet(tmp_path / name, compression="gzip")
    assert len(read_table(str(tmp_path / name), schema())) == 1000


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.gzip", "rows.csv"])
def test_gzip_of_any_name_is_unpacked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(TEXT, mtime=0))
    assert len(read_table(str(tmp_path / name), schema())) == 200


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(TEXT, mtime=0)[:900], "cut or damaged"),
        (gzip.compress(TEXT, mtime=0)[:-3], "cut or damaged"),
        (b"\x1f\x8b", "cut or damaged"),
        (packed(), "ZIP archive"),
        (b"PAR1 and nothing", "not a readable Parquet file"),
        (packed("xl/workbook.xml"), "an Excel workbook"),
        (b"[1, 2]\n", "is JSON"),
        (b'[["a", "b"], [1, 2]]', "is JSON"),
        (b"<?xml version='1.0'?><rows/>", "is XML"),
        (b"@relation iris\n@attribute x numeric\n", "ARFF"),
        (gzip.compress(b"RDX3\nX\n\x00\x00", mtime=0), "R workspace"),
        (b"rows.csv".ljust(257, b"\x00") + b"ustar\x00", "tar archive"),
        (b"\x00" * 12 + b"\xc2\xea\x81\x60" + b"\x00" * 100, "is a binary file"),
        (b"<!DOCTYPE html><html>log in</html>", "HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (bytes(range(1, 256)) * 9, "is a binary file"),
        (TEXT.decode().encode("utf-16"), "UTF-16"),
        (TEXT.decode().encode("utf-16-be"), "NUL bytes"),
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b'"' + TEXT * 20, "field larger"),
    ],
)
def test_what_is_no_data_is_a_finding_and_refused_by_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    findings = read_raw(str(path)).parts[0].findings
    assert any(says in f"{finding.reason} {finding.next_step}" for finding in findings)
    with pytest.raises(UsageError, match="rows.csv") as refused:
        read_table(str(path), schema())
    assert refused.value.next_step


def test_a_broken_part_of_a_folder_is_named(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet.gzip").write_bytes(gzip.compress(b"PAR1")[:-4])
    assert [len(part.findings) for part in read_raw(str(tmp_path)).parts] == [0, 1]
    with pytest.raises(UsageError, match="b.parquet.gzip"):
        read_table(str(tmp_path), schema())


def test_whole_numbers_beyond_64_bits_and_huge_ones_are_wrong_where_they_are(tmp_path: Path) -> None:
    rows = frame()
    rows["gusts"] = pd.array([2**63 if row == 4 else 7 for row in range(1000)], dtype="UInt64")
    rows.loc[9, "warmth"] = 1e300
    rows.to_parquet(tmp_path / "rows.parquet")
    raw = read_raw(str(tmp_path / "rows.parquet"))
    for name, row in (("gusts", "5"), ("warmth", "10")):
        values = raw.typed(schema().column(name))
        assert values is not None and raw.places(values.wrong) == row
    with pytest.raises(UsageError, match="1 of 1000 values of 'warmth' are not of dtype number: rows 10"):
        read_table(str(tmp_path / "rows.parquet"), schema())
