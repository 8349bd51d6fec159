"""What one column, or a few of them together, tell of the target."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.metrics import roc_auc_score

from validation.telling import combination, own_auc, told


@pytest.fixture
def rng() -> np.random.Generator:
    """Its own for every test: what one draws must not depend on which tests ran before it."""
    return np.random.default_rng(11)


def test_its_own_auc_is_the_known_one_ties_and_direction_included(rng: np.random.Generator) -> None:
    column, positive = rng.integers(0, 9, 400).astype(np.float64), rng.random(400) < 0.3
    known = float(roc_auc_score(positive, column))
    assert own_auc(column, positive) == pytest.approx(max(known, 1 - known))
    assert own_auc(-column, positive) == pytest.approx(own_auc(column, positive))
    assert own_auc(positive.astype(np.float64), positive) == 1.0 and own_auc(np.zeros(400), positive) == 0.5


def test_intervals_tell_what_is_sorted_or_is_between(rng: np.random.Generator) -> None:
    classes = np.repeat([2, 0, 1], 40)
    assert told(np.arange(120.0), classes, 3) == 1.0 == told(-np.arange(120.0), classes, 3)
    column = rng.normal(size=1000)
    between = (np.abs(column) < 0.5).astype(np.intp)
    assert told(column, between, 2) == 1.0
    assert told(np.round(column * 0.6), between, 2) < 0.9  # borders lie between values, never within equal ones
    assert told(column, (rng.random(1000) < 0.3).astype(np.intp), 2) < 0.1
    assert told(column, np.zeros(1000, dtype=np.intp), 2) == 0.0


@pytest.mark.parametrize(
    ("load", "most"), [(load_iris, 0.95), (load_wine, 0.75), (load_breast_cancer, 0.82), (load_digits, 0.25)]
)
def test_no_column_of_the_tables_everybody_knows_gives_its_classes_away(load: object, most: float) -> None:
    x, y = load(return_X_y=True)  # type: ignore[operator]
    assert max(told(column, y.astype(np.intp), int(y.max()) + 1) for column in x.T) < most


def test_a_few_columns_that_add_up_or_multiply_to_the_target_are_found(rng: np.random.Generator) -> None:
    x = np.hstack([rng.normal(size=(500, 3)), np.exp(rng.normal(size=(500, 3)))])
    assert combination(x, x[:, 0] + 2 * x[:, 1] - 7) == ((0, 1), "sum")
    assert combination(x, x[:, 0] - x[:, 4] + x[:, 5]) == ((0, 4, 5), "sum")
    assert combination(x, x[:, 3] * x[:, 4]) == ((3, 4), "product")
    assert combination(x, x[:, 3] / x[:, 5]) == ((3, 5), "product")
    parts = rng.integers(0, 40, (500, 5)).astype(np.float64)
    assert combination(np.column_stack([x, parts]), parts.sum(axis=1)) == ((6, 7, 8, 9, 10), "sum")
    gaps = np.where(rng.random(500) < 0.1, np.nan, x[:, 0])
    assert combination(np.column_stack([gaps, x[:, 1:]]), x[:, 0] + x[:, 1]) == ((0, 1), "sum")


def test_a_column_in_the_order_of_the_target_is_found(rng: np.random.Generator) -> None:
    x, income = rng.normal(size=(500, 4)), np.exp(rng.normal(size=500))
    for known in (rankdata(-income), np.log(income), income.round(2)):
        assert combination(np.column_stack([x[:, :2], known, x[:, 2:]]), income.round(2)) == ((2,), "order")
    assert combination(np.column_stack([x, np.log(income) + rng.normal(0, 0.1, 500)]), income) is None


def test_a_product_is_found_rounded_with_a_discount_with_signs_and_with_nothing_sold(rng: np.random.Generator) -> None:
    price, number, share, other = rng.uniform(1, 9, (4, 500))
    x = np.column_stack([price, number, share / 10, other])
    assert combination(x, np.round(price * number * share)) == ((0, 1, 2), "product")
    assert combination(x, np.round(price * number * (1 - share / 10), 2)) == ((0, 1, 2), "product")
    assert combination(np.column_stack([price - 5, number]), (price - 5) * number) == ((0, 1), "product")
    percent, sold = 5 * np.round(share), np.where(other > 7, 0, number)
    assert combination(np.column_stack([price, sold, percent]), price * sold * (1 + percent / 100)) == ((0, 1, 2), "product")
    assert combination(x, np.where(other > 7, price * number, 0)) is None, "whether it is 0, no factor says"
    assert combination(x, price * number * np.exp(rng.normal(0, 0.05, 500))) is None


def test_what_explains_the_target_well_is_no_identity(rng: np.random.Generator) -> None:
    x = rng.normal(size=(500, 4))
    assert combination(x, x[:, 0] + x[:, 1] + rng.normal(0, 0.05, 500)) is None
    assert combination(x[:6], x[:6, 0] + x[:6, 1]) is None  # as many numbers fitted as there are rows fit anything
    assert combination(x[:, :0], x[:, 0]) is None
