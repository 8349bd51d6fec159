"""Rule `too_good`: features that give the target away, and models that are as good as they look."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gateline.contracts.verdict import Outcome, Rule
from gateline.settings import Metrics, ModelGate
from tests.validation.scores import NO_GOLDEN, binary, evidence, numbers
from validation.model.case import ModelCase, Inputs
from validation.model.rules.too_good import too_good
from validation.metrics import Scored

RNG = np.random.default_rng(4)
START = RNG.bit_generator.state
WORDS = np.random.default_rng(5).choice(["a", "b", "c"], (400, 2)).astype(object)


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """What a test draws must not depend on which tests ran before it."""
    RNG.bit_generator.state = START


def judged(model: Any, x: Any, y: Any, names: tuple[str, ...] = (), **gate: Any) -> Rule:
    """Fit a model to three quarters of the rows, and judge it on the rest."""
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[: 3 * len(y) // 4], order[3 * len(y) // 4 :]
    fitted = model.fit(x[train], y[train])

    def scored(rows: Any) -> Scored:
        if not hasattr(fitted, "classes_"):
            return numbers(y[test], fitted.predict(rows.astype(float)))
        scores, classes = fitted.predict_proba(rows.astype(float)), tuple(fitted.classes_.tolist())
        task: Any = "binary" if len(classes) == 2 else "multiclass"
        return Scored.of(task, y[test], scores, [classes[at] for at in scores.argmax(axis=1)], classes)

    names = names or tuple(f"c{at}" for at in range(x.shape[1]))
    inputs = Inputs(x[test].astype(object), names, names, scored)
    (rule,) = too_good(ModelCase(scored(inputs.rows), NO_GOLDEN, ModelGate(**gate), Metrics(), inputs=inputs))
    return rule


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_the_tables_everybody_starts_with_are_as_good_as_they_look(load: Any) -> None:
    x, y = load(return_X_y=True)
    rule = judged(make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)), x, y)
    assert rule.outcome is Outcome.PASS, rule.reason


def rentals(rows: int = 1600) -> tuple[Any, Any]:
    """Return guests, members and what has nothing to do with them; and rentals, their sum."""
    guests, members = RNG.gamma(1.5, 30, rows).round(), np.abs(RNG.normal(100, 50, rows)).round()
    return np.column_stack([RNG.integers(0, 24, rows), guests, members, RNG.normal(size=rows)]), guests + members


def test_two_columns_that_add_up_to_the_target_are_named_until_the_limit_is_raised() -> None:
    x, y = rentals()
    names = ("hour", "guests", "members", "warm")
    rule = judged(HistGradientBoostingRegressor(max_iter=40), x, y, names)
    assert rule.outcome is Outcome.FAIL and "the target is the sum of 'guests' and 'members'" in rule.reason
    assert '"feature": false' in rule.next_step and "gates.model.max_explained" in rule.next_step
    assert judged(HistGradientBoostingRegressor(max_iter=40), x, y, names, max_explained=1.0).outcome is Outcome.PASS


def test_a_row_number_of_a_sorted_file_is_named() -> None:
    x = np.column_stack([RNG.normal(size=1600), np.arange(1600.0)])
    rule = judged(HistGradientBoostingRegressor(), x, np.sort(RNG.gamma(2, 10, 1600)), ("noise", "rownames"))
    assert rule.outcome is Outcome.FAIL and "the target has the order of 'rownames'" in rule.reason


@pytest.mark.parametrize("target", [(WORDS[:, 0] == "a") * 1, RNG.normal(size=400)])
def test_a_table_of_words_alone_has_no_column_of_numbers_to_look_at(target: Any) -> None:
    scores = np.full((400, 1), 0.5)
    scored = numbers(target, scores[:, 0])
    if target.dtype == int:
        scored = Scored.of("binary", target, np.hstack([scores, scores]), [0] * 400, (0, 1))
    inputs = Inputs(WORDS, ("grade", "sex"), (), lambda rows: scored)
    (rule,) = too_good(ModelCase(scored, NO_GOLDEN, ModelGate(), Metrics(), inputs=inputs))
    assert rule.outcome is Outcome.PASS


def test_a_column_that_tells_a_number_in_another_way_is_named() -> None:
    x = RNG.uniform(0, 6, (1600, 2))
    rule = judged(HistGradientBoostingRegressor(), x, x[:, 1] * (6 - x[:, 1]), ("noise", "hour"))
    assert rule.outcome is Outcome.FAIL and "too good to be true; it needs 'hour' most" in rule.reason


def test_one_column_that_tells_every_class_is_named_on_as_few_rows_as_show_it() -> None:
    kinds, x = np.repeat([0, 1, 2], 160), RNG.normal(size=(480, 3))
    x[:, 1] = np.arange(480)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    rule = judged(model, x, kinds, ("noise", "rownames", "other"))
    assert rule.outcome is Outcome.FAIL and "'rownames' alone tells the classes apart" in rule.reason


@pytest.mark.parametrize(("noise", "outcome"), [(0.05, Outcome.FAIL), (0.2, Outcome.PASS)])
def test_of_numbers_the_share_of_the_squared_error_decides(noise: float, outcome: Outcome) -> None:
    truth = RNG.normal(size=1000)
    (rule,) = too_good(evidence(numbers(truth, truth + RNG.normal(0, noise, 1000))))
    assert rule.outcome is outcome and rule.limit == 0.99 and rule.sample == 1000


@pytest.mark.parametrize(("rows", "outcome"), [(200, Outcome.PASS), (2000, Outcome.FAIL)])
def test_of_classes_perfection_has_to_be_shown(rows: int, outcome: Outcome) -> None:
    truth = np.arange(rows) % 2
    assert too_good(evidence(binary(truth, truth * 0.8 + 0.1)))[0].outcome is outcome


def test_what_scores_no_number_is_not_judged() -> None:
    (rule,) = too_good(evidence(numbers([1.0, 2.0], [1.0, np.nan])))
    assert rule.outcome is Outcome.INCONCLUSIVE
