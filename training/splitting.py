"""Split one file of rows into train and test: by time where it says when, else by a digest of each row.

python -m training.splitting FILE --target late --into data
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from contracts.infer import infer
from contracts.schema import Column
from settings.errors import front_door

TEST_SHARE = 0.25
BUCKETS = 256


@dataclass(frozen=True)
class Parts:
    """What was written: names below the folder, rows of each, the time column ('' if there is none), the moments that are
    never before it, rows without a label."""

    train: str
    test: str
    train_rows: int
    test_rows: int
    time: str
    later: tuple[str, ...]
    unlabelled: int


def split(source: str, target: str, folder: Path) -> Parts:
    """Write `train` and `test` into a folder, in the form of `source`. Rows without a label are left out.

    By time, the latest quarter is the test. By digest, equal rows come to the same part, so that none leaks.
    Raises UsageError for a file that cannot be read, or has no such column.
    """
    moments = _moments(source, target)
    time = time_column(moments)
    frame = _read(source)
    labelled = frame[~_missing(frame[target])]
    test = _latest(labelled[time]) if time else _picked(labelled)
    suffix = ".parquet" if _is_parquet(source) else ".csv"
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", labelled[~test]), ("test", labelled[test])):
        part = part.sort_values(time, kind="stable") if time else part
        _write(part, folder / f"{name}{suffix}")
    rows = int((~test).sum()), int(test.sum())
    later = tuple(column.name for column in moments if time and _never_before(labelled, column.name, time))
    return Parts(f"train{suffix}", f"test{suffix}", *rows, time, later, len(frame) - len(labelled))


def time_column(moments: Sequence[Column]) -> str:
    """Return the first column that says when in every row, or ''."""
    return next((column.name for column in moments if not column.nullable), "")


def _moments(source: str, target: str) -> list[Column]:
    """Return the columns that say when, the target apart. Raises UsageError for an unreadable file, or one without target."""
    schema, _ = infer(source, target)
    return [column for column in schema.columns if column.dtype == "datetime" and column.name != target]


def _never_before(frame: pd.DataFrame, name: str, time: str) -> bool:
    """What is later than the row's time in some rows, and before it in none, was not known yet at that time."""
    later, times = _times(frame[name]), _times(frame[time])
    return bool((later > times).any() and not (later < times).any())


def _times(values: pd.Series) -> pd.Series[pd.Timestamp]:
    return pd.to_datetime(values.mask(_missing(values)), utc=True, format="ISO8601")


def _read(source: str) -> pd.DataFrame:
    """A CSV's values stay the texts they are: what is written is what was read."""
    if _is_parquet(source):
        return pd.read_parquet(source)
    return pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def _is_parquet(source: str) -> bool:
    return source.lower().endswith((".parquet", ".pq"))


def _missing(values: pd.Series) -> pd.Series:
    return values.isna() | (values.astype(str).str.strip() == "")


def _latest(times: pd.Series) -> pd.Series:
    """The moment that parts them belongs to train, with all of its rows."""
    moments = _times(times)
    last = moments.sort_values(kind="stable").iloc[int((1 - TEST_SHARE) * (len(moments) - 1))]
    return moments > last


def _picked(frame: pd.DataFrame) -> pd.Series:
    texts = frame.astype(str).agg("\x1f".join, axis=1)
    first = texts.map(lambda text: hashlib.sha256(text.encode()).digest()[0])
    return first < TEST_SHARE * BUCKETS


def _write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False) if path.suffix == ".parquet" else frame.to_csv(path, index=False)


def main() -> int:
    """Split, and print what was written as JSON."""
    parser = argparse.ArgumentParser(prog="python -m training.splitting", description=__doc__)
    parser.add_argument("source", metavar="FILE", help="a CSV or Parquet file")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    parser.add_argument("--into", default="data", metavar="FOLDER", help="where train and test are written")
    options = parser.parse_args()
    print(json.dumps(asdict(split(options.source, options.target, Path(options.into)))))
    return 0


if __name__ == "__main__":
    sys.exit(front_door(main))
