"""Metrics of a model on labelled rows. A metric that is not defined there is left out, never NaN."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from sklearn import metrics as sk

from gateline.settings.errors import UsageError, did_you_mean, explain, place_in_model
from gateline.settings.project import Metrics
from validation.scored import Floats, Labels, Scored, Task

SMALLEST = float(np.finfo(np.float64).eps)
"""A probability below this counts as this in the log loss, as scikit-learn has it: one row is at most 36 wrong."""
STEADY = 1e-9
"""Largest difference of a metric of the user's own that is measured twice."""
Metric = Callable[[Scored, Metrics], float]


def compute(
    task: Task,
    y_true: Labels,
    scores: Floats,
    decided: Labels | Sequence[Any],
    classes: Sequence[Any],
    settings: Metrics,
) -> dict[str, float]:
    """Return every metric that is defined on these rows, by name, the user's own included.

    `scores` has shape (n, classes), or (n, 1) for regression; `decided` are labels or numbers of shape (n,).
    Raises UsageError where a custom metric cannot be found or fails.
    """
    return compute_all(Scored.of(task, y_true, scores, decided, classes, settings.positive), settings)


def compute_all(scored: Scored, settings: Metrics) -> dict[str, float]:
    """Return every metric that is defined on the scored rows. Raises UsageError for one of the user's own that draws at
    random."""
    for name, reference in custom(settings).items():
        _refuse_random(reference, measure(name, scored, settings), measure(name, scored, settings))
    values = {name: measure(name, scored, settings) for name in names(scored.task, settings)}
    return {name: value for name, value in values.items() if value is not None}


def names(task: Task, settings: Metrics) -> tuple[str, ...]:
    """Return the names of the metrics that a task has, the user's own last."""
    return (*_known(task), *custom(settings))


def measure(name: str, scored: Scored, settings: Metrics) -> float | None:
    """Return one metric, or None where it is not defined on these rows. Raises UsageError for one of another task."""
    own = custom(settings)
    if name not in names(scored.task, settings):
        raise UsageError(
            f"metric '{name}' is none of a {scored.task} model{did_you_mean(name, names(scored.task, settings))}",
            f"choose one of {', '.join(names(scored.task, settings))}",
        )
    if len(scored) == 0 or not np.isfinite(scored.scores).all():
        return None
    value = _own(own[name], scored) if name in own else _known(scored.task)[name](scored, settings)
    return value if math.isfinite(value) else None


def custom(settings: Metrics) -> dict[str, str]:
    """Return the references of the user's own metrics by their names."""
    return {reference.rpartition(":")[2]: reference for reference in settings.custom}


def _known(task: Task) -> Mapping[str, Metric]:
    return REGRESSION if task == "regression" else CLASSIFICATION


def _own(reference: str, scored: Scored) -> float:
    function = function_of(reference)
    try:
        return float(function(scored.y_true.copy(), scored.decided.copy(), scored.y_score.copy()))
    except Exception as error:
        raise UsageError(
            f"metric '{reference}' failed: {explain(error)}",
            "it is called with (y_true, y_pred, y_score) and must return a number",
        ) from error


def _refuse_random(reference: str, one: float | None, other: float | None) -> None:
    steady = one is other if one is None or other is None else math.isclose(one, other, rel_tol=STEADY, abs_tol=STEADY)
    if not steady:
        raise UsageError(
            f"metric '{reference}' gave {one} and then {other} for the same rows",
            "let it draw nothing at random without a seed of its own, and keep nothing between calls",
        )


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


def _accuracy(scored: Scored, _: Metrics) -> float:
    return float(np.mean(scored.truth == scored.called))


def _weighted(part: int) -> Metric:
    """Return precision (0), recall (1) or F1 (2), weighted by class; what is not defined of a class counts 0."""

    def metric(scored: Scored, _: Metrics) -> float:
        return float(
            sk.precision_recall_fscore_support(scored.truth, scored.called, average="weighted", zero_division=0)[part]
        )

    return metric


def _ranked(score_one: Callable[[npt.NDArray[np.bool_], Floats, Metrics], float]) -> Metric:
    """Return a metric of the ranking of each class against the rest, weighted by class; NaN where a class has no rest."""

    def metric(scored: Scored, settings: Metrics) -> float:
        parts = scored.one_against_rest()
        if scored.strangers or any(truth.all() or not truth.any() for truth, _, _ in parts):
            return math.nan
        values = [score_one(truth, score, settings) for truth, score, _ in parts]
        return float(np.average(values, weights=[weight for _, _, weight in parts]))

    return metric


def _roc_auc(truth: npt.NDArray[np.bool_], score: Floats, _: Metrics) -> float:
    """The Mann-Whitney statistic: the share of pairs of a positive and a negative row in order, a tie counting half."""
    ranks, positives = rankdata(score), int(truth.sum())
    above = float(ranks[truth].sum()) - positives * (positives + 1) / 2
    return above / (positives * (len(truth) - positives))


def _average_precision(truth: npt.NDArray[np.bool_], score: Floats, _: Metrics) -> float:
    return float(sk.average_precision_score(truth, score))


def _recall_at_fpr(truth: npt.NDArray[np.bool_], score: Floats, settings: Metrics) -> float:
    """The largest recall of any threshold whose false-positive rate is at most the fixed one."""
    fpr, tpr, _ = sk.roc_curve(truth, score, drop_intermediate=False)
    return float(tpr[fpr <= settings.fixed_fpr].max())


def _log_loss(scored: Scored, _: Metrics) -> float:
    if scored.strangers or len(scored.classes) < 2:
        return math.nan
    likely = scored.scores[np.arange(len(scored)), scored.truth]
    return float(-np.log(np.clip(likely, SMALLEST, 1.0)).mean())


def _mae(scored: Scored, _: Metrics) -> float:
    return float(np.abs(scored.truth - scored.called).mean())


def _rmse(scored: Scored, _: Metrics) -> float:
    return math.sqrt(float(np.square(scored.truth - scored.called).mean()))


def _r2(scored: Scored, _: Metrics) -> float:
    constant = len(scored) < 2 or bool(np.ptp(scored.truth) == 0)
    return math.nan if constant else float(sk.r2_score(scored.truth, scored.called))


CLASSIFICATION: dict[str, Metric] = {
    "accuracy": _accuracy,
    "precision": _weighted(0),
    "recall": _weighted(1),
    "f1": _weighted(2),
    "roc_auc": _ranked(_roc_auc),
    "average_precision": _ranked(_average_precision),
    "recall_at_fpr": _ranked(_recall_at_fpr),
    "log_loss": _log_loss,
}
REGRESSION: dict[str, Metric] = {"mae": _mae, "rmse": _rmse, "r2": _r2}
