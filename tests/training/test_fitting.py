"""Fitting is seeded; what is packed reads back as it was; what cannot be is refused in words."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from settings import Model
from settings.errors import UsageError
from training.fitting import fit, libraries, pack
from training.rows import Rows

ROWS = Rows(np.random.default_rng(0).normal(size=(40, 2)).astype(object), np.arange(40) % 2)


class Restless(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Draws from the global generators, as careless estimators do."""

    def fit(self, features: Any, labels: Any) -> Restless:
        """Remember what was drawn."""
        self.drawn_ = (random.random(), float(np.random.random()))
        return self


def test_estimators_that_draw_from_global_generators_are_seeded() -> None:
    def drawn(seed: int) -> Any:
        return fit(Restless(), ROWS, Model(seed=seed)).drawn_

    assert drawn(1) == drawn(1) != drawn(2)


def test_a_fit_that_fails_names_estimator_rows_and_cause() -> None:
    rows = Rows(np.array([[np.nan, 1.0]] * 40, dtype=object), ROWS.labels)
    with pytest.raises(
        UsageError, match=r"'sklearn.linear_model.X' could not be fitted to 40 rows: ValueError: Input X contains NaN"
    ):
        fit(LogisticRegression(), rows, Model(estimator="sklearn.linear_model.X"))


def test_a_packed_estimator_reads_back_and_scores_alike() -> None:
    fitted = fit(LogisticRegression(), ROWS, Model())
    packed, rows = pack(fitted, "x"), ROWS.features
    assert packed.estimator is not fitted and packed.trusted == ()
    np.testing.assert_array_equal(packed.estimator.predict_proba(rows), fitted.predict_proba(rows))


def test_what_holds_a_lambda_cannot_be_stored() -> None:
    fitted = fit(make_pipeline(FunctionTransformer(lambda x: x), LogisticRegression()), ROWS, Model())
    with pytest.raises(UsageError, match="'x' was fitted but cannot be stored") as raised:
        pack(fitted, "x")
    assert "no lambda" in raised.value.next_step


def test_libraries_of_the_types_in_the_file_are_recorded() -> None:
    assert set(libraries(())) == {"numpy", "scikit-learn", "skops"}
    found = libraries(("pandas.core.frame.DataFrame", "model.features.Custom", "sklearn.x.Y"))
    assert set(found) == {"numpy", "pandas", "scikit-learn", "skops"}
    assert all(version[0].isdigit() for version in found.values())
