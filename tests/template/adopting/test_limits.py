"""The limits that a first model proposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateline.settings.project import MINIMIZED
from template.adopting.limits import (
    LOWEST,
    PRIMARY,
    PROPOSED,
    data_sizes_of,
    limits_of,
    margin_is,
    margin_of,
    model_settings,
    proper_margin_of,
    proposed,
    sizes_of,
)
from training.first import LIMITED


BOOSTING = "sklearn.ensemble.HistGradientBoostingClassifier"


def first(**changes: Any) -> dict[str, Any]:
    """Return figures as `python -m training.first` prints them."""
    figures: dict[str, Any] = {
        "estimator": "model.estimators:logistic",
        "parameters": {},
        "tried": {BOOSTING: 0.84, "model.estimators:logistic": 0.86},
        "metrics": {"roc_auc": 0.9, "log_loss": 0.4},
        "constant": {"roc_auc": 0.5, "log_loss": 0.69},
        "worst": {"roc_auc": 0.85, "log_loss": 0.46},
        "spreads": {"roc_auc": [0.001, 0.001], "log_loss": [0.01, 0.01]},
        "doubt": "",
        "never": [],
        "features": ["age", "fare"],
        "train_rows": 6000,
        "test_rows": 2000,
        "positives": 700,
    }
    return figures | changes


def figures(values: dict[str, tuple[float, float, float]]) -> dict[str, Any]:
    """Return figures with value, worst value and a constant's value of each metric."""
    which = ("metrics", "worst", "constant")
    return first(**{key: {name: row[at] for name, row in values.items()} for at, key in enumerate(which)})


def test_few_positives_are_never_judged_by_accuracy() -> None:
    assert model_settings("rare", "classification")["metrics.primary"] == "average_precision"
    values = {"accuracy": (0.95, 0.9, 0.9), "average_precision": (0.333, 0.3, 0.05), "recall_at_fpr": (0.5, 0.45, 0.05)}
    found = figures(values)
    assert limits_of("rare", found) == {"min_average_precision": 0.29, "min_recall_at_fpr": 0.45}


@pytest.mark.parametrize(
    ("kind", "values", "limits"),
    [
        ("binary", {"roc_auc": (0.9, 0.88, 0.5)}, {"min_roc_auc": 0.81}),  # a tenth, for the seasons
        ("binary", {"roc_auc": (0.9, 0.7, 0.5)}, {"min_roc_auc": 0.7}),  # few rows: as far as they scatter
        ("binary", {"roc_auc": (0.53, 0.44, 0.5)}, {"min_roc_auc": 0.5}),  # no worse than a constant answer
        ("number", {"r2": (0.2, -0.1, -0.01), "rmse": (12.345, 13.0, 16.0)}, {"max_rmse": 13.6}),
        ("number", {"rmse": (12.345, 15.0, 12.71)}, {"max_rmse": 12.71}),
        ("many", {"f1": (0.5, 0.47, 0.2), "log_loss": (1.0, 1.05, 1.6)}, {"min_f1": 0.45, "max_log_loss": 1.1}),
        ("many", {"f1": (1.0, 0.86, 0.2), "log_loss": (1.3e-5, 0.31, 1.1)}, {"min_f1": 0.86, "max_log_loss": 0.31}),
    ],
)
def test_limits_leave_a_margin_and_are_no_worse_than_a_constants(
    kind: str, values: dict[str, tuple[float, float, float]], limits: dict[str, float]
) -> None:
    found = limits_of(kind, figures(values))
    assert found == limits


def test_a_margin_grows_with_what_equal_models_differ_by() -> None:
    assert margin_of("binary", 700, (0.001, 0.001)) == 0.02 and margin_of("binary", 700, (0.018, 0.018)) == 0.06
    assert margin_of("many", 0, (0.01, 0.01)) == 0.05 and margin_of("many", 0, (0.17, 0.17)) == 0.5
    assert proper_margin_of((0.01, 0.01)) == 0.1 and proper_margin_of((0.06, 0.06)) == 0.18


def test_a_difference_that_is_hard_to_measure_and_one_that_is_large_are_each_counted_by_themselves() -> None:
    assert margin_of("many", 0, (0.1, 0.0)) == 0.13 and margin_of("many", 0, (0.0, 0.1)) == 0.17
    assert margin_of("many", 0, (0.28, 0.19)) == 0.68


def test_what_is_proposed_is_said() -> None:
    found = proposed("binary", first())
    assert found.settings == {"model.estimator": "model.estimators:logistic", "model.parameters": {}}
    assert {name: value for name, (value, _) in found.gate.items()} == {
        "min_roc_auc": 0.81, "margin": 0.02, "proper_margin": 0.1,
    }  # fmt: skip
    assert found.said == (
        "first model: logistic regression on 2 features: age, fare",
        "it reaches roc_auc 0.9 (a constant answer: 0.5) on 2,000 test rows",
        "chosen by roc_auc in cross-validation on 6,000 training rows: gradient boosting 0.84, logistic regression 0.86",
    )


