"""From a row in schema order to numbers."""

from __future__ import annotations

from typing import Any

from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from contracts.schema import Schema


def preprocessor(schema: Schema) -> Any:
    """Return what stands in front of an estimator named by its class: strings become codes, numbers pass (NaN is missing)."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_column_transformer((codes, _strings(schema)), remainder="passthrough")


def standardized(schema: Schema) -> Any:
    """Return a transformer for linear models: one column a category, numbers imputed and scaled."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_column_transformer((OneHotEncoder(handle_unknown="ignore"), _strings(schema)), remainder=numbers)


def _strings(schema: Schema) -> list[int]:
    return [index for index, column in enumerate(schema.features) if column.dtype == "string"]
