"""Every metric against scikit-learn's own on the same rows, or against a value counted by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import metrics as sk

import model
from gateline.settings import METRICS, Metrics
from gateline.settings.errors import UsageError
from tests.validation.scores import binary, noisy, numbers
from validation.metrics import COMPUTED, Scored, compute_all, measure

CHANCE = np.random.default_rng(3)
LABELS = np.array(["blue", "green", "red"])


def many() -> Scored:
    """Return 300 rows of three classes named by strings."""
    truth = CHANCE.integers(0, 3, 300)
    scores = CHANCE.dirichlet([1, 1, 1], 300) + np.eye(3)[truth] * 0.5
    scores /= scores.sum(axis=1, keepdims=True)
    return Scored.of(
        "multiclass", LABELS[truth].astype(object), scores, LABELS[scores.argmax(axis=1)], tuple(LABELS.tolist())
    )


def own_range(y_true: npt.NDArray[Any], y_pred: npt.NDArray[Any], y_score: npt.NDArray[np.float64]) -> float:
    """A metric of the user's own: hits among the positive calls, with scikit-learn on what it is given."""
    return float(sk.fbeta_score(y_true, y_pred, beta=2)) + 0 * float(y_score.shape[0])


def shape_of_scores(y_true: npt.NDArray[Any], y_pred: npt.NDArray[Any], y_score: npt.NDArray[np.float64]) -> float:
    """Return the number of dimensions of the scores."""
    return float(y_score.ndim)


def fails(y_true: Any, y_pred: Any, y_score: Any) -> float:
    """Fail."""
    raise KeyError("colour")


def undefined(y_true: Any, y_pred: Any, y_score: Any) -> float:
    """Return no number."""
    return math.nan


def custom(*functions: Any) -> Metrics:
    return Metrics(custom=tuple(f"{__name__}:{function.__name__}" for function in functions))


def test_two_classes_are_measured_as_scikit_learn_measures_them() -> None:
    scored = noisy(500, seed=1)
    truth, called, score = scored.y_true, scored.decided, scored.scores[:, 1]
    found = compute_all(scored, Metrics(fixed_fpr=0.1))
    fpr, tpr, _ = sk.roc_curve(truth, score)
    expected = {
        "accuracy": sk.accuracy_score(truth, called),
        "precision": sk.precision_score(truth, called, average="weighted"),
        "recall": sk.recall_score(truth, called, average="weighted"),
        "f1": sk.f1_score(truth, called, average="weighted"),
        "roc_auc": sk.roc_auc_score(truth, score),
        "average_precision": sk.average_precision_score(truth, score),
        "recall_at_fpr": max(t for f, t in zip(fpr, tpr, strict=True) if f <= 0.1),
        "log_loss": sk.log_loss(truth, scored.scores),
    }
    assert found == pytest.approx(expected, abs=1e-12)


