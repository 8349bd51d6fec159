"""Estimators built by a function; `pipeline.toml` names one as `model.estimators:logistic`."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from gateline.contracts.schema import Schema
from model.features import standardized


def logistic(schema: Schema, seed: int, **parameters: Any) -> Any:
    """Return a logistic regression on standardized numbers and one-hot categories."""
    return make_pipeline(standardized(schema), LogisticRegression(random_state=seed, max_iter=1000, **parameters))


def ridge(schema: Schema, seed: int, **parameters: Any) -> Any:
    """Return a linear regression with a ridge penalty on standardized numbers and one-hot categories."""
    return make_pipeline(standardized(schema), Ridge(random_state=seed, **parameters))
