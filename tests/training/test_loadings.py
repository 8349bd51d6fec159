"""Rows drawn from an artifact's reference go together as the training rows did, and none of them is copied."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from gateline.contracts import schema as schemas
from gateline.contracts.samples import LikelyRows
from gateline.contracts.reference import Reference
from gateline.registry.loaded import encode
from training.reference import reference_of

SCHEMA = schemas.parse(
    {
        "target": "late",
        "columns": [
            {"name": "first", "dtype": "number", "minimum": -50, "maximum": 150},
            {"name": "second", "dtype": "number", "minimum": -50, "maximum": 150},
            {"name": "words", "dtype": "string", "categories": ["few", "many", "some"]},
            {"name": "count", "dtype": "integer", "minimum": 0, "maximum": 300, "nullable": 0.2},
            {"name": "flag", "dtype": "boolean"},
            {"name": "class", "dtype": "integer", "categories": [0, 1]},
            {"name": "code", "dtype": "string", "pattern": "[A-Z]{3}"},
            {"name": "when", "dtype": "datetime", "minimum": 0, "maximum": 1000},
            {"name": "late", "dtype": "integer"},
        ],
    }
)


def made(count: int) -> list[list[Any]]:
    """Return rows in which all columns but the last follow one size."""
    chance, rows = random.Random(1), []
    for _ in range(count):
        size = chance.uniform(0, 100)
        word = "many" if size > 70 else "some" if size > 30 else "few"
        number = None if chance.random() < 0.1 else round(2 * size)
        pair = [round(size + chance.gauss(0, 0.1), 3) for _ in range(2)]
        rows.append([*pair, word, number, size > 50, int(size > 80), "ABC", "1970-01-01T00:10:00Z"])
    return rows


@pytest.fixture(scope="module")
def rows() -> list[list[Any]]:
    return made(2000)


@pytest.fixture(scope="module")
def reference(rows: list[list[Any]]) -> Reference:
    return reference_of(encode(rows, SCHEMA), SCHEMA, np.linspace(0, 1, 50), {})


@pytest.fixture(scope="module")
def drawn(reference: Reference) -> list[list[Any]]:
    source = LikelyRows(SCHEMA, Reference.model_validate_json(reference.model_dump_json()), random.Random(5))
    return [source.row() for _ in range(2000)]


def test_columns_that_move_together_are_drawn_together(drawn: list[list[Any]]) -> None:
    first, second = (np.array([row[place] for row in drawn]) for place in (0, 1))
    assert np.corrcoef(first, second)[0, 1] > 0.995
    apart = np.abs(first - second)
    assert np.quantile(apart, 0.99) < 6, "drawn evenly from the range they would be 140 apart"


def test_words_flags_and_counts_follow(drawn: list[list[Any]]) -> None:
    large, small = ([row for row in drawn if (row[0] > 75) is side and not 25 < row[0] < 75] for side in (True, False))
    assert np.mean([row[2] == "many" for row in large]) > 0.6 > 0.1 > np.mean([row[2] == "many" for row in small])
    assert np.mean([row[4] for row in large]) > 0.8 > 0.2 > np.mean([row[4] for row in small])
    counts = [[row[3] for row in side if row[3] is not None] for side in (large, small)]
    assert np.mean(counts[0]) > 140 and np.mean(counts[1]) < 60


def test_each_column_keeps_its_shares(rows: list[list[Any]], drawn: list[list[Any]]) -> None:
    for place, value in ((2, "some"), (2, "few"), (4, True), (5, 1), (3, None)):
        shares = [np.mean([row[place] == value for row in some]) for some in (rows, drawn)]
        assert shares[1] == pytest.approx(shares[0], abs=0.04), (place, value)
    assert np.quantile([row[0] for row in drawn], [0.1, 0.5, 0.9]) == pytest.approx([10, 50, 90], abs=4)


def test_every_row_is_one_that_the_schema_allows_and_none_is_copied(
    rows: list[list[Any]], drawn: list[list[Any]]
) -> None:
    for row in drawn:
        assert -50 <= row[0] <= 150 and isinstance(row[4], bool) and row[5] in (0, 1) and row[6] == "ABC"
        assert row[3] is None or isinstance(row[3], int) and 0 <= row[3] <= 300
        assert "1970-01-01T00:00:00Z" <= row[7] <= "1970-01-01T00:16:40Z"
    encode(drawn, SCHEMA)
    assert not set(map(json.dumps, rows)) & set(map(json.dumps, drawn))


def test_equal_seeds_draw_equal_rows(reference: Reference) -> None:
    one, other = (LikelyRows(SCHEMA, reference, random.Random(7)) for _ in range(2))
    assert [one.row() for _ in range(20)] == [other.row() for _ in range(20)]


def test_loadings_are_few_short_and_of_no_sign_of_their_own(reference: Reference) -> None:
    loadings = np.array([known.loadings for known in reference.columns.values()])
    assert loadings.shape == (8, 8) and (np.linalg.norm(loadings, axis=1) <= 1 + 1e-5).all()
    assert (loadings.sum(axis=0) >= 0).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_rows_are_no_error(count: int) -> None:
    few = reference_of(encode(made(count), SCHEMA), SCHEMA, np.linspace(0, 1, 5), {})
    source = LikelyRows(SCHEMA, few, random.Random(0))
    encode([source.row() for _ in range(50)], SCHEMA)


def test_a_reference_from_before_draws_each_column_by_itself(reference: Reference) -> None:
    old = {name: known.model_copy(update={"loadings": (), "order": ()}) for name, known in reference.columns.items()}
    del old["flag"]
    source = LikelyRows(SCHEMA, reference.model_copy(update={"columns": old}), random.Random(0))
    drawn = [source.row() for _ in range(500)]
    assert abs(np.corrcoef([row[0] for row in drawn], [row[1] for row in drawn])[0, 1]) < 0.2
    assert {row[4] for row in drawn} == {True, False}
