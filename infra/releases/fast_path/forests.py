"""scikit-learn's trees, forests and gradient boosting: numbers are compared as float32, missing values go a node's own way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from infra.releases.fast_path.links import softmax, two_classes
from infra.releases.fast_path.trees import Tree, sums
from infra.releases.fast_path.writer import Columns, NotCoveredError, Writer, name_of, number, steady

CONSTANT = ("sklearn.DummyClassifier", "sklearn.DummyRegressor")


def tree(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba` of a classifier, or `predict` of a regressor."""
    return _sum([estimator], writer, columns)


def forest(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write the mean of the trees."""
    return [f"{total} / {len(estimator.estimators_)}" for total in _sum(estimator.estimators_, writer, columns)]


def boosted_classifier(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba` or `decision_function` of gradient boosting."""
    raw = _boosted(estimator, writer, columns)
    if method == "decision_function":
        return raw
    if len(raw) > 1:
        return softmax(writer, raw)
    return two_classes(writer, f"2.0 * {raw[0]}" if type(estimator._loss.link).__name__ == "HalfLogitLink" else raw[0])


def boosted_regressor(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict` of gradient boosting."""
    return _boosted(estimator, writer, columns)


def _sum(estimators: Sequence[Any], writer: Writer, columns: Columns) -> list[str]:
    if any(each.n_outputs_ != 1 for each in estimators):
        raise NotCoveredError("it predicts several targets")
    _refuse_missing(estimators[0], writer, columns)
    trees = [_tree(each, 1.0) for each in estimators]
    return sums([trees], writer, columns, [["0.0"] * len(trees[0].values[0])])[0]


def _boosted(estimator: Any, writer: Writer, columns: Columns) -> list[str]:
    first = estimator.estimators_[0, 0]
    _refuse_missing(first, writer, columns)
    if estimator.init_ != "zero" and name_of(estimator.init_) not in CONSTANT:
        raise NotCoveredError(f"it begins with a {type(estimator.init_).__name__}")
    start = estimator._raw_predict_init(np.zeros((1, first.n_features_in_)))[0].tolist()
    start = start if len(start) == 1 else [steady(value) for value in start]
    groups = [[_tree(each, estimator.learning_rate) for each in stages] for stages in estimator.estimators_.T]
    return [total for (total,) in sums(groups, writer, columns, [[number(value)] for value in start])]


def _refuse_missing(one: Any, writer: Writer, columns: Columns) -> None:
    if not one._support_missing_values(np.zeros((1, 1))):
        writer.refuse_missing(columns)


def _tree(estimator: Any, scale: float) -> Tree:
    known = estimator.tree_
    return Tree(
        feature=known.feature.tolist(),
        threshold=[_largest_below(value) for value in known.threshold.tolist()],
        left=known.children_left.tolist(),
        right=known.children_right.tolist(),
        missing_left=known.missing_go_to_left.astype(bool).tolist(),
        values=[tuple(scale * value for value in values) for values in known.value[:, 0, :].tolist()],
        words=[None] * known.node_count,
    )


def _largest_below(threshold: float) -> float:
    """Return the largest float64 that as float32 is at most `threshold`: of all others, those that are below it are, too."""
    if not math.isfinite(threshold):
        return threshold
    single = np.float32(threshold)
    below = single if float(single) <= threshold else np.nextafter(single, np.float32(-np.inf))
    above = np.nextafter(below, np.float32(np.inf))
    if not np.isfinite(above):
        return float(below)
    middle = (float(below) + float(above)) / 2.0  # exact: float64 has the bits for it; it is rounded to the even one
    return middle if np.float32(middle) == below else math.nextafter(middle, -math.inf)
