"""What is written out scores as scikit-learn does: every estimator and step, on rows that hit every threshold."""

from __future__ import annotations

import pytest

from benchmarks.zoo import cases, compared, fitted, table
from infra.releases.fast_path import trees
from infra.releases.fast_path.generating import written

FEW = 600
"""Rows that are drawn where tests must be fast; the slow ones draw as many as a build."""
CASES = {name: case for name, case in cases().items() if "not covered" not in name}
FAST = [
    *(name for name in CASES if name.startswith("binary") and "100 trees" not in name and "; " not in name),
    *(name for name in CASES if name.startswith("regression") and "; " not in name and "100 trees" not in name),
    *(name for name in CASES if "Codes, Calendar" in name or name.startswith("many classes: OneHot")),
    "many classes: HistGradientBoosting, categories", "many classes: LogisticRegression", "many classes: SGDClassifier",
    "many classes: RandomForest", "many classes: GaussianNB", "many classes: CalibratedClassifierCV, isotonic",
    "binary: the same, RobustScaler; trees", "binary: OneHotEncoder that drops one; trees",
]  # fmt: skip


@pytest.mark.parametrize("name", FAST)
def test_it_scores_as_scikit_learn(name: str) -> None:
    parity = compared(name, FEW)
    assert parity.worst <= 1e-9 and parity.compared["drawn"] >= FEW


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_it_scores_as_scikit_learn_on_as_many_rows_as_a_build_draws(name: str) -> None:
    parity = compared(name)
    assert parity.worst <= 1e-9 and parity.compared["drawn"] >= 10_000


@pytest.mark.parametrize("name", ["binary: HistGradientBoosting", "binary: RandomForest", "regression: GradientBoosting"])
def test_trees_are_the_same_bit_for_bit_in_both_forms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compared(name, FEW).worst == 0.0
    monkeypatch.setattr(trees, "MOST_AS_CODE", 0)
    parity = compared(name, FEW)
    assert parity.worst == 0.0
    data, front, make = CASES[name]
    assert "_linked" in written(fitted(table(data), front, make())).text


def test_many_classes_in_linked_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST_AS_CODE", 0)
    assert compared("many classes: RandomForest", FEW).worst == 0.0
