"""Drift: each rule in its outcomes, false alarms over equal windows, and the shifts that must be found."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.drift_windows import SHAPES, TRAINED, World, drifted
from gateline.contracts.reference import ColumnCounts, ColumnReference, LiveCounts, Matured, Reference, ScoreReference
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.settings import DriftGate
from validation.drift.gate import judge

GATE = DriftGate()
REFERENCE = Reference(
    columns={
        "distance": ColumnReference(bins=(1.0, 2.0, 3.0), shares=(0.25, 0.25, 0.25, 0.25), missing=0.1),
        "carrier": ColumnReference(categories=("AA", "UA"), shares=(0.5, 0.4, 0.1)),
    },
    scores=ScoreReference(edges=(0.5,), shares=(0.7, 0.3)),
    labels={"0": 0.7, "1": 0.3},
    rows=30_000,
)


def window(**other: Any) -> LiveCounts:
    """Return 2,000 rows just like the reference, but for what is given."""
    same: dict[str, Any] = {
        "rows": 2000,
        "columns": {
            "distance": ColumnCounts(counts=(450, 450, 450, 450), missing=200),
            "carrier": ColumnCounts(counts=(1000, 800, 200)),
        },
        "scores": (1400, 600),
        "labels": {"0": 1400, "1": 600},
        "matured": (
            Matured(score=0.2, predicted="0", actual="0", count=1780),
            Matured(score=0.2, predicted="0", actual="1", count=220),
        ),
        "release": "d" * 64,
    }
    return LiveCounts(**same | other)


def verdict_on(live: LiveCounts, gate: DriftGate = GATE, **more: Any) -> Verdict:
    return judge(live, REFERENCE, gate, **{"trained": TRAINED, **more})


def rules_of(verdict: Verdict, name: str) -> dict[str, Rule]:
    return {rule.subject: rule for rule in verdict.rules if rule.name == name}


def test_equal_counts_pass_every_rule() -> None:
    verdict = verdict_on(window())
    assert verdict.outcome is Outcome.PASS and not verdict.not_judged
    assert [rule.name for rule in verdict.rules].count("drift.column") == 2
    assert set(rules_of(verdict, "drift.prediction")) == {"scores", "labels"}
    assert verdict.judged == {"release": "d" * 64}
    assert verdict.metrics["psi.distance"] == 0.0


def test_the_json_of_an_artifact_is_a_reference() -> None:
    assert judge(window(), REFERENCE.model_dump(mode="json"), GATE).rules == judge(window(), REFERENCE, GATE).rules


def test_too_few_rows_are_inconclusive_and_judge_nothing() -> None:
    few = window(
        rows=499,
        columns={"distance": ColumnCounts(counts=(499, 0, 0, 0)), "carrier": ColumnCounts(counts=(499, 0, 0))},
        matured=(),
    )
    verdict = verdict_on(few)
    assert verdict.outcome is Outcome.INCONCLUSIVE and not verdict.failed
    assert rules_of(verdict, "traffic")[""].reason == "499 live rows, 500 are needed"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("distance", ColumnCounts(counts=(250, 450, 550, 550), missing=200)),
        ("distance", ColumnCounts(counts=(350, 350, 350, 350), missing=600)),
        ("carrier", ColumnCounts(counts=(700, 800, 500))),
    ],
    ids=["moved", "more missing", "more unknown categories"],
)
def test_a_column_that_moved_fails_and_comes_first(name: str, counts: ColumnCounts) -> None:
    verdict = verdict_on(window(columns=dict(window().columns) | {name: counts}))
    assert [rule.subject for rule in verdict.failed] == [name]
    first = next(rule for rule in verdict.rules if rule.name == "drift.column")
    assert first.subject == name and first.next_step
    assert isinstance(first.observed, float) and first.observed > 0.04 == first.limit


def test_a_difference_that_does_not_matter_passes_however_certain() -> None:
    sure = ColumnCounts(counts=(4_700_000, 4_500_000, 4_400_000, 4_400_000), missing=2_000_000)
    verdict = verdict_on(window(rows=20_000_000, columns=dict(window().columns) | {"distance": sure}))
    assert not verdict.failed


def test_an_ignored_column_is_not_judged() -> None:
    moved = dict(window().columns) | {"distance": ColumnCounts(counts=(2000, 0, 0, 0))}
    verdict = verdict_on(window(columns=moved), DriftGate(ignored=("distance",)))
    assert verdict.outcome is Outcome.PASS and set(rules_of(verdict, "drift.column")) == {"carrier"}


def test_ignoring_every_column_is_no_pass() -> None:
    assert verdict_on(window(), DriftGate(ignored=("distance", "carrier"))).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("counts", [ColumnCounts(counts=(1000, 1000)), ColumnCounts(counts=(0, 0, 0, 0))])
def test_counts_that_do_not_fit_the_reference_are_inconclusive(counts: ColumnCounts) -> None:
    verdict = verdict_on(window(columns=dict(window().columns) | {"distance": counts}))
    assert verdict.outcome is Outcome.INCONCLUSIVE and "drift.column(distance)" in verdict.not_judged


def test_a_column_without_live_counts_is_inconclusive() -> None:
    verdict = verdict_on(window(columns={"carrier": window().columns["carrier"]}))
    assert verdict.outcome is Outcome.INCONCLUSIVE and verdict.not_judged == ("drift.column(distance)",)


def test_predictions_that_moved_fail_by_score_and_by_label() -> None:
    verdict = verdict_on(window(scores=(1000, 1000), labels={"0": 1000, "1": 1000}))
    assert [(rule.name, rule.subject) for rule in verdict.failed] == [
        ("drift.prediction", "scores"),
        ("drift.prediction", "labels"),
    ]


def test_a_label_that_was_never_predicted_before_is_drift() -> None:
    verdict = verdict_on(window(labels={"0": 1300, "1": 500, "2": 200}))
    assert [rule.subject for rule in verdict.failed] == ["labels"]


def matured(right: int, wrong: int) -> LiveCounts:
    cells = (
        Matured(score=0.2, predicted="0", actual="0", count=right),
        Matured(score=0.2, predicted="0", actual="1", count=wrong),
    )
    return window(matured=cells)


@pytest.mark.parametrize(
    ("right", "wrong", "outcome"),
    [
        (1780, 220, Outcome.PASS),
        (1700, 300, Outcome.PASS),
        (1660, 340, Outcome.INCONCLUSIVE),
        (1600, 400, Outcome.FAIL),
        (178, 21, Outcome.INCONCLUSIVE),
        (0, 0, Outcome.INCONCLUSIVE),
    ],
    ids=[".89", ".85", ".83", ".80", "too few", "none"],
)
def test_performance_compares_matured_labels_with_training(right: int, wrong: int, outcome: Outcome) -> None:
    rule = next(rule for rule in verdict_on(matured(right, wrong)).rules if rule.name == "performance")
    assert rule.outcome is outcome
    if right + wrong >= 200:
        assert rule.observed == pytest.approx(right / (right + wrong)) and rule.limit == pytest.approx(0.84)


def test_another_metric_stands_in_and_says_so() -> None:
    verdict = verdict_on(
        matured(1600, 400), primary="late_precision", trained={"late_precision": 0.8, "accuracy": 0.89}
    )
    rule = verdict.failed[0]
    assert rule.name == "performance" and "standing in for late_precision" in rule.reason


def test_a_metric_that_cannot_be_computed_is_inconclusive() -> None:
    verdict = verdict_on(window(), primary="late_precision", trained={"late_precision": 0.8})
    assert "performance" in verdict.not_judged


@pytest.mark.parametrize(("error", "outcome"), [(1.0, Outcome.PASS), (2.0, Outcome.FAIL)])
def test_an_error_that_grows_is_a_drop(error: float, outcome: Outcome) -> None:
    cells = (
        Matured(score=10.0, predicted="10.0", actual=str(10.0 + error), count=500),
        Matured(score=10.0, predicted="10.0", actual=str(10.0 - error), count=500),
    )
    verdict = verdict_on(window(matured=cells, labels={}), primary="mae", trained={"mae": 1.0})
    assert rules_of(verdict, "performance")["mae"].outcome is outcome


def test_plots_rank_what_moved_and_show_the_scores() -> None:
    moved = dict(window().columns) | {"carrier": ColumnCounts(counts=(700, 800, 500))}
    index, scores = verdict_on(window(columns=moved)).plots
    assert index.series[0].x[0] == "carrier" and index.note == "limit 0.04"
    assert [series.name for series in scores.series] == ["at training", "live"]
    assert scores.series[1].y == (0.7, 0.3)


def test_equal_windows_of_twenty_columns_rarely_alarm() -> None:
    """300 windows of 2,000 rows, alpha 0.01 (seed fixed); 1,000 windows: docs/canary.md."""
    world = World(30_000, seed=1)
    alarms = sum(bool(drifted(world.window(2000), world, GATE)) for _ in range(300))
    assert alarms <= 3


@pytest.mark.parametrize("shape", SHAPES)
def test_one_column_shifted_by_three_tenths_of_a_deviation_is_found(shape: str) -> None:
    """20 windows of 2,000 rows, 15 % missing (seed fixed); at least 95 % promised."""
    world, name = World(30_000, seed=2), f"{shape}_1"
    found = [drifted(world.window(2000, name, 0.3), world, GATE) for _ in range(20)]
    assert sum(name in one for one in found) >= 19


def test_worse_accuracy_on_matured_labels_is_found() -> None:
    """20 windows of 2,000 labels (seed fixed)."""
    world = World(30_000, seed=3)
    assert sum("accuracy" in drifted(world.matured(2000, 0.80), world, GATE) for _ in range(20)) >= 19
    assert sum("accuracy" in drifted(world.matured(2000, 0.89), world, GATE) for _ in range(20)) == 0
