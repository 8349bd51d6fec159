"""The example's transformers: strings become codes or columns, numbers stay or are scaled, missing is borne."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from gateline.contracts import schema as schemas
from gateline.contracts.schema import Schema
from model.features import Calendar, Codes, preprocessor, standardized

ROWS = np.array([[1.0, "JFK", 5.0], [3.0, "EWR", np.nan], [5.0, "JFK", 7.0]], dtype=object)


@pytest.fixture
def schema() -> Schema:
    columns = [("hour", "number"), ("origin", "string"), ("seats", "number"), ("late", "integer")]
    return schemas.parse({"columns": [{"name": n, "dtype": d} for n, d in columns], "target": "late"})


def test_strings_become_codes_and_numbers_pass(schema: Schema) -> None:
    made = np.asarray(preprocessor(schema).fit_transform(ROWS), dtype=float)
    assert made[:, 0].tolist() == [1.0, 0.0, 1.0]
    assert made[:, 1].tolist() == [1.0, 3.0, 5.0]
    assert np.isnan(made[1, 2])


def test_a_string_not_seen_in_training_is_minus_one(schema: Schema) -> None:
    fitted = preprocessor(schema).fit(ROWS)
    assert float(fitted.transform(np.array([[1.0, "LGA", 5.0]], dtype=object))[0, 0]) == -1.0


def test_for_linear_models_numbers_are_imputed_and_scaled(schema: Schema) -> None:
    made: Any = standardized(schema).fit_transform(ROWS)
    made = np.asarray(made.todense() if hasattr(made, "todense") else made, dtype=float)
    assert made[:, :2].tolist() == [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    assert np.allclose(made[:, 2:].mean(axis=0), 0.0)
    assert made[1, 3] == pytest.approx(0.0)


def test_for_linear_models_an_unseen_string_has_no_column(schema: Schema) -> None:
    made: Any = standardized(schema).fit(ROWS).transform(np.array([[1.0, "LGA", 5.0]], dtype=object))
    made = np.asarray(made.todense() if hasattr(made, "todense") else made, dtype=float)
    assert made[0, :2].tolist() == [0.0, 0.0]


def test_the_most_frequent_words_have_codes_of_their_own_and_a_request_looks_up_nothing_else() -> None:
    words = ["b"] * 3 + ["a"] * 2 + ["c", None]
    column = np.array([[word] for word in words], dtype=object)
    codes = Codes(most=2).fit(column)
    assert codes.transform(column)[:, 0].tolist() == [1, 1, 1, 0, 0, -1, -1]
    assert codes.transform(np.array([["new"]], dtype=object)).tolist() == [[-1]]
    assert codes.transform(column[:0]).shape == (0, 1)


MOMENTS = ["2013-01-01T06:30:00+00:00", "2024-02-29T23:59:59+00:00", "1969-12-28T12:00:00+00:00"]


def test_of_a_moment_hour_weekday_and_month_are_kept() -> None:
    moments = [datetime.fromisoformat(text) for text in MOMENTS]
    rows = np.array([[moment.timestamp()] for moment in moments] + [[np.nan]], dtype=object)
    made = Calendar().fit(rows).transform(rows)
    assert made[:3, 0].tolist() == pytest.approx([6.5, 23 + 3599 / 3600, 12.0])
    assert made[:3, 1].tolist() == [moment.weekday() for moment in moments]
    assert made[:3, 2].tolist() == [1.0, 2.0, 12.0]
    assert np.isnan(made[3]).all() and Calendar().fit(rows).transform(rows[:0]).shape == (0, 3)


@pytest.mark.parametrize("made", [preprocessor, standardized])
def test_a_later_year_changes_nothing(made: Any) -> None:
    columns = [("when", "datetime"), ("size", "number"), ("late", "integer")]
    schema = schemas.parse({"columns": [{"name": n, "dtype": d} for n, d in columns], "target": "late"})
    days = [datetime(year, 3, day, 8, tzinfo=UTC).timestamp() for year, day in ((2021, 1), (2027, 1), (2021, 2))]
    rows = np.array([[day, 1.0] for day in days], dtype=object)
    first, later, other = np.asarray(made(schema).fit(rows).transform(rows), dtype=float)
    assert first.tolist() == later.tolist() != other.tolist()
