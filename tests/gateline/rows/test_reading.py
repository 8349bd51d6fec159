"""Reading files typed by the schema, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import fsspec
import numpy as np
import pytest

from gateline.contracts.schema import Schema, parse
from gateline.rows import cutting, parquet_batches
from gateline.rows.cells import moment
from gateline.rows.reading import read_raw, read_table
from gateline.rows.streaming import read_parts
from gateline.settings.errors import UsageError
from tests.validation.weather import frame, schema, write

MIXED = parse(
    {
        "columns": [
            {"name": "word", "dtype": "string", "nullable": 1},
            {"name": "count", "dtype": "integer", "nullable": 1},
            {"name": "flag", "dtype": "boolean", "nullable": 1},
            {"name": "when", "dtype": "datetime", "nullable": 1},
            {"name": "size", "dtype": "number", "nullable": 1},
        ]
    }
)
TEXT = """size,word,count,flag,when
1.5,NA,7,true,2024-02-03
,,,,
NaN,"a, b",8.0,False,2024-02-03T04:05:06+02:00
-2e3,ü,9007199254740993,1,2024-02-03 04:05:06.5
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_values_are_typed_by_the_schema(mixed: Path) -> None:
    table = read_table(str(mixed), MIXED)
    assert list(table) == ["word", "count", "flag", "when", "size"]
    assert [str(cells.values.dtype) for cells in table.values()][1:] == ["int64", "int64", "int64", "float64"]
    assert table["word"].objects.tolist() == ["NA", None, "a, b", "ü"]
    missing = table["count"].missing
    assert missing is not None and missing.tolist() == [False, True, False, False]
    assert table["count"].known.tolist() == [7, 8, 9007199254740993]
    assert table["flag"].known.tolist() == [1, 0, 1] and np.isnan(table["flag"].floats[1])
    assert np.isnan(table["size"].floats).tolist() == [False, True, True, False] and table["size"].floats[3] == -2000.0
    assert [str(moment(micros)) for micros in table["when"].known.tolist()] == [
        "2024-02-03 00:00:00+00:00",
        "2024-02-03 02:05:06+00:00",
        "2024-02-03 04:05:06.500000+00:00",
    ]


def test_parquet_and_csv_read_the_same(tmp_path: Path) -> None:
    rows = frame()
    rows.to_parquet(tmp_path / "rows.parquet")
    write(rows, tmp_path / "rows.csv")
    typed, text = (read_table(str(tmp_path / f"rows.{kind}"), schema()) for kind in ("parquet", "csv"))
    for column in schema().columns:
        ones, others = (table[column.name] for table in (typed, text))
        assert (ones.unknown is None) == (others.unknown is None) or not np.any(ones.unknown) and not np.any(others.unknown)
        if column.dtype == "string":
            assert ones.objects.tolist() == others.objects.tolist()
        else:
            np.testing.assert_array_equal(ones.floats, others.floats)
    assert {type(value) for value in typed["sky"].objects} == {str, type(None)}


def test_parquet_of_other_widths_categories_and_decimals(tmp_path: Path) -> None:
    rows = frame().astype({"sky": "category", "gusts": "Int16", "rain": "int8", "pressure": "float32"})
    rows["taken"] = rows["taken"].dt.tz_localize(None)
    rows.to_parquet(tmp_path / "rows.parquet")
    table = read_table(str(tmp_path / "rows.parquet"), schema())
    sky = [value for value in table["sky"].objects.tolist() if value is not None]
    assert sky == frame()["sky"].dropna().tolist() and len(sky) < 980
    np.testing.assert_array_equal(table["gusts"].floats, frame()["gusts"].to_numpy("float64", na_value=np.nan))
    assert table["taken"].floats.tolist() == [when.timestamp() for when in frame()["taken"]]


def test_columns_of_many_batches_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SIZE", 3000)
    monkeypatch.setattr(parquet_batches, "ROWS", 70)
    rows = frame()
    write(rows, tmp_path / "a.csv")
    rows.to_parquet(tmp_path / "b.parquet")
    table = read_table(str(tmp_path), schema())
    for name in ("serial", "sky"):
        words = rows[name].astype(object).where(rows[name].notna(), None).tolist()
        assert table[name].objects.tolist() == words * 2
    assert table["reading"].values.tolist() == rows["reading"].tolist() * 2
    kept = table["sky"].kept(np.arange(2000) % 2 == 0)
    assert kept.objects.tolist() == table["sky"].objects.tolist()[::2]


def test_a_folder_a_glob_and_gzip_are_read_in_order_of_names(tmp_path: Path) -> None:
    rows = frame()
    write(rows[600:], tmp_path / "b.csv")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(rows[:600].to_csv(index=False).encode()))
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".hidden.csv").write_text("no,data\n")
    assert read_table(str(tmp_path), schema())["reading"].values.tolist() == rows["reading"].tolist()
    assert len(read_table(f"{tmp_path}/b*.csv", schema())["rain"]) == 400


def test_folders_named_by_a_column_fill_it(tmp_path: Path) -> None:
    for night, rows in frame().groupby("night"):
        folder = tmp_path / f"night={night}"
        folder.mkdir()
        rows.drop(columns="night").to_parquet(folder / "part.parquet")
    assert read_table(str(tmp_path), schema())["night"].values.sum() == frame()["night"].sum()


def test_files_are_read_from_any_filesystem() -> None:
    with fsspec.open("memory://weather/rows.csv", "wb") as stream:
        stream.write(frame().to_csv(index=False).encode())
    assert len(read_table("memory://weather/rows.csv", schema())["rain"]) == 1000


def test_columns_beyond_the_schema_are_left_out(tmp_path: Path) -> None:
    path = write(frame().assign(more=1)[["more", *frame().columns[::-1]]], tmp_path / "rows.csv")
    assert list(read_table(str(path), schema())) == [column.name for column in schema().columns]


def refusal(path: Path | str, declared: Schema | None = None) -> UsageError:
    with pytest.raises(UsageError) as raised:
        read_table(str(path), declared or schema())
    assert raised.value.exit_code == 2 and raised.value.next_step and str(path) in raised.value.message
    return raised.value


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such data file" in refusal(tmp_path / "none.csv").message
    assert "no such data file" in refusal(tmp_path).message


def test_an_unknown_filesystem_is_refused() -> None:
    assert "nonsense" in refusal("nonsense://a/b.csv").message


@pytest.mark.parametrize("content", ["", "\n", ",".join(frame().columns) + "\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.csv").write_text(content)
    assert "empty" in refusal(tmp_path / "rows.csv").message or "no rows" in refusal(tmp_path / "rows.csv").message


def test_a_wrong_target_name_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    path = write(frame().rename(columns={"rain": "raim"}), tmp_path / "rows.csv")
    assert "no column 'rain'; did you mean 'raim'?" in refusal(path).message


def test_values_of_another_dtype_are_refused_unshown(tmp_path: Path) -> None:
    path = write(frame().assign(pressure="secret"), tmp_path / "rows.csv")
    message = refusal(path).message
    assert "1000 of 1000 values of 'pressure' are not of dtype number" in message and "secret" not in message


def test_a_file_of_broken_form_is_refused(tmp_path: Path) -> None:
    path = write(frame(), tmp_path / "rows.csv")
    path.write_bytes(path.read_bytes()[:-20])
    assert "fields differs" in refusal(path).message
    assert len(read_parts(read_raw(str(path)))[0].findings) == 2
