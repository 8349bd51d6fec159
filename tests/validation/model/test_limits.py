"""Limits come from the settings; flags replace them; impossible ones are refused in words."""

from __future__ import annotations

import pytest

from gateline.settings import Metrics, ModelGate
from gateline.settings.errors import UsageError
from validation.model.limits import Limit, limits_of

OWN = Metrics(custom=("model.metrics:late_precision",))


def test_settings_and_flags_add_up_and_flags_win() -> None:
    gate = ModelGate(
        min_accuracy=0.8, min_f1=0.7, custom_min={"late_precision": 0.6}, custom_max={"late_precision": 0.9}
    )
    found = limits_of(gate, OWN, "classification", {"min_accuracy": 0.9, "max_log_loss": 0.5})
    assert set(found) == {
        Limit("accuracy", "min", 0.9),
        Limit("f1", "min", 0.7),
        Limit("late_precision", "min", 0.6),
        Limit("late_precision", "max", 0.9),
        Limit("log_loss", "max", 0.5),
    }


def test_every_limit_that_the_settings_have_is_read() -> None:
    shares = {
        "min_accuracy",
        "min_precision",
        "min_recall",
        "min_f1",
        "min_roc_auc",
        "min_average_precision",
        "min_recall_at_fpr",
    }
    gate = ModelGate.model_validate(dict.fromkeys(shares, 0.5))
    assert {limit.name for limit in limits_of(gate, Metrics(), "classification")} == shares
    numbers = ModelGate(max_mae=1.0, max_rmse=2.0, min_r2=0.5)
    assert {limit.name for limit in limits_of(numbers, Metrics(), "regression")} == {"max_mae", "max_rmse", "min_r2"}


def test_a_limit_names_the_key_that_the_settings_take() -> None:
    assert [Limit(name, "min", 0.5).key for name in ("f1", "late_precision")] == ["min_f1", "custom_min.late_precision"]


def test_no_limit_is_no_limit() -> None:
    assert limits_of(ModelGate(), Metrics(), "classification") == ()


@pytest.mark.parametrize(
    ("task", "flags", "message"),
    [
        ("classification", {"min_accuracy": 90.0}, "min_accuracy is 90; allowed: 0 to 1"),
        ("classification", {"min_accuracy": float("nan")}, "min_accuracy is nan; allowed: a number"),
        ("classification", {"max_log_loss": -1.0}, "max_log_loss is -1; allowed: 0 or more"),
        ("classification", {"max_rmse": 3.0}, "'rmse' is no metric of a classification model"),
        ("regression", {"min_accuracy": 0.5}, "'accuracy' is no metric of a regression model"),
        ("regression", {"min_r2": 1.5}, "min_r2 is 1.5; allowed: at most 1"),
        ("regression", {"max_mae": -0.5}, "max_mae is -0.5; allowed: 0 or more"),
    ],
)
def test_impossible_limits_are_refused(task: str, flags: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        limits_of(ModelGate(), Metrics(), task, flags)
