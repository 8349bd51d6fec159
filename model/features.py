"""From a row in schema order to numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from gateline.contracts.schema import Dtype, Schema

MOST_CODES = 250
"""Gradient boosting keeps at most 255 values of a column apart."""
PARTS = ("hour", "weekday", "month")
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


class Codes(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Number the most frequent words of each column, in their order; a rarer, a new and a missing one are -1.

    One look-up a value: an encoder that goes through all the words it ever saw takes tens of milliseconds a request where a
    column has thousands.
    """

    def __init__(self, most: int = MOST_CODES) -> None:
        """Keep at most this many words of a column."""
        self.most = most

    def fit(self, X: npt.NDArray[np.object_], y: Any = None) -> Codes:
        """Learn the words of an array of shape (n, columns)."""
        counted = [Counter(word for word in column if word is not None) for column in X.T]
        frequent = [sorted(word for word, _ in counter.most_common(self.most)) for counter in counted]
        self.n_features_in_ = X.shape[1]
        self.codes_ = [{word: code for code, word in enumerate(words)} for words in frequent]
        return self

    def transform(self, X: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
        """Return the numbers, of the same shape."""
        coded = [[codes.get(word, -1) for word in column] for codes, column in zip(self.codes_, X.T, strict=True)]
        return np.array(coded, dtype=np.float64).reshape(len(coded), len(X)).T


class Calendar(TransformerMixin, BaseEstimator):
    """Hour (with fractions), weekday (Monday is 0) and month of moments in UTC; of a missing one, all are NaN.

    The moment itself is left out: every row to come is later than all that were learned from.
    """

    def fit(self, X: npt.NDArray[np.object_], y: Any = None) -> Calendar:
        """Learn nothing."""
        return self

    def transform(self, X: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
        """Return the parts of POSIX seconds of shape (n, columns): shape (n, 3 * columns)."""
        seconds = np.asarray(X, dtype=np.float64)
        known = ~np.isnan(seconds)
        moments = np.where(known, seconds, 0.0).astype("datetime64[s]")
        days, months = moments.astype("datetime64[D]"), moments.astype("datetime64[M]")
        hours = (moments - days) / np.timedelta64(1, "h")
        parts = (hours, (days.astype(int) + EPOCH_WEEKDAY) % 7, months.astype(int) % 12 + 1)
        return np.hstack([np.where(known, part, np.nan) for part in parts])

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return a name for each part of each column, in the order of the parts."""
        return np.array([f"{name}: {part}" for part in PARTS for name in input_features], dtype=object)


def preprocessor(schema: Schema) -> Any:
    """Return what stands in front of an estimator named by its class: strings become codes, datetimes hour, weekday and
    month, numbers pass (NaN is missing)."""
    words, moments = _of(schema, "string"), _of(schema, "datetime")
    calendar = [(Calendar(), moments)] if moments else []
    return make_column_transformer((Codes(), words), *calendar, remainder="passthrough")


def standardized(schema: Schema) -> Any:
    """Return a transformer for linear models: one column a category; numbers and what datetimes say imputed and scaled."""
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    words, moments = _of(schema, "string"), _of(schema, "datetime")
    calendar = [(make_pipeline(Calendar(), clone(numbers)), moments)] if moments else []
    return make_column_transformer((OneHotEncoder(handle_unknown="ignore"), words), *calendar, remainder=numbers)


def _of(schema: Schema, dtype: Dtype) -> list[int]:
    return [index for index, column in enumerate(schema.features) if column.dtype == dtype]
