"""What a model says of its golden rows does not depend on the rows beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gateline.contracts.manifest import Manifest
from gateline.registry.loaded import LoadedModel, apart, unsteady
from tests.gateline.registry.made import manifest, schema

ROWS = np.array([["JFK", float(delay)] for delay in (-20, -3, 1, 4, 30)], dtype=object)
Answer = Callable[[Any], Any]


class Own:
    """An estimator of one's own: the answer to each row, of shape (n,), is made by a function of all."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.calls = answer, 0

    def predict(self, rows: Any) -> Any:
        """Return numbers."""
        self.calls += 1
        return self.answer(rows[:, 1].astype(float)) + 1e-6 * self.calls * (self.answer is wandering)

    def predict_proba(self, rows: Any) -> Any:
        """Return probabilities of two classes."""
        late = 1 / (1 + np.exp(-self.predict(rows) / 10))
        return np.stack([1 - late, late], axis=1)


def wandering(delays: Any) -> Any:
    """Answer otherwise with every call."""
    return delays


def of(answer: Answer, task: str) -> LoadedModel:
    changes = {"task": task, "classes": (), "positive": None} if task == "regression" else {"task": task}
    return LoadedModel(Manifest.model_validate(manifest().model_dump() | changes), schema(), Own(answer), {}, {})


def told(answer: Answer, task: str) -> str:
    model = of(answer, task)
    return unsteady(model, ROWS, model.score(ROWS))


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize(
    ("answer", "way"),
    [
        (lambda delays: delays, ""),
        (lambda delays: delays * (1 + 1e-13 * len(delays)), ""),
        (wandering, "asked once more, 5 of 5 golden rows score otherwise than as a batch"),
        (lambda delays: delays + np.arange(len(delays)), "asked in reverse order, 4 of 5"),
        (lambda delays: delays - delays.mean(), "asked one at a time, 5 of 5"),
        (lambda delays: delays / np.abs(delays).max(), "asked one at a time, 4 of 5"),
        (lambda delays: delays.argsort().argsort(), "asked one at a time, 4 of 5"),
        (lambda delays: delays - (delays.mean() if len(delays) > 99 else 0), "asked among 1,000 rows, 5 of 5"),
    ],
)
def test_an_answer_that_depends_on_company_is_told(answer: Answer, way: str, task: str) -> None:
    found = told(answer, task)
    assert found.startswith(way) if way else not found


def test_a_class_that_is_decided_otherwise_is_told_though_the_scores_are_near() -> None:
    found = told(lambda delays: delays * 0 + (1e-10 if len(delays) > 1 else -1e-10), "binary")
    assert found == "asked one at a time, 5 of 5 golden rows are decided otherwise than as a batch"


def test_scores_of_another_shape_for_one_row_are_told() -> None:
    """As of a model that calls `squeeze`."""
    model = of(wandering, "binary")
    model.estimator.predict_proba = lambda rows: np.tile([0.25, 0.75], (len(rows), 1)).squeeze()
    told = "asked one at a time, the golden rows get scores of shape (10,), as a batch (5, 2)"
    assert unsteady(model, ROWS, model.score(ROWS)) == told


def test_what_is_no_number_is_infinitely_far() -> None:
    found = apart(np.array([[1.0, np.nan], [np.inf, 0], [2e6 + 1, 0]]), np.array([[1.0, 0], [0, 0], [2e6, 0]]))
    assert found.tolist() == [np.inf, np.inf, pytest.approx(5e-7)]


def test_rows_are_handed_out_as_copies_that_cannot_be_written_into() -> None:
    seen: list[Any] = []

    def kept(rows: Any) -> Any:
        seen.append(rows)
        return rows[:, 1]

    model = of(wandering, "regression")
    model.estimator.predict = kept
    model.score(ROWS)
    assert not np.shares_memory(seen[0], ROWS)
    with pytest.raises(ValueError, match="read-only"):
        seen[0][0, 1] = 0.0


@pytest.mark.parametrize(
    ("scores", "flaw"),
    [
        ([[0.25, 0.75]] * 5, ""),
        ([[0.0, 1.0]] * 5, ""),
        ([[-1e-7, 1 + 1e-7]] * 5, ""),
        ([[0.2, 0.7]] * 5, "5 of 5 rows probabilities that add up to 0.9, not to 1"),
        ([[0.25, 0.75]] * 4 + [[-0.5, 1.5]], "1 of 5 rows a probability outside 0 to 1, such as -0.5"),
        ([[25.0, 75.0]] * 5, "5 of 5 rows a probability outside 0 to 1, such as 75"),
        ([[np.nan, 0.5]] * 2 + [[0.5, 0.5]] * 3, "2 of 5 rows no finite probability"),
        ([[0.75]] * 5, r"shape (5, 1) for 5 rows, expected (5, 2): one column per class, in the order 0, 1"),
        ([[0.2, 0.3, 0.5]] * 5, "shape (5, 3) for 5 rows, expected (5, 2)"),
        ([[0.25, 0.75]] * 4, "shape (4, 2) for 5 rows, expected (5, 2)"),
        ([0.75] * 5, "shape (5,) for 5 rows, expected (5, 2)"),
    ],
)
def test_what_is_no_probability_is_told(scores: Any, flaw: str) -> None:
    found = of(wandering, "binary").flaw(np.array(scores), 5)
    assert flaw in found and bool(found) is bool(flaw)


def test_numbers_have_one_finite_column() -> None:
    model = of(wandering, "regression")
    assert not model.flaw(np.array([[-7.5], [2e9]]), 2)
    assert "predict gave 1 of 2 rows no finite number" in model.flaw(np.array([[1.0], [np.inf]]), 2)
    assert "predict gave scores of shape (4, 1) for 2 rows, expected (2, 1)" in model.flaw(np.ones((4, 1)), 2)
