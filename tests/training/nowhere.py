"""An estimator that answers nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from contracts.schema import Schema


class Nowhere(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts NaN for every row."""

    def fit(self, features: Any, labels: Any) -> Nowhere:
        """Learn nothing."""
        self.fitted_ = True
        return self

    def predict(self, features: Any) -> Any:
        """Return NaN, shape (n,)."""
        return np.full(len(features), np.nan)


def nowhere(schema: Schema, seed: int) -> Nowhere:
    """Return the estimator."""
    return Nowhere()
