"""Fitting is seeded; what is packed reads back as it was; what cannot be is refused in words."""

from __future__ import annotations

import random
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from gateline.contracts.schema import parse
from gateline.settings import Model
from gateline.settings.errors import UsageError
from training.fitting import fit, libraries, pack
from training.rows import Rows

ROWS = Rows(np.random.default_rng(0).normal(size=(40, 2)).astype(object), np.arange(40) % 2)

SCHEMA = parse(
    {
        "columns": [{"name": "a", "dtype": "number"}, {"name": "b", "dtype": "number"}, {"name": "y", "dtype": "string"}],
        "target": "y",
    }
)


class Numbered(HistGradientBoostingClassifier):  # type: ignore[misc]
    """As XGBoost does: refuses classes that are not numbered from 0."""

    def fit(self, features: Any, labels: Any, sample_weight: Any = None) -> Any:
        """Fit, if the classes are numbered."""
        found = np.unique(labels).tolist()
        if found != list(range(len(found))):
            raise ValueError(f"Invalid classes inferred from unique values of `y`. Expected: 0 to k - 1, got {found}")
        return super().fit(features, labels, sample_weight)


class Restless(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Draws from the global generators, as careless estimators do."""

    def fit(self, features: Any, labels: Any) -> Restless:
        """Remember what was drawn."""
        self.drawn_ = (random.random(), float(np.random.random()))
        return self


def test_estimators_that_draw_from_global_generators_are_seeded() -> None:
    def drawn(seed: int) -> Any:
        return fit(Restless(), ROWS, Model(seed=seed), SCHEMA).drawn_

    assert drawn(1) == drawn(1) != drawn(2)


def test_a_fit_that_fails_names_estimator_rows_and_cause() -> None:
    rows = Rows(np.array([[np.nan, 1.0]] * 40, dtype=object), ROWS.labels)
    with pytest.raises(
        UsageError, match=r"'sklearn.linear_model.X' could not be fitted to 40 rows: ValueError: Input X contains NaN"
    ):
        fit(LogisticRegression(), rows, Model(estimator="sklearn.linear_model.X"), SCHEMA)


def test_a_packed_estimator_reads_back_and_scores_alike() -> None:
    fitted = fit(LogisticRegression(), ROWS, Model(), SCHEMA)
    packed, rows = pack(fitted, "x"), ROWS.features
    assert packed.estimator is not fitted and packed.trusted == ()
    np.testing.assert_array_equal(packed.estimator.predict_proba(rows), fitted.predict_proba(rows))


def test_what_holds_a_lambda_cannot_be_stored() -> None:
    fitted = fit(make_pipeline(FunctionTransformer(lambda x: x), LogisticRegression()), ROWS, Model(), SCHEMA)
    with pytest.raises(UsageError, match="'x' was fitted but cannot be stored") as raised:
        pack(fitted, "x")
    assert "no lambda" in raised.value.next_step


def test_libraries_of_the_types_in_the_file_are_recorded() -> None:
    assert set(libraries(())) == {"numpy", "scikit-learn", "skops"}
    found = libraries(("pandas.core.frame.DataFrame", "model.features.Custom", "sklearn.x.Y"))
    assert set(found) == {"numpy", "pandas", "scikit-learn", "skops"}
    assert all(version[0].isdigit() for version in found.values())


@pytest.mark.parametrize(
    "labels",
    [["no", "yes"], [1, 2], [-1, 1], [2.0, 5.0], ["low", "mid", "top"], [10, 20, 30]],
)
def test_an_estimator_that_wants_numbered_classes_gets_them_in_the_order_of_the_labels(labels: list[Any]) -> None:
    chosen = np.arange(60) % len(labels)
    dtype = object if isinstance(labels[0], str) else None
    rows = Rows(np.stack([chosen, chosen]).T.astype(object), np.array(labels, dtype=dtype)[chosen])
    fitted = fit(Numbered(min_samples_leaf=2, max_iter=3), rows, Model(), SCHEMA, tuple(labels))
    assert fitted.classes_.tolist() == list(range(len(labels)))
    assert (fitted.predict_proba(rows.features).argmax(axis=1) == chosen).all()


def test_what_fails_either_way_is_told_as_it_was_with_the_labels() -> None:
    rows = Rows(ROWS.features, np.array(["no", "yes"], dtype=object)[np.arange(40) % 2])
    with pytest.raises(UsageError, match="ValueError: Invalid classes inferred"):
        fit(Numbered(max_iter=-1), rows, Model(), SCHEMA, ("no", "yes"))


def test_numbers_that_are_no_classes_are_not_numbered() -> None:
    with pytest.raises(UsageError, match="Invalid classes inferred"):
        fit(Numbered(), Rows(ROWS.features, np.array([2.0, 5.0])[np.arange(40) % 2]), Model(), SCHEMA)


class Silent(Restless):
    """Its fit returns what the library under it left, as some do, or nothing; and it holds what cannot be copied."""

    def __init__(self, left: Any = None) -> None:
        self.left, self.lock = left, threading.Lock()

    def fit(self, features: Any, labels: Any) -> Any:
        """Return no estimator."""
        super().fit(features, labels)
        return self.left

    def predict(self, features: Any) -> Any:
        """Return the first class."""
        return np.zeros(len(features))


@pytest.mark.parametrize("left", [None, {"loss": [0.5]}])
@pytest.mark.parametrize("labels", [ROWS.labels, ROWS.labels + 1])
def test_the_estimator_is_what_was_fitted_no_matter_what_its_fit_returns(left: Any, labels: Any) -> None:
    estimator = Silent(left)
    assert fit(estimator, Rows(ROWS.features, labels), Model(), SCHEMA, (0, 1)) is estimator


def test_an_estimator_that_can_neither_be_copied_nor_fitted_is_named() -> None:
    class Failing(Silent):
        def fit(self, features: Any, labels: Any) -> Any:
            raise KeyError("plan")

    with pytest.raises(UsageError, match="could not be fitted to 40 rows: KeyError: 'plan'"):
        fit(Failing(), Rows(ROWS.features, ROWS.labels + 1), Model(), SCHEMA, (1, 2))


class Careless(LogisticRegression):  # type: ignore[misc]
    """As XGBoost does: takes any parameter, and says of those it does not know that they are not used."""

    def fit(self, features: Any, labels: Any, sample_weight: Any = None) -> Any:
        """Fit, with two warnings."""
        warnings.warn("few rows", UserWarning, stacklevel=1)
        if self.C == 2.0:
            if isinstance(labels[0], str):
                raise ValueError("Invalid classes inferred")
            warnings.warn('[00:45:02] WARNING: x.cc:\nParameters: { "max_dept" } are not used.', UserWarning, stacklevel=1)
        return super().fit(features, labels)


@pytest.mark.parametrize("classes", [(0, 1), ("no", "yes")])
def test_a_parameter_that_an_estimator_ignores_is_refused(classes: tuple[Any, Any]) -> None:
    rows = Rows(ROWS.features, np.array(classes, dtype=object if classes[0] else None)[ROWS.labels])
    model = Model(estimator="xgboost.X")
    with pytest.warns(UserWarning, match="few rows"):
        fit(Careless(), rows, model, SCHEMA, classes)
    with pytest.warns(UserWarning, match="few rows"), pytest.raises(UsageError, match='has no "max_dept", and would ignore'):
        fit(Careless(C=2.0), rows, model, SCHEMA, classes)
