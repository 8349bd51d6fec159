"""What a file is: its content says so, whatever it is called; and the identity of data files."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from gateline.rows.gathering import gather
from gateline.rows.reading import Whole, read_table
from gateline.rows.sources import data_digest
from gateline.rows.streaming import Stream, read_parts
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
    assert len(read_table(str(tmp_path / name), schema())["rain"]) == 1000


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.gzip", "rows.csv"])
def test_gzip_of_any_name_is_unpacked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(TEXT, mtime=0))
    assert len(read_table(str(tmp_path / name), schema())["rain"]) == 200


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
    findings = read_parts(Stream(str(path)))[0].findings
    assert any(says in f"{finding.reason} {finding.next_step}" for finding in findings)
    with pytest.raises(UsageError, match="rows.csv") as refused:
        read_table(str(path), schema())
    assert refused.value.next_step


def test_a_broken_part_of_a_folder_is_named(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet.gzip").write_bytes(gzip.compress(b"PAR1")[:-4])
    assert [len(part.findings) for part in read_parts(Stream(str(tmp_path)))] == [0, 1]
    with pytest.raises(UsageError, match="b.parquet.gzip"):
        read_table(str(tmp_path), schema())


def test_whole_numbers_beyond_64_bits_and_huge_ones_are_wrong_where_they_are(tmp_path: Path) -> None:
    rows = frame()
    rows["gusts"] = pd.array([2**63 if row == 4 else 7 for row in range(1000)], dtype="UInt64")
    rows.loc[9, "warmth"] = 1e300
    rows.to_parquet(tmp_path / "rows.parquet")
    stream = Stream(str(tmp_path / "rows.parquet"))
    (whole,), _, _ = gather(stream, schema(), lambda: [Whole()])
    for name, row in (("gusts", "5"), ("warmth", "10")):
        wrong = whole.column(schema().column(name)).wrong
        assert wrong is not None and [stream.place(place) for place in wrong.nonzero()[0].tolist()] == [row]
    with pytest.raises(UsageError, match="1 of 1000 values of 'warmth' are not of dtype number: rows 10"):
        read_table(str(tmp_path / "rows.parquet"), schema())


def folder(path: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return str(path)


def test_equal_bytes_are_equal_data_wherever_they_lie(tmp_path: Path) -> None:
    here = folder(tmp_path / "here", {"a.csv": "x\n1\n", "sub/b.csv": "x\n2\n"})
    there = folder(tmp_path / "there", {"sub/b.csv": "x\n2\n", "a.csv": "x\n1\n", "notes.txt": "not data"})
    assert data_digest(here) == data_digest(there) == data_digest(f"file://{there}")
    assert data_digest(f"{here}/a.csv") == data_digest(f"{there}/a.csv")
    single = folder(tmp_path / "single", {"other.csv": "x\n1\n"})
    assert data_digest(f"{single}/other.csv") == data_digest(f"{here}/a.csv")


@pytest.mark.parametrize(
    "files", [{"a.csv": "x\n1\n"}, {"a.csv": "x\n1\n", "b.csv": "x\n3\n"}, {"a.csv": "x\n1\n", "c.csv": "x\n2\n"}]
)
def test_a_changed_missing_or_renamed_part_is_other_data(tmp_path: Path, files: dict[str, str]) -> None:
    before = data_digest(folder(tmp_path / "before", {"a.csv": "x\n1\n", "b.csv": "x\n2\n"}))
    assert data_digest(folder(tmp_path / "after", files)) != before


def test_missing_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such data file"):
        data_digest(str(tmp_path / "none.csv"))


def test_pandas_is_not_needed() -> None:
    code = "import sys, gateline.rows.sources; sys.exit('pandas' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


OPENED = """
import sys
opened = []
sys.addaudithook(lambda name, args: opened.append(args[0]) if name == "open" else None)
from gateline.rows.sources import data_digest
from gateline.rows.streaming import Stream, read_parts
path = sys.argv[1]
digests = {data_digest(path), data_digest(path)}
rows = [part.rows for part in read_parts(Stream(path))]
print(opened.count(path), len(digests), *rows)
"""


@pytest.mark.parametrize(("age", "times"), [(60.0, 1), (-60.0, 3)], ids=["settled", "just written"])
def test_a_file_is_read_once_for_its_digest_and_its_rows(tmp_path: Path, age: float, times: int) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(TEXT)
    os.utime(path, (time.time() - age,) * 2)
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(path)], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.split() == [str(times), "1", "200"], done.stderr


def test_rows_that_were_exchanged_since_their_digest_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    found = []
    for text in ("x\n1\n", "x\n2\n"):
        path.write_text(text)
        os.utime(path, (1e9, 1e9))
        found.append((data_digest(str(path)), read_parts(Stream(str(path)))[0].table["x"].to_pylist()))
    assert found[0][0] != found[1][0] and [rows for _, rows in found] == [["1"], ["2"]]
