"""An estimator that misbehaves when the environment variable MOOD tells it to, and functions that build badly."""

from __future__ import annotations

import os
from datetime import date, datetime
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from gateline.contracts.schema import Schema


class Moody(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Says 0.75 for rows whose first value is above 0, and 0.25 for others, unless MOOD says otherwise."""

    calls = 0
    learned = 0.0
    """What a careless model keeps in its module, not in itself."""

    def fit(self, features: Any, labels: Any) -> Moody:
        """Learn the classes."""
        if os.environ.get("MOOD") == "write in fit":
            features[:, 0] = 0.0
        Moody.learned = 0.1
        self.classes_ = np.unique(labels)
        return self

    def predict_proba(self, features: Any) -> Any:
        """Return probabilities, shape (n, 2), or what the mood makes of them."""
        mood = os.environ.get("MOOD", "")
        if mood == "raise":
            raise ValueError("not today")
        above = np.nan_to_num(features[:, 0].astype(float)) > 0
        scores = np.where(above[:, None], [0.25, 0.75], [0.75, 0.25])
        if mood == "write":
            features[:, 0] = 0.0
        Moody.calls += 1
        shifted = np.array([[-0.1, 0.1]])
        return {
            "": scores,
            "write": scores,
            "nan": scores * np.nan,
            "short": scores[:, :1],
            "text": [["a", "b"]] * len(scores),
            "ragged": [*scores[1:].tolist(), [1.0]],
            "complex": scores + 0.1j,
            "listed": scores.tolist(),
            "wide": np.hstack([scores, scores[:, :1]]),
            "flat": scores[:, 1],
            "above": scores * 3,
            "negative": scores - 0.5,
            "unsummed": scores * 0.9,
            "module": scores + shifted * Moody.learned,
            "counting": scores + shifted * (Moody.calls % 2),
            "scaling": scores + shifted * (scores[:, 1:] - scores[:, 1:].mean()),
            "dated": scores + shifted * (datetime.now().toordinal() % 7) / 7,
            "today": scores + shifted * (date.today().toordinal() % 7) / 7,
            "ordering": scores + shifted * np.arange(len(scores))[:, None] / len(scores),
        }[mood]


class Swapped(Moody):
    """Names no classes, and gives their probabilities in another order than they are sorted in."""

    def fit(self, features: Any, labels: Any) -> Swapped:
        """Learn nothing."""
        return self

    def predict(self, features: Any) -> Any:
        """Return the classes that it means."""
        return np.where(self.predict_proba(features)[:, 0] > 0.5, 1, 0)


def swapped(schema: Schema, seed: int) -> Swapped:
    """Return the estimator."""
    return Swapped()


def moody(schema: Schema, seed: int) -> Moody:
    """Return the estimator."""
    return Moody()


def broken(schema: Schema, seed: int) -> Moody:
    """Fail to build one."""
    raise ValueError("no estimator\ntoday")
