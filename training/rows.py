"""The rows to fit on and the rows to measure on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gateline.contracts.manifest import Objects
from gateline.contracts.schema import Schema
from gateline.rows.reading import read_table
from gateline.settings import Data
from gateline.settings.errors import UsageError
from validation.matrix import features_of, seconds_of, target_of


@dataclass(frozen=True)
class Rows:
    """`features` has shape (n, features), in schema order; `labels` has shape (n,)."""

    features: npt.NDArray[np.object_]
    labels: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Split:
    """Training and test rows. `young` counts the training rows left out because their labels were not final."""

    train: Rows
    test: Rows
    young: int = 0
    period: tuple[str, str] | None = None


def read(data: Data, schema: Schema, which: Mapping[str, str | Objects] | None = None) -> Split:
    """Read training and test rows; leave out training rows whose labels are younger than the label delay.

    `which` says what is read as `train` and as `test` in place of the URLs that `data` names.
    Raises UsageError for data that cannot be read, and where nothing remains.
    """
    which = which or {"train": data.train, "test": data.test}
    frame = read_table(which["train"], schema)
    kept = frame[_mature(frame, data, schema)]
    if kept.empty:
        raise UsageError(
            f"{data.train}: none of {len(frame)} rows has a label older than data.label_delay_hours = "
            f"{data.label_delay_hours:g}",
            "add older rows, or lower the delay",
        )
    test = read_table(which["test"], schema)
    train_rows, test_rows = _rows(kept, schema, data.train), _rows(test, schema, data.test)
    return Split(train_rows, test_rows, len(frame) - len(kept), _period(kept, schema))


def _rows(frame: pd.DataFrame, schema: Schema, url: str) -> Rows:
    return Rows(features_of(frame, schema), target_of(frame, schema, url))


def _mature(frame: pd.DataFrame, data: Data, schema: Schema) -> npt.NDArray[np.bool_]:
    """The newest training row is 'now': a label that was not final by then would not have been known. No time: not known."""
    if not data.label_delay_hours:
        return np.ones(len(frame), dtype=bool)
    if not schema.time or schema.column(schema.time).dtype != "datetime":
        raise UsageError(
            f"data.label_delay_hours is {data.label_delay_hours:g}, but data.time names no datetime column",
            "name the time column under [data], or take the delay away",
        )
    times = seconds_of(frame[schema.time])
    newest = np.nanmax(times) if np.isfinite(times).any() else np.nan
    return np.asarray(times <= newest - data.label_delay_hours * 3600.0)


def _period(frame: pd.DataFrame, schema: Schema) -> tuple[str, str] | None:
    if not schema.time or schema.column(schema.time).dtype != "datetime":
        return None
    times = seconds_of(frame[schema.time])
    if not np.isfinite(times).any():
        return None
    first, last = (datetime.fromtimestamp(float(when), UTC) for when in (np.nanmin(times), np.nanmax(times)))
    return first.isoformat(), last.isoformat()
