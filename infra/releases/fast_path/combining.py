"""What puts steps and estimators together: pipelines, columns by place, voting, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.releases.fast_path.links import expit, pairwise
from infra.releases.fast_path.writer import Columns, NotCoveredError, Writer, name_of, number, tuple_of


def column_transformer(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write every transformer on its columns, in order."""
    made: Columns = []
    for name, each, _ in step.transformers_:
        chosen = [columns[place] for place in step._transformer_to_input_indices[name]]
        weight = (step.transformer_weights or {}).get(name)
        if weight is not None:
            raise NotCoveredError("a ColumnTransformer weighs its transformers")
        if isinstance(each, str) and each == "drop" or not chosen:
            continue
        made += chosen if isinstance(each, str) else writer.transform(each, chosen)
    return made


def pipeline_step(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write a pipeline of transformers."""
    for _, each in step.steps:
        columns = columns if each is None or each == "passthrough" else writer.transform(each, columns)
    return columns


def pipeline(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write a pipeline that ends with an estimator."""
    for _, each in estimator.steps[:-1]:
        columns = columns if each is None or each == "passthrough" else writer.transform(each, columns)
    return writer.answer(estimator.steps[-1][1], columns, method)


def function(step: Any, writer: Writer, columns: Columns) -> Columns:
    """Write a FunctionTransformer that changes nothing, as a passthrough is kept."""
    if step.func is not None:
        raise NotCoveredError("a FunctionTransformer calls a function")
    return columns


def voting_classifier(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write the mean of the probabilities of several classifiers."""
    if estimator.voting != "soft":
        raise NotCoveredError("a VotingClassifier counts votes")
    found = [writer.answer(each, columns, "predict_proba") for each in estimator.estimators_]
    weights = estimator._weights_not_none
    return [writer.let(_mean(shares, weights)) for shares in zip(*found, strict=True)]


def voting_regressor(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write the mean of the numbers of several regressors."""
    found = [writer.answer(each, columns, "predict")[0] for each in estimator.estimators_]
    return [writer.let(_mean(found, estimator._weights_not_none))]


def _mean(terms: Sequence[str], weights: Sequence[float] | None) -> str:
    if weights is None:
        return f"({' + '.join(f'({term})' for term in terms)}) / {len(terms)}"
    total = number(sum(map(float, weights)))
    return f"({' + '.join(f'({term}) * {number(weight)}' for term, weight in zip(terms, weights, strict=True))}) / {total}"


def frozen(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write what a FrozenEstimator holds."""
    return writer.answer(estimator.estimator, columns, method)


def calibrated(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write the mean of the calibrated classifiers."""
    found = [_calibrated(each, writer, columns) for each in estimator.calibrated_classifiers_]
    count = len(found)
    return [writer.let(f"({' + '.join(shares)}) / {count}") for shares in zip(*found, strict=True)]


def _calibrated(one: Any, writer: Writer, columns: Columns) -> list[str]:
    method = "decision_function" if hasattr(one.estimator, "decision_function") else "predict_proba"
    raw = writer.answer(one.estimator, columns, method)
    count = len(one.classes)
    if list(one.estimator.classes_) != list(one.classes):
        raise NotCoveredError("a classifier that is calibrated saw fewer classes than there are")
    if one.method not in ("sigmoid", "isotonic"):
        raise NotCoveredError(f"it is calibrated by {one.method}")
    if count == 2:
        share = writer.let(_calibrator(one.calibrators[0], writer, raw[-1]))
        return [writer.let(f"1.0 - {share}"), share]
    shares = [writer.let(_calibrator(each, writer, score)) for each, score in zip(one.calibrators, raw, strict=True)]
    total = writer.let(pairwise(shares))
    return [writer.let(f"{share} / {total} if {total} else {number(1 / count)}") for share in shares]


def _calibrator(one: Any, writer: Writer, score: str) -> str:
    if name_of(one) == "sklearn._SigmoidCalibration":
        return expit(writer, f"-({number(one.a_)} * ({score}) + {number(one.b_)})")
    if name_of(one) != "sklearn.IsotonicRegression" or one.out_of_bounds != "clip":
        raise NotCoveredError(f"it is calibrated by a {type(one).__name__}")
    writer.helper(ISOTONIC, "bisect")
    points = (one.X_thresholds_, one.y_thresholds_)
    return f"_isotonic({score}, {', '.join(writer.table(tuple_of(values)) for values in points)})"


ISOTONIC = '''\
def _isotonic(x, xs, ys):
    if x <= xs[0]:
        return ys[0]
    if x >= xs[-1]:
        return ys[-1]
    at = bisect.bisect_right(xs, x) - 1
    return (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at]) * (x - xs[at]) + ys[at]'''
"""Between two thresholds, a straight line, as numpy's `interp` draws it."""
