"""The limits that a first model proposes."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.adopting.limits import PROPOSED, limits_of, margin_is, margin_of, model_settings


def test_few_positives_are_never_judged_by_accuracy() -> None:
    assert model_settings("rare", "classification")["metrics.primary"] == "average_precision"
    metrics = {"accuracy": 0.95, "f1": 0.9, "average_precision": 0.333, "recall_at_fpr": 0.5}
    assert limits_of("rare", metrics) == {"min_average_precision": 0.29, "min_recall_at_fpr": 0.45}


def test_limits_leave_room_and_are_none_where_there_is_nothing_to_keep() -> None:
    assert limits_of("binary", {"roc_auc": 0.9}) == {"min_roc_auc": 0.81}
    assert limits_of("number", {"r2": -0.2, "rmse": 12.345}) == {"max_rmse": 13.6}
    assert limits_of("many", {"f1": 0.5, "log_loss": 1.0}) == {"min_f1": 0.45, "max_log_loss": 1.1}


def test_a_margin_is_what_the_gate_takes_it_for() -> None:
    assert margin_of("binary", 10) == 0.02 and ", in points of roc_auc:" in margin_is("binary")
    for kind, primary in (("number", "rmse"), ("many", "log_loss")):
        assert margin_of(kind, 0) == 0.05 and f", as a share of its {primary}:" in margin_is(kind)


def test_the_tutorial_shows_what_is_written_beside_the_limits() -> None:
    page = (Path(__file__).parents[3] / "docs/tutorial.md").read_text(encoding="utf-8")
    assert f"# {PROPOSED}\n" in page and f"# {margin_is('binary')}\n" in page


@pytest.mark.parametrize(("positives", "margin"), [(0.0, 0.45), (72, 0.06), (500, 0.03), (600, 0.02), (10_000, 0.02)])
def test_a_margin_can_be_shown_on_as_many_positives_as_there_are(positives: float, margin: float) -> None:
    assert margin_of("rare", positives) == margin
