"""Metrics of a model on labelled rows, each computed here alone. One that is not defined on some rows is left out, never NaN.

Rows may carry weights: the gate on a model measures resampled rows, drift measures counts of rows, in an environment that has
numpy and no scikit-learn. Without weights the values are scikit-learn's (tests/validation/test_metrics.py).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from gateline.contracts.manifest import positive_column
from gateline.settings.errors import UsageError, did_you_mean, explain, place_in_model
from gateline.settings.project import Metrics

Task = Literal["binary", "multiclass", "regression"]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
SMALLEST = float(np.finfo(np.float64).eps)
"""A probability below this counts as this in the log loss, as scikit-learn has it: one row is at most 36 wrong."""
STEADY = 1e-9
"""Largest difference of a metric of the user's own that is measured twice."""


@dataclass(frozen=True)
class Scored:
    """True and predicted values of the same rows. `scores` has shape (n, classes), or (n, 1) for regression; the others (n,).

    `truth` and `called` are true and decided labels as places in `classes` (from `len(classes)` on: labels the model does
    not know); for regression they are the numbers themselves.
    """

    task: Task
    classes: tuple[Any, ...]
    positive_column: int
    y_true: Labels
    decided: Labels
    scores: Floats
    truth: Labels
    called: Labels
    weights: Floats

    @classmethod
    def of(
        cls,
        task: Task,
        y_true: Labels,
        scores: Floats,
        decided: Labels | Sequence[Any],
        classes: Sequence[Any] = (),
        positive: Any = None,
        weights: Floats | None = None,
    ) -> Self:
        """Return the scored rows; the positive class is the last one where `positive` is none of `classes`."""
        listed = tuple(classes)
        column = positive_column(listed, positive)
        kind = np.float64 if task == "regression" else None
        # An object array of integers is not what metrics expect: labels get the array type that their kind has.
        truths, calls = (np.array(np.asarray(each, dtype=object).tolist(), dtype=kind) for each in (y_true, decided))
        weights = np.ones(len(truths)) if weights is None else weights
        if task == "regression":
            return cls(task, listed, 0, truths, calls, scores, truths, calls, weights)
        strangers = sorted(set(truths.tolist()) - set(listed), key=str)
        places = {label: place for place, label in enumerate((*listed, *strangers))}
        truth, called = (np.array([places[label] for label in each.tolist()], dtype=np.intp) for each in (truths, calls))
        return cls(task, listed, column, truths, calls, scores, truth, called, weights)

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: npt.NDArray[np.intp]) -> Scored:
        parts: dict[str, Any] = {name: getattr(self, name)[rows] for name in ROWS}
        return replace(self, **parts)

    def followed_by(self, other: Scored) -> Scored:
        """Return these rows and then the rows of another model of the same classes."""
        parts: dict[str, Any] = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in ROWS}
        return replace(self, **parts)

    def floored(self) -> Scored:
        """Return the same with no probability below 1/(2n): n rows cannot tell a smaller one from it.

        A forest of thirty trees calls many things impossible; without a floor the one of them that happened would decide
        a comparison of log losses alone.
        """
        return replace(self, scores=np.maximum(self.scores, 0.5 / max(len(self), 1)))

    @property
    def strangers(self) -> int:
        return 0 if self.task == "regression" else int((self.truth >= len(self.classes)).sum())

    @property
    def y_score(self) -> Floats:
        """What a metric of the user's own gets: positive's probability, all probabilities (many classes), or numbers."""
        return self.scores if self.task == "multiclass" else self.scores[:, self.positive_column]

    def one_against_rest(self) -> list[tuple[Mask, Floats, float]]:
        """Return truth, score and weight to rank by: of the positive class, or of each class that occurs, by its share."""
        if self.task == "binary":
            return [(self.truth == self.positive_column, self.y_score, 1.0)]
        truths = [(self.truth == column, self.scores[:, column]) for column in range(len(self.classes))]
        return [(truth, score, self.mean(truth)) for truth, score in truths if truth.any()]

    def mean(self, values: npt.NDArray[Any]) -> float:
        return float((values * self.weights).sum() / self.weights.sum())


