"""Where a rule says that something stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateline.contracts.verdict import Outcome
from gateline.rows.streaming import Stream
from tests.validation.weather import case, frame, one, write
from validation.data.rules.values import ranges


def test_places_are_the_first_five_row_numbers() -> None:
    table = case(frame()).tables[0]
    mask = np.zeros(1000, dtype=bool)
    mask[[0, 4, 9]] = True
    assert table.places(mask) == "1, 5, 10"
    assert table.places(~mask) == "2, 3, 4, 6, 7 and 992 more"


def test_rows_of_several_files_are_counted_within_their_own(tmp_path: Path) -> None:
    for name, place in (("a.csv", 10), ("b.csv", 3)):
        data = frame()
        data.loc[place, "warmth"] = 1e6
        write(data, tmp_path / name)
    found = case(Stream(str(tmp_path)))
    assert "rows 11 of a.csv, 4 of b.csv" in one(ranges(found), Outcome.FAIL).reason
    with pytest.raises(IndexError):
        found.tables[0].raw.place(2000)
