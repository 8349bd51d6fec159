"""Plots carry what the rows say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from gateline.contracts.verdict import Plot
from tests.validation.scores import binary, evidence, noisy, numbers
from validation.metrics import Scored
from validation.model.case import Champion
from validation.model.limits import Limit
from validation.model.plots import (
    by_class,
    calibration,
    confusion,
    plots,
    precision_recall,
    predicted_against_true,
    residuals,
    roc,
    table,
)


def many(rows: int = 400, classes: int = 3) -> Scored:
    chance = np.random.default_rng(2)
    names = tuple(f"c{number:02}" for number in range(classes))
    truth = chance.integers(0, classes, rows)
    scores = chance.dirichlet(np.ones(classes), rows) + np.eye(classes)[truth]
    scores /= scores.sum(axis=1, keepdims=True)
    return Scored.of("multiclass", np.array(names)[truth], scores, np.array(names)[scores.argmax(axis=1)], names)


def series(plot: Plot) -> dict[str, tuple[tuple[float | str, ...], tuple[float | None, ...]]]:
    return {one.name: (one.x, one.y) for one in plot.series}


def test_the_confusion_matrix_counts_true_down_and_called_across() -> None:
    plot = confusion(evidence(binary([1, 1, 1, 0, 0], [0.9, 0.8, 0.2, 0.7, 0.1])))
    assert (plot.kind, plot.rows, plot.columns) == ("heat", ("0", "1"), ("0", "1"))
    assert plot.cells == ((1.0, 1.0), (1.0, 2.0))


def test_a_wide_confusion_matrix_shows_the_most_frequent_classes() -> None:
    plot = confusion(evidence(many(2000, 40)))
    assert len(plot.rows) == len(plot.cells) == len(plot.cells[0]) == 30
    assert "30 most frequent of 40 classes" in plot.note


@pytest.mark.parametrize("scored", [noisy(500, seed=1), many()])
def test_the_area_under_the_curve_is_the_auc(scored: Scored) -> None:
    x, y = series(roc(evidence(scored)))["candidate"]
    parts = scored.one_against_rest()
    expected = roc_auc_score(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))
    assert np.trapezoid(np.array(y, dtype=float), np.array(x, dtype=float)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("scored", [noisy(500, seed=1), many()])
def test_the_area_under_precision_by_recall_is_the_average_precision(scored: Scored) -> None:
    x, y = series(precision_recall(evidence(scored)))["candidate"]
    parts = scored.one_against_rest()
    pooled = [np.concatenate([part[place] for part in parts]) for place in (0, 1)]
    assert len(x) == len(y) and np.mean(np.array(y, dtype=float)) == pytest.approx(
        average_precision_score(*pooled), abs=0.01
    )


def test_a_curve_says_whose_it_is() -> None:
    two, three = evidence(binary([1, 0], [0.9, 0.1])), evidence(many())
    assert [roc(of).note for of in (two, three)] == [
        "Class 1 against the other.",
        "Each of 3 classes against the rest, all rows together.",
    ]
    assert "of class 1." in calibration(two).note and "of the likeliest class." in calibration(three).note
    assert "Classes" in [plot.title for plot in plots(three)]


def test_the_curve_is_that_of_the_primary_metric() -> None:
    assert plots(evidence(noisy(500, seed=1), primary="average_precision"))[2].title == "Precision and recall"
    assert plots(evidence(noisy(500, seed=1), primary="roc_auc"))[2].title == "ROC"


def test_candidate_and_champion_are_drawn_together() -> None:
    found = evidence(noisy(500, seed=1), noisy(500, seed=2))
    assert list(series(roc(found))) == ["candidate", "champion", "chance"]
    assert list(series(calibration(found))) == ["candidate", "champion", "exact"]


def test_calibration_by_hand() -> None:
    x, y = series(calibration(evidence(binary([0, 1, 1, 1], [0.11, 0.13, 0.95, 1.0]))))["candidate"]
    assert list(x) == pytest.approx([0.12, 0.975]) and y == (0.5, 1.0)


def test_calibration_of_many_classes_is_that_of_the_called_one() -> None:
    scored = many()
    x, y = series(calibration(evidence(scored)))["candidate"]
    assert len(x) == len(y) and all(0 <= float(share or 0) <= 1 for share in y)


def test_a_regression_is_drawn_against_the_diagonal() -> None:
    truth = np.arange(100.0)
    x, y = series(predicted_against_true(evidence(numbers(truth, truth + 1))))["candidate"]
    np.testing.assert_allclose(np.array(x, dtype=float), np.array(y, dtype=float) + 1)
    shares = series(residuals(evidence(numbers(truth, truth + np.tile([1.0, -1.0], 50)))))["candidate"][1]
    assert shares[0] == shares[-1] == 0.5 and math.fsum(float(share or 0) for share in shares) == pytest.approx(1)


def test_the_table_sets_metrics_against_champion_and_limits() -> None:
    limits = (Limit("accuracy", "min", 0.5), Limit("accuracy", "max", 0.99))
    plot = table(evidence(noisy(500, seed=1), Champion("v7", noisy(500, seed=2)), limits))
    assert plot.columns == ("candidate", "champion v7", "limit")
    row = dict(zip(plot.rows, plot.cells, strict=True))["accuracy"]
    assert row[2] == "≥ 0.5, ≤ 0.99" and row[0] != row[1]
    alone = table(evidence(noisy(500, seed=1)))
    assert {cells[1] for cells in alone.cells} == {"–"}


@pytest.mark.parametrize("scored", [noisy(300, seed=1), many(), numbers(range(300), range(300))])
def test_every_plot_holds_finite_numbers_alone(scored: Scored) -> None:
    primary = "rmse" if scored.task == "regression" else "accuracy"
    for plot in plots(evidence(scored, primary=primary)):
        values = [value for one in plot.series for value in (*one.x, *one.y)] + [
            cell for row in plot.cells for cell in row
        ]
        assert values and all(isinstance(value, str) or math.isfinite(value or 0.0) for value in values)


def scored(truth: list[str], called: list[str], classes: tuple[str, ...]) -> Scored:
    """Rows whose probabilities nobody looks at."""
    scores = np.full((len(truth), len(classes)), 1 / len(classes))
    return Scored.of("multiclass", np.array(truth), scores, np.array(called), classes)


TRUTH = ["a"] * 6 + ["b"] * 3 + ["rare"]
CALLED = ["a"] * 6 + ["a", "b", "b"] + ["b"]


def test_a_rare_class_that_is_never_found_stands_first() -> None:
    plot = by_class(evidence(scored(TRUTH, CALLED, ("a", "b", "rare", "unseen"))))
    assert plot.rows == ("rare", "b", "a")
    assert plot.cells == (("1", 0.0, 0.0), ("3", 2 / 3, 2 / 3), ("6", 6 / 7, 1.0))


def test_the_champion_is_shown_where_it_knows_the_class() -> None:
    champion = Champion("v7", scored(TRUTH, TRUTH, ("b", "a")))
    plot = by_class(evidence(scored(TRUTH, CALLED, ("a", "b", "rare")), champion))
    assert [cells[-1] for cells in plot.cells] == ["–", 1.0, 1.0]


def test_of_many_classes_the_weakest_are_shown() -> None:
    names = tuple(f"c{number:02}" for number in range(40))
    truth = [name for name in names for _ in range(2)]
    called = [truth[0] if row % 2 and row < 40 else name for row, name in enumerate(truth)]
    plot = by_class(evidence(scored(truth, called, names)))
    assert len(plot.rows) == len(plot.cells) == 30 and "30 weakest of 40" in plot.note
    assert set(names[1:20]) <= set(plot.rows)