ROWS = ("y_true", "decided", "scores", "truth", "called", "weights")


def constant(scored: Scored) -> Scored:
    """Return what the best constant model says of the same rows: every class by its share, or the mean."""
    rows = len(scored)
    if scored.task == "regression":
        mean = np.full(rows, scored.truth.mean())
        return Scored.of(scored.task, scored.y_true, mean.reshape(-1, 1), mean)
    classes = scored.classes
    counts = np.bincount(scored.truth[scored.truth < len(classes)], minlength=len(classes))
    shares = np.tile(counts / max(counts.sum(), 1), (rows, 1))
    label = classes[int(counts.argmax())]
    return Scored.of(scored.task, scored.y_true, shares, [label] * rows, classes, classes[scored.positive_column])


def compute_all(scored: Scored, settings: Metrics) -> dict[str, float]:
    """Return every metric that is defined on the scored rows, by name, the user's own included.

    Raises UsageError for one of the user's own that cannot be found, fails or draws at random.
    """
    for name, reference in zip(settings.custom_names(), settings.custom):
        one, other = measure(name, scored, settings), measure(name, scored, settings)
        known = one is not None and other is not None
        if not (math.isclose(one or 0.0, other or 0.0, rel_tol=STEADY, abs_tol=STEADY) if known else one is other):
            raise UsageError(
                f"metric '{reference}' gave {one} and then {other} for the same rows",
                "let it draw nothing at random without a seed of its own, and keep nothing between calls",
            )
    values = {name: measure(name, scored, settings) for name in settings.names(scored.task)}
    return {name: value for name, value in values.items() if value is not None}


def measure(name: str, scored: Scored, settings: Metrics) -> float | None:
    """Return one metric, or None where it is not defined on these rows. Raises UsageError for one of another task."""
    known = settings.names(scored.task)
    if name not in known:
        raise UsageError(
            f"metric '{name}' is none of a {scored.task} model{did_you_mean(name, known)}", f"choose one of {', '.join(known)}"
        )
    if len(scored) == 0 or not np.isfinite(scored.scores).all():
        return None
    value = COMPUTED[name](scored, settings) if name in COMPUTED else _own(name, scored, settings)
    return value if math.isfinite(value) else None


def _own(name: str, scored: Scored, settings: Metrics) -> float:
    reference = settings.custom[settings.custom_names().index(name)]
    function = function_of(reference)
    try:
        return float(function(scored.y_true.copy(), scored.decided.copy(), scored.y_score.copy()))
    except Exception as error:
        raise UsageError(
            f"metric '{reference}' failed: {explain(error)}",
            "it is called with (y_true, y_pred, y_score) and must return a number",
        ) from error


def function_of(reference: str) -> Callable[..., Any]:
    """Return the metric of the user's own that is named `module:function`. Raises UsageError where it cannot be imported."""
    module, _, name = reference.rpartition(":")
    advice = "name it under metrics.custom as module:function"
    try:
        found = importlib.import_module(module)
    except Exception as error:
        advice = f"correct {module}" if place_in_model(error) or not isinstance(error, ImportError) else advice
        raise UsageError(f"metric '{reference}' cannot be imported: {explain(error)}", advice) from None
    function = getattr(found, name, None)
    if not callable(function):
        raise UsageError(f"metric '{reference}': {module} has no '{name}'{did_you_mean(name, dir(found))}", advice)
    return function  # type: ignore[no-any-return]