@pytest.mark.parametrize(
    ("chosen", "boosting", "linear", "said"),
    [
        (BOOSTING, 0.84, 0.86, '; the lead is too small to change for (to try it: estimator = "model.estimators:logistic"'),
        ("model.estimators:logistic", 0.86, 0.84, "; the better one is not shown to beat a constant answer on the test rows"),
        (BOOSTING, 0.86, 0.84, ""),
    ],
)
def test_a_model_that_was_not_the_best_in_cross_validation_is_chosen_for_a_reason(
    chosen: str, boosting: float, linear: float, said: str
) -> None:
    tried = {BOOSTING: boosting, "model.estimators:logistic": linear}
    (line,) = [each for each in proposed("binary", first(estimator=chosen, tried=tried)).said if each.startswith("chosen by")]
    assert line.partition(f"logistic regression {linear}")[2].startswith(said) and bool(said) == ("; " in line)


def test_a_wide_margin_of_the_proper_score_is_said_with_the_rows_that_would_do() -> None:
    few = first(spreads={"roc_auc": [0.0, 0.0], "log_loss": [0.2, 0.15]}, test_rows=201)
    (note,) = [each for each in proposed("binary", few).said if "log_loss" in each and "note" in each]
    margin = proposed("binary", few).gate["proper_margin"][0]
    assert f"the margin of log_loss is {margin:g} because the test rows are few (201)" in note
    assert f"about {float(f'{201 * (margin / 0.1) ** 2:.2g}'):,.0f} rows would do for 0.1" in note
    usual = first(spreads={"roc_auc": [0.0, 0.0], "log_loss": [0.01, 0.01]})
    assert not any("log_loss is" in each for each in proposed("binary", usual).said)


def test_a_wide_margin_is_said_with_the_rows_that_would_do() -> None:
    said = proposed("binary", first(spreads={"roc_auc": [0.02, 0.02]}, test_rows=223)).said
    (note,) = [each for each in said if "note" in each]
    assert "the margin is 0.06 because the test rows are few (223): about 2,000 would show" in note
    notes = proposed("binary", first(metrics={"roc_auc": 0.58}, spreads={"roc_auc": [0.02, 0.02]}, test_rows=223)).said
    assert "no model can be told from another on 223 test rows" in notes[-1] and "about 500 would do" in notes[-1]


def test_fewer_test_rows_than_the_gates_ask_for_lower_the_minimum_down_to_what_can_be_judged() -> None:
    assert sizes_of(200) == {} and sizes_of(29) == {} and data_sizes_of(100) == {} and data_sizes_of(29) == {}
    value, comment = sizes_of(38)["min_rows"]
    assert value == 30 and "38 test rows" in comment and data_sizes_of(38) == {"gates.data.min_rows": 30}


def test_a_first_model_that_may_be_chance_names_simpler_ones_and_how_few_rows_there_are() -> None:
    (said,) = [each for each in proposed("binary", first(doubt="roc_auc is 0.5")).said if each.startswith("warning")]
    assert "6,000 to train on, 2,000 to test on" in said and "simpler estimator" in said
    assert "answers 'yes' for no test row" in proposed("binary", first(never=["yes"])).said[-1]


def test_a_margin_is_what_the_gate_takes_it_for() -> None:
    assert margin_of("binary", 10) == 0.02 and ", in points of roc_auc:" in margin_is("binary")
    for kind, primary in (("number", "rmse"), ("many", "log_loss")):
        assert margin_of(kind, 0) == 0.05 and f", as a share of its {primary}:" in margin_is(kind)


def test_the_tutorial_shows_what_is_written_next_to_the_limits() -> None:
    page = (Path(__file__).parents[3] / "docs/tutorial.md").read_text(encoding="utf-8")
    assert f"# {PROPOSED}\n" in page and f"# {margin_is('binary')}\n" in page


@pytest.mark.parametrize(("positives", "margin"), [(0.0, 0.45), (72, 0.06), (500, 0.03), (600, 0.02), (10_000, 0.02)])
def test_a_margin_can_be_shown_on_as_many_positives_as_there_are(positives: float, margin: float) -> None:
    assert margin_of("rare", positives) == margin


@pytest.mark.parametrize(
    ("kind", "task"), [("binary", "binary"), ("rare", "binary"), ("many", "multiclass"), ("number", "regression")]
)
def test_what_a_limit_is_proposed_for_has_a_worst_value(kind: str, task: str) -> None:
    assert {*LOWEST[kind], *({PRIMARY[kind]} & set(MINIMIZED))} <= set(LIMITED[task])
