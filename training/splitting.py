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
from datetime import UTC, datetime
from pathlib import Path

from contracts.schema import Column
from rows.taking import Taken, take, write
from settings.errors import front_door

TEST_SHARE = 0.25
BUCKETS = 256


@dataclass(frozen=True)
class Parts:
    """What was written: names below the folder, rows of each, the time column ('' if there is none), the moments that are
    never before it, rows without a label, what was converted."""

    train: str
    test: str
    train_rows: int
    test_rows: int
    time: str
    later: tuple[str, ...]
    unlabelled: int
    conversions: tuple[str, ...] = ()


def split(source: str, target: str, folder: Path) -> Parts:
    """Write `train` and `test` into a folder, in the form of `source`. Rows without a label are left out.

    By time, the latest quarter is the test. By digest, equal rows come to the same part, so that none leaks.
    Raises UsageError for a file that cannot be read, or has no such column.
    """
    taken = take(source)
    schema, _ = taken.schema(target)
    moments = [column for column in schema.columns if column.dtype == "datetime" and column.name != target]
    time = time_column(moments)
    labelled = taken.select([place for place, label in enumerate(taken.texts(target)) if label])
    order, test = _by_time(labelled, time) if time else _by_digest(labelled)
    suffix = f".{taken.kind}"
    for name, tested in (("train", False), ("test", True)):
        write(labelled.select([place for place in order if (place in test) is tested]), folder / f"{name}{suffix}")
    later = tuple(column.name for column in moments if time and _never_before(labelled, column.name, time))
    rows = labelled.rows - len(test), len(test)
    said = tuple(map(str, taken.conversions))
    return Parts(f"train{suffix}", f"test{suffix}", *rows, time, later, taken.rows - labelled.rows, said)


def time_column(moments: Sequence[Column]) -> str:
    """Return the first column that says when in every row, or ''."""
    return next((column.name for column in moments if not column.nullable), "")


def _never_before(taken: Taken, name: str, time: str) -> bool:
    """What is later than the row's time in some rows, and before it in none, was not known yet at that time."""
    pairs = [(one, row) for one, row in zip(taken.times(name), taken.times(time)) if one and row]
    return any(one > row for one, row in pairs) and not any(one < row for one, row in pairs)


def _by_time(taken: Taken, time: str) -> tuple[list[int], set[int]]:
    """Return the rows in order, and those of the test. The moment that parts them belongs to train, with all of its rows."""
    moments = [moment or datetime.min.replace(tzinfo=UTC) for moment in taken.times(time)]
    order = sorted(range(taken.rows), key=lambda place: moments[place])
    last = moments[order[int((1 - TEST_SHARE) * (taken.rows - 1))]]
    return order, {place for place in order if moments[place] > last}


def _by_digest(taken: Taken) -> tuple[list[int], set[int]]:
    rows = zip(*(taken.texts(name) for name in taken.columns))
    digests = [hashlib.sha256("\x1f".join(row).encode()).digest()[0] for row in rows]
    return list(range(taken.rows)), {place for place, first in enumerate(digests) if first < TEST_SHARE * BUCKETS}


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
