"""Metrics from counts: the values of scikit-learn, the errors of the bootstrap."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn import metrics as sk

from gateline.contracts.reference import Matured
from gateline.settings.project import METRICS
from validation.drift.labelled import JUMPS, estimated

RANDOM = np.random.default_rng(17)
ROWS = 1500
TRUTH = RANDOM.binomial(1, 0.3, ROWS)
SCORES = np.round(1 / (1 + np.exp(-(RANDOM.normal(size=ROWS) + 2.2 * TRUTH - 1.4))), 2)
PREDICTED = (SCORES >= 0.5).astype(int)
NUMBERS = RANDOM.normal(10, 3, ROWS)
GUESSES = NUMBERS + RANDOM.normal(0, 1, ROWS)


def cells(scores: object, predicted: object, truth: object) -> list[Matured]:
    counts = Counter(zip(np.asarray(scores).tolist(), np.asarray(predicted).tolist(), np.asarray(truth).tolist()))
    return [Matured(score=s, predicted=str(p), actual=str(t), count=n) for (s, p, t), n in counts.items()]


BINARY = cells(SCORES, PREDICTED, TRUTH)
REGRESSION = cells(GUESSES, GUESSES, NUMBERS)
EXPECTED = {
    "accuracy": sk.accuracy_score(TRUTH, PREDICTED),
    "precision": sk.precision_score(TRUTH, PREDICTED, average="weighted"),
    "recall": sk.recall_score(TRUTH, PREDICTED, average="weighted"),
    "f1": sk.f1_score(TRUTH, PREDICTED, average="weighted"),
    "roc_auc": sk.roc_auc_score(TRUTH, SCORES),
    "average_precision": sk.average_precision_score(TRUTH, SCORES),
    "log_loss": sk.log_loss(TRUTH, np.clip(SCORES, 1e-15, 1)),
    "mae": sk.mean_absolute_error(NUMBERS, GUESSES),
    "rmse": sk.root_mean_squared_error(NUMBERS, GUESSES),
    "r2": sk.r2_score(NUMBERS, GUESSES),
}


@pytest.mark.parametrize("name", [name for name in METRICS if name not in JUMPS])
def test_the_value_is_scikit_learns(name: str) -> None:
    found = estimated(name, REGRESSION if name in ("mae", "rmse", "r2") else BINARY, "1")
    assert found is not None and found.rows == ROWS
    assert found.value == pytest.approx(float(EXPECTED[name]), rel=1e-9)


@pytest.mark.parametrize("name", ["accuracy", "roc_auc", "average_precision", "f1"])
def test_the_error_is_the_bootstraps(name: str) -> None:
    found = estimated(name, BINARY, "1")
    values = []
    weights = np.array([cell.count for cell in BINARY]) / ROWS
    random = np.random.default_rng(1)
    for _ in range(200):
        drawn = random.multinomial(ROWS, weights)
        again = estimated(name, [cell.model_copy(update={"count": int(count)}) for cell, count in zip(BINARY, drawn)], "1")
        assert again is not None
        values.append(again.value)
    assert found is not None and found.error == pytest.approx(float(np.std(values)), rel=0.25)


def test_the_error_of_many_cells_is_that_of_some_of_them() -> None:
    found = estimated("mae", REGRESSION, "")
    assert found is not None
    assert found.error == pytest.approx(float(np.std(np.abs(NUMBERS - GUESSES))) / ROWS**0.5, rel=0.15)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_labels_of_one_kind_have_no_ranking(name: str) -> None:
    assert estimated(name, [Matured(score=0.2, predicted="0", actual="0", count=9)], "1") is None


def test_no_labels_and_unknown_metrics_have_no_value() -> None:
    assert estimated("accuracy", [], "1") is None
    assert estimated("late_precision", BINARY, "1") is None
    assert estimated("r2", [Matured(score=1.0, predicted="1", actual="2.0", count=3)], "") is None


def test_the_log_loss_of_many_classes_is_not_known_from_the_decided_ones() -> None:
    assert estimated("log_loss", cells([0.99, 0.98, 0.6], ["a", "b", "c"], ["a", "b", "a"]), "") is None