def test_many_classes_of_strings_are_measured_as_scikit_learn_measures_them() -> None:
    scored = many()
    truth, called = scored.y_true, scored.decided
    one_hot = (truth[:, None] == LABELS).astype(int)
    found = compute_all(scored, Metrics())
    expected = {
        "accuracy": sk.accuracy_score(truth, called),
        "precision": sk.precision_score(truth, called, average="weighted"),
        "recall": sk.recall_score(truth, called, average="weighted"),
        "f1": sk.f1_score(truth, called, average="weighted"),
        "roc_auc": sk.roc_auc_score(truth, scored.scores, multi_class="ovr", average="weighted"),
        "average_precision": sk.average_precision_score(one_hot, scored.scores, average="weighted"),
        "log_loss": sk.log_loss(truth, scored.scores),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert 0 < found["recall_at_fpr"] < 1


def test_a_regression_is_measured_by_hand() -> None:
    found = compute_all(numbers([1.0, 2.0, 3.0, 6.0], [1.0, 3.0, 1.0, 6.0]), Metrics(primary="rmse"))
    assert found == pytest.approx({"mae": 0.75, "rmse": math.sqrt(5 / 4), "r2": 1 - 5 / 14})


def test_counts_by_hand() -> None:
    scored = binary([1, 1, 1, 0, 0, 0, 0, 0], [0.9, 0.8, 0.2, 0.7, 0.1, 0.1, 0.1, 0.1])
    found = compute_all(scored, Metrics(fixed_fpr=0.0))
    assert found["accuracy"] == 6 / 8
    assert found["precision"] == pytest.approx(3 / 8 * 2 / 3 + 5 / 8 * 4 / 5)
    assert found["recall"] == pytest.approx(6 / 8)
    assert found["recall_at_fpr"] == pytest.approx(2 / 3)
    assert found["roc_auc"] == pytest.approx((5 + 5 + 4) / 15)


def test_the_positive_class_is_the_settings_own() -> None:
    scored = noisy(300, seed=2)
    found = compute_all(Scored.of("binary", scored.y_true, scored.scores, scored.decided, (0, 1), positive=0), Metrics())
    assert found["average_precision"] == pytest.approx(
        sk.average_precision_score(scored.y_true == 0, scored.scores[:, 0])
    )


def test_one_class_alone_leaves_out_what_ranks_and_keeps_what_counts() -> None:
    found = compute_all(binary([1, 1, 1], [0.9, 0.8, 0.2]), Metrics())
    assert set(found) == {"accuracy", "precision", "recall", "f1", "log_loss"}
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_a_class_the_model_does_not_know_counts_as_wrong_and_ranks_nothing() -> None:
    scored = Scored.of(
        "binary", np.array(["a", "b", "c"], dtype=object), np.full((3, 2), 0.5), ["b", "b", "b"], ("a", "b")
    )
    assert scored.strangers == 1
    found = compute_all(scored, Metrics())
    assert set(found) == {"accuracy", "precision", "recall", "f1"}
    assert found["accuracy"] == pytest.approx(1 / 3)


def test_no_rows_and_scores_that_are_not_finite_measure_nothing() -> None:
    assert compute_all(binary([], []), Metrics()) == {}
    assert compute_all(binary([0, 1], [0.1, math.nan]), Metrics()) == {}


def test_a_constant_target_has_no_r2() -> None:
    assert set(compute_all(numbers([1.0, 1.0], [1.0, 2.0]), Metrics(primary="mae"))) == {"mae", "rmse"}


def test_a_metric_of_the_users_own_gets_plain_arrays() -> None:
    scored = noisy(200, seed=5)
    found = compute_all(scored, custom(own_range, shape_of_scores, undefined))
    assert found["own_range"] == pytest.approx(sk.fbeta_score(scored.y_true, scored.decided, beta=2))
    assert found["shape_of_scores"] == 1.0
    assert "undefined" not in found
    assert compute_all(many(), custom(shape_of_scores))["shape_of_scores"] == 2.0
    assert compute_all(numbers([1, 2], [1, 2]), custom(shape_of_scores))["shape_of_scores"] == 1.0


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (f"{__name__}:fails", "KeyError: 'colour'"),
        (f"{__name__}:own_rang", "did you mean 'own_range'?"),
        ("model.nowhere:metric", "No module named 'model.nowhere'"),
    ],
)
def test_a_metric_that_cannot_be_computed_is_named(reference: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        compute_all(noisy(50, seed=1), Metrics(custom=(reference,)))
    assert reference in raised.value.message and message in raised.value.message


def test_a_metric_of_another_task_is_refused() -> None:
    with pytest.raises(UsageError, match="metric 'rmse' is none of a binary model"):
        measure("rmse", noisy(50, seed=1), Metrics())


def test_every_metric_that_settings_know_is_computed() -> None:
    assert set(COMPUTED) == set(METRICS) == {*Metrics().names("binary"), *Metrics().names("regression")}


@pytest.mark.parametrize("name", METRICS)
def test_a_weight_counts_as_so_many_rows(name: str) -> None:
    plain = Metrics()
    scored = noisy(90, seed=3)
    if METRICS[name].task == "regression":
        scored = numbers(CHANCE.normal(size=90), CHANCE.normal(size=90))
    counts = CHANCE.integers(0, 4, 90)
    again = measure(name, scored.take(np.repeat(np.arange(90), counts)), plain)
    weighted = replace(scored.take(np.flatnonzero(counts)), weights=counts[counts > 0].astype(np.float64))
    assert measure(name, weighted, plain) == pytest.approx(again, abs=1e-12)


def test_a_metric_whose_own_file_lacks_a_library_is_to_be_corrected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("import nosuchlibrary\n")
    monkeypatch.setattr(model, "__path__", [*model.__path__, str(tmp_path)])
    with pytest.raises(UsageError, match="cannot be imported: ModuleNotFoundError: .* \\(model/mine.py, line 1\\)") as raised:
        compute_all(noisy(50, seed=1), Metrics(custom=("model.mine:own",)))
    assert raised.value.next_step == "correct model.mine"


def drawn(y_true: npt.NDArray[Any], y_pred: npt.NDArray[Any], y_score: npt.NDArray[np.float64]) -> float:
    """A metric that draws its rows, and with another state of the generator others."""
    rows = np.random.choice(len(y_true), len(y_true))
    return float((y_true[rows] == y_pred[rows]).mean())


def seeded(y_true: npt.NDArray[Any], y_pred: npt.NDArray[Any], y_score: npt.NDArray[np.float64]) -> float:
    """The same with a generator of its own."""
    rows = np.random.default_rng(0).choice(len(y_true), len(y_true))
    return float((y_true[rows] == y_pred[rows]).mean())


def now_and_then(y_true: npt.NDArray[Any], y_pred: npt.NDArray[Any], y_score: npt.NDArray[np.float64]) -> float:
    """A metric that is defined every other time."""
    now_and_then.calls = getattr(now_and_then, "calls", 0) + 1  # type: ignore[attr-defined]
    return math.nan if now_and_then.calls % 2 else 1.0  # type: ignore[attr-defined]


def test_a_metric_that_draws_at_random_is_refused() -> None:
    assert 0.0 < compute_all(noisy(500, seed=1), custom(seeded))["seeded"] < 1.0
    for function in (drawn, now_and_then):
        with pytest.raises(UsageError, match=f"{function.__name__}' gave .* and then .* for the same rows") as raised:
            compute_all(noisy(500, seed=1), custom(function))
        assert "random" in raised.value.next_step
