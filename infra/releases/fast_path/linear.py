"""Linear and logistic models: a product for each number, one look-up for all the columns that a category was made into."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from infra.releases.fast_path.links import expit, softmax, two_classes
from infra.releases.fast_path.writer import Columns, Indicator, NotCoveredError, Writer, number, numeric, tuple_of

Floats = npt.NDArray[np.float64]


def regressor(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict`."""
    return dots(writer, columns, estimator.coef_, estimator.intercept_)


def exponential(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict` of a generalized linear model, whose link is the logarithm or none."""
    link = type(estimator._base_loss.link).__name__
    if link not in ("LogLink", "IdentityLink"):
        raise NotCoveredError(f"its loss has the link {link}")
    raw = regressor(estimator, writer, columns, method)
    return [f"math.exp({raw[0]})"] if link == "LogLink" else raw


def classifier(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `decision_function` or, where it is of several classes together, `predict_proba`."""
    raw = dots(writer, columns, estimator.coef_, estimator.intercept_)
    if method == "decision_function":
        return raw
    return two_classes(writer, raw[0]) if len(raw) == 1 else softmax(writer, raw)


def one_against_rest(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba` of a stochastic gradient descent with the logistic loss: each class alone, then normalized."""
    raw = dots(writer, columns, estimator.coef_, estimator.intercept_)
    if method == "decision_function":
        return raw
    if estimator.loss != "log_loss":
        raise NotCoveredError(f"its loss is {estimator.loss}")
    if len(raw) == 1:
        return two_classes(writer, raw[0])
    shares = [expit(writer, each) for each in raw]
    total = writer.let(" + ".join(shares))
    even = number(1.0 / len(shares))
    return [f"({share} / {total} if {total} else {even})" for share in shares]


def decision(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `decision_function` of a classifier that has no probabilities."""
    if method != "decision_function":
        raise NotCoveredError(f"{type(estimator).__name__} has no probabilities")
    return dots(writer, columns, estimator.coef_, estimator.intercept_)


def dots(writer: Writer, columns: Columns, coefficients: Any, intercepts: Any) -> list[str]:
    """Write products of columns and coefficients of shape (k, columns), or (columns,); return a variable for each sum."""
    writer.refuse_missing(columns)
    matrix = np.atleast_2d(np.asarray(coefficients, dtype=np.float64))
    starts = np.broadcast_to(np.asarray(intercepts, dtype=np.float64), (len(matrix),))
    if matrix.shape[1] != len(columns):
        raise NotCoveredError(f"it has {matrix.shape[1]} coefficients for {len(columns)} columns")
    return [writer.let(" + ".join(_terms(writer, columns, row, start))) for row, start in zip(matrix, starts.tolist())]


def _terms(writer: Writer, columns: Columns, row: Floats, start: float) -> list[str]:
    groups: dict[str, list[tuple[Indicator, float]]] = {}
    terms = []
    for column, weight in zip(columns, row.tolist()):
        if isinstance(column, Indicator):
            groups.setdefault(column.group, []).append((column, weight))
        elif weight:
            terms.append(f"{number(weight)} * {numeric(column)}")
    for group, parts in groups.items():
        size = max(column.index for column, _ in parts) + 1
        sums = [
            sum(weight * (column.on if column.index == code else column.off) for column, weight in parts)
            for code in (*range(size), -1)  # the last is found by -1, which stands for none of them
        ]
        terms.append(f"{writer.table(tuple_of(sums))}[{group}]" if any(sums) else "0.0")
    return [*terms, number(start)]
