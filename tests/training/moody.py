"""An estimator that misbehaves when the environment variable MOOD tells it to, and functions that build badly."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from contracts.schema import Schema


class Moody(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Says 0.75 for rows whose first value is above 0, and 0.25 for others, unless MOOD is `raise`, `nan` or `short`."""

    def fit(self, features: Any, labels: Any) -> Moody:
        """Learn the classes."""
        self.classes_ = np.unique(labels)
        return self

    def predict_proba(self, features: Any) -> Any:
        """Return probabilities, shape (n, 2), or what the mood makes of them."""
        mood = os.environ.get("MOOD", "")
        if mood == "raise":
            raise ValueError("not today")
        above = np.nan_to_num(features[:, 0].astype(float)) > 0
        scores = np.where(above[:, None], [0.25, 0.75], [0.75, 0.25])
        return {"": scores, "nan": scores * np.nan, "short": scores[:, :1]}[mood]


def moody(schema: Schema, seed: int) -> Moody:
    """Return the estimator."""
    return Moody()


def broken(schema: Schema, seed: int) -> Moody:
    """Fail to build one."""
    raise ValueError("no estimator\ntoday")
