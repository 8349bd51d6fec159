"""One file becomes train and test, and no row stands in both."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from settings.errors import UsageError
from training.splitting import split

ROWS = [
    {"id": f"{i:03d}", "when": f"2026-01-{1 + i % 28:02d}", "size": i % 50, "late": ["no", "yes", ""][i % 3]}
    for i in range(600)
]


def written(folder: Path, rows: list[dict[str, object]], name: str = "rows.csv") -> str:
    """Write rows as CSV; return the path."""
    with (folder / name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(folder / name)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_latest_quarter_is_the_test_and_no_moment_is_in_both(tmp_path: Path) -> None:
    parts = split(written(tmp_path, ROWS), "late", tmp_path / "data")
    train, test = read(tmp_path / "data/train.csv"), read(tmp_path / "data/test.csv")
    assert (parts.time, parts.unlabelled) == ("when", 200) and (parts.train_rows, parts.test_rows) == (
        len(train),
        len(test),
    )
    assert len(train) + len(test) == 400 and 0.1 < len(test) / 400 < 0.3
    assert max(row["when"] for row in train) < min(row["when"] for row in test)
    assert {row["late"] for row in train + test} == {"yes", "no"}
    assert all(len(row["id"]) == 3 for row in train), "what is written is what was read"


def test_without_a_time_equal_rows_come_to_the_same_part(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"size": i % 100, "late": i % 100 % 2} for i in range(1000)]
    parts = split(written(tmp_path, rows), "late", tmp_path / "data")
    train, test = ({tuple(row.values()) for row in read(tmp_path / f"data/{name}.csv")} for name in ("train", "test"))
    assert not parts.time and not train & test and len(train | test) == 100
    assert 0.1 < parts.test_rows / 1000 < 0.4


def test_parquet_stays_parquet(tmp_path: Path) -> None:
    pd.DataFrame({"size": range(400), "late": [i % 2 for i in range(400)]}).to_parquet(tmp_path / "rows.parquet")
    parts = split(str(tmp_path / "rows.parquet"), "late", tmp_path)
    assert (parts.train, parts.test) == ("train.parquet", "test.parquet")
    assert len(pd.read_parquet(tmp_path / "train.parquet")) == parts.train_rows


def test_an_unknown_target_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no column 'lte'; did you mean 'late'"):
        split(written(tmp_path, ROWS), "lte", tmp_path / "data")


def test_a_time_with_gaps_is_none(tmp_path: Path) -> None:
    gaps: list[dict[str, object]] = [dict(row, when="" if row["size"] == 3 else row["when"]) for row in ROWS]
    assert split(written(tmp_path, gaps), "late", tmp_path / "data").time == ""


def test_a_moment_that_is_never_before_the_time_is_named(tmp_path: Path) -> None:
    def days(row: dict[str, object], more: int) -> str:
        return str(pd.Timestamp(str(row["when"])) + pd.Timedelta(days=more))

    rows: list[dict[str, object]] = [
        dict(
            row,
            closed=days(row, place % 3) if place % 5 else "",
            seen=days(row, place % 3 - 1),
            same=row["when"],
            opened=days(row, -3),
        )
        for place, row in enumerate(ROWS)
    ]
    assert split(written(tmp_path, rows), "late", tmp_path / "data").later == ("closed",)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "the file is empty"), (b"\x00\x01\x02" * 99, "is a binary file"), (b"late\n", "no row")],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(UsageError, match=says):
        split(str(tmp_path / "rows.csv"), "late", tmp_path / "data")