def counts_by_score(score: Floats, truth: Mask, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weight of the true and of the other rows at each value of a score, lowest first."""
    values, places = np.unique(score, return_inverse=True)
    true, other = (_added(places[rows], weights[rows], len(values)) for rows in (truth, ~truth))
    return true, other


def _added(codes: npt.NDArray[np.intp], weights: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(codes, weights, minlength=size), dtype=np.float64)


def area(true: Floats, other: Floats) -> float:
    """Return the area under the ROC curve: the share of pairs of a true and another row in order, a tie counting half
    (the Mann-Whitney statistic). Takes what `counts_by_score` returns."""
    below = np.cumsum(other) - other
    return float((true * (below + other / 2)).sum() / (true.sum() * other.sum()))


def _ranked(score_one: Callable[[Floats, Floats, Metrics], float]) -> Callable[[Scored, Metrics], float]:
    """Return a metric of the ranking of each class against the rest, weighted by class; NaN where a class has no rest."""

    def metric(scored: Scored, settings: Metrics) -> float:
        parts = scored.one_against_rest()
        if scored.strangers or any(truth.all() or not truth.any() for truth, _, _ in parts):
            return math.nan
        values = [score_one(*counts_by_score(score, truth, scored.weights), settings) for truth, score, _ in parts]
        return float(np.average(values, weights=[weight for _, _, weight in parts]))

    return metric


def _average_precision(true: Floats, other: Floats, _: Metrics) -> float:
    hits, called = (np.cumsum(counts[::-1])[::-1] for counts in (true, true + other))
    recall = np.append(hits / hits[0], 0.0)
    return max(0.0, -float((np.diff(recall) * _ratio(hits, called)).sum()))


def _recall_at_fpr(true: Floats, other: Floats, settings: Metrics) -> float:
    """The largest recall of any threshold whose false-positive rate is at most the fixed one."""
    recall, fpr = (np.cumsum(counts[::-1]) / counts.sum() for counts in (true, other))
    return float(recall[fpr <= settings.fixed_fpr].max(initial=0.0))


def _by_class(score: Callable[[Floats, Floats, Floats], Floats]) -> Callable[[Scored, Metrics], float]:
    """Return a metric of rows called right, called so and truly so in each class, weighted by class."""

    def metric(scored: Scored, _: Metrics) -> float:
        hit, weights = scored.truth == scored.called, scored.weights
        size = 1 + int(max(scored.truth.max(), scored.called.max()))
        rows = ((scored.truth[hit], weights[hit]), (scored.called, weights), (scored.truth, weights))
        right, called, true = (_added(codes, weight, size) for codes, weight in rows)
        occurs = (called + true) > 0
        return float(np.average(score(right[occurs], called[occurs], true[occurs]), weights=true[occurs]))

    return metric


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)


def _log_loss(scored: Scored, _: Metrics) -> float:
    if scored.strangers or len(scored.classes) < 2:
        return math.nan
    likely = scored.scores[np.arange(len(scored)), scored.truth]
    return scored.mean(-np.log(np.clip(likely, SMALLEST, 1.0)))


def _r2(scored: Scored, _: Metrics) -> float:
    if len(scored) < 2 or np.ptp(scored.truth) == 0:
        return math.nan
    left = scored.weights * np.square(scored.truth - scored.called)
    spread = scored.weights * np.square(scored.truth - np.average(scored.truth, weights=scored.weights))
    return 1.0 - float(left.sum() / spread.sum())


COMPUTED: Mapping[str, Callable[[Scored, Metrics], float]] = {
    "accuracy": lambda scored, _: scored.mean(scored.truth == scored.called),
    "precision": _by_class(lambda right, called, true: _ratio(right, called)),
    "recall": _by_class(lambda right, called, true: _ratio(right, true)),
    "f1": _by_class(lambda right, called, true: _ratio(2 * right, called + true)),
    "roc_auc": _ranked(lambda true, other, _: area(true, other)),
    "average_precision": _ranked(_average_precision),
    "recall_at_fpr": _ranked(_recall_at_fpr),
    "log_loss": _log_loss,
    "mae": lambda scored, _: scored.mean(np.abs(scored.truth - scored.called)),
    "rmse": lambda scored, _: math.sqrt(scored.mean(np.square(scored.truth - scored.called))),
    "r2": _r2,
}
"""How each metric of `gateline.settings.project.METRICS` is computed."""
