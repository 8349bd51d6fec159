"""Scored rows and evidence made in the test, without a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from gateline.settings import Metrics, ModelGate
from validation.model.case import Champion, ModelCase, Golden
from validation.model.limits import Limit
from validation.metrics import Scored

NO_GOLDEN = Golden(np.empty((0, 2)), np.empty((0, 2)), (), ())


def binary(truth: Any, positive: Any, threshold: float = 0.5) -> Scored:
    """Return rows of classes 0 and 1 with the given probabilities of 1."""
    scores = np.asarray(positive, dtype=np.float64)
    return Scored.of(
        "binary", np.asarray(truth), np.stack([1 - scores, scores], axis=1), (scores >= threshold).astype(int), (0, 1)
    )


def numbers(truth: Any, predicted: Any) -> Scored:
    """Return rows of a regression."""
    values = np.asarray(predicted, dtype=np.float64)
    return Scored.of("regression", np.asarray(truth, dtype=np.float64), values.reshape(-1, 1), values)


def noisy(rows: int, seed: int, skill: float = 2.0, of: int = 0) -> Scored:
    """Return rows whose scores tell the class as well as `skill` allows; models of one `of` judge the same rows."""
    truth = np.random.default_rng(1000 + of).integers(0, 2, rows)
    signal = skill * (truth - 0.5) + np.random.default_rng(seed).normal(size=rows)
    return binary(truth, 1 / (1 + np.exp(-skill * signal)))


def calls(rows: int, accuracy: float, seed: int, other: Scored | None = None, agree: float = 0.9) -> Scored:
    """Return rows called right with a given chance; `other` judges the same rows and is copied where both agree."""
    chance = np.random.default_rng(seed)
    truth = other.truth if other else chance.integers(0, 2, rows)
    right = chance.random(rows) < accuracy
    if other is not None:
        same = chance.random(rows) < agree
        right = np.where(same, other.truth == other.called, right)
    return binary(truth, np.where(right, truth, 1 - truth) * 0.8 + 0.1)


def evidence(
    candidate: Scored,
    champion: Champion | Scored | None = None,
    limits: tuple[Limit, ...] = (),
    golden: Golden = NO_GOLDEN,
    gate: dict[str, Any] | None = None,
    **metrics: Any,
) -> ModelCase:
    """Return evidence with the settings' defaults, changed as given."""
    other = Champion("v1", champion) if isinstance(champion, Scored) else champion or Champion()
    return ModelCase(candidate, golden, ModelGate(**(gate or {})), Metrics(**metrics), limits, other)
