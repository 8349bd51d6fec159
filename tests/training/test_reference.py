"""Reference statistics, against values counted by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gateline.contracts.reference import ColumnCounts, LiveCounts
from gateline.contracts.schema import parse
from gateline.settings import DriftGate
from training.reference import CATEGORIES, FEWEST, reference_of
from validation.drift.gate import judge

SCHEMA = parse({"columns": [{"name": "n", "dtype": "number"}, {"name": "s", "dtype": "string"}]})


def features(numbers: list[float], texts: list[str | None]) -> np.ndarray[tuple[int, int], np.dtype[np.object_]]:
    rows = np.empty((len(numbers), 2), dtype=object)
    rows[:, 0], rows[:, 1] = numbers, texts
    return rows


def test_numbers_fall_into_deciles_and_missing_ones_are_counted_apart() -> None:
    numbers = [float(number) for number in range(100)] + [float("nan")] * 25
    found = reference_of(features(numbers, ["a"] * 125), SCHEMA, np.arange(10.0), {}).columns["n"]
    assert found.missing == 0.2
    np.testing.assert_allclose(found.bins, [10, 20, 30, 40, 50, 59, 69, 79, 89])
    np.testing.assert_allclose(found.shares, [0.1] * 5 + [0.09] + [0.1] * 3 + [0.11])


def test_a_column_of_few_values_has_a_bin_a_value() -> None:
    found = reference_of(features([0.0] * 6 + [1.0] * 4, ["a"] * 10), SCHEMA, np.arange(10.0), {}).columns["n"]
    assert found.bins == (1.0,)
    assert found.shares == (0.6, 0.4)
    assert (found.index(0.0), found.index(1.0), found.index(float("nan"))) == (0, 1, None)


def test_a_column_without_a_value_has_no_bins() -> None:
    found = reference_of(features([float("nan")] * 4, [None] * 4), SCHEMA, np.arange(10.0), {}).columns
    assert (found["n"].bins, found["n"].shares, found["n"].missing) == ((), (0.0,), 1.0)
    assert (found["s"].categories, found["s"].shares, found["s"].missing) == ((), (0.0,), 1.0)


def test_of_a_datetime_only_whether_it_is_there_is_counted() -> None:
    schema = parse({"columns": [{"name": "n", "dtype": "datetime"}, {"name": "s", "dtype": "string"}]})
    moments = [1.7e9 + number for number in range(30)] + [float("nan")] * 10
    found = reference_of(features(moments, ["a"] * 40), schema, np.arange(10.0), {}).columns["n"]
    assert (found.bins, found.shares, found.missing) == ((), (1.0,), 0.25)
    assert (found.index(0.0), found.index(4e9), found.index(float("nan"))) == (0, 0, None)


def test_strings_are_counted_by_value_with_one_bin_for_others() -> None:
    found = reference_of(features([0.0] * 5, ["b", "a", "b", None, "b"]), SCHEMA, np.arange(5.0), {}).columns["s"]
    assert (found.categories, found.shares, found.missing) == (("a", "b"), (0.25, 0.75, 0.0), 0.19999999999999996)
    assert (found.index("b"), found.index("new"), found.index(None)) == (1, 2, None)


def test_of_many_words_the_frequent_ones_have_a_bin_and_the_others_share_one() -> None:
    few: list[str | None] = [f"v{number:03}" for number in range(CATEGORIES)]
    found = reference_of(features([0.0] * len(few), few), SCHEMA, np.arange(9.0), {}).columns["s"]
    assert len(found.categories) == CATEGORIES and found.shares[-1] == 0.0
    texts: list[str | None] = [*few, "one more", *["often"] * FEWEST, *["less"] * (FEWEST - 1)]
    found = reference_of(features([0.0] * len(texts), texts), SCHEMA, np.arange(9.0), {}).columns["s"]
    assert found.categories == ("often",) and found.shares[0] == FEWEST / len(texts)
    assert (found.index("often"), found.index("less"), found.index("new")) == (0, 1, 1)


@pytest.mark.parametrize("words", [120, 300, 1000, 20_000])
def test_equal_rows_of_many_words_do_not_drift(words: int) -> None:
    """20 windows of 2,000 rows for each number of words, drawn as the 7,000 training rows were: no alarm of 80."""
    random = np.random.default_rng(words)

    def drawn(rows: int) -> list[str | None]:
        return [f"w{number}" for number in random.integers(0, words, rows)]

    reference = reference_of(features([0.0] * 7000, drawn(7000)), SCHEMA, np.arange(9.0), {})
    column, alarms = reference.columns["s"], 0
    for _ in range(20):
        counts = Counter(column.index(word) for word in drawn(2000))
        live = ColumnCounts(counts=tuple(counts[place] for place in range(len(column.shares))))
        numbers = ColumnCounts(counts=(0, 2000)[-len(reference.columns["n"].shares) :])
        verdict = judge(LiveCounts(rows=2000, columns={"s": live, "n": numbers}), reference, DriftGate())
        alarms += any(rule.subject == "s" for rule in verdict.failed)
    assert alarms == 0


def test_scores_are_counted_and_labels_kept() -> None:
    found = reference_of(features([0.0] * 2, ["a"] * 2), SCHEMA, np.linspace(0, 1, 11), {"0": 0.2, "1": 0.8})
    assert found.labels == {"0": 0.2, "1": 0.8}
    assert found.scores.edges[0] == 0.1 and len(found.scores.shares) == 10
    assert (found.scores.index(-5.0), found.scores.index(5.0)) == (0, 9)
    assert (found.rows, found.score_rows) == (2, 11)
