"""Naive Bayes and dummies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from infra.releases.fast_path.linear import dots
from infra.releases.fast_path.links import normalized_logs, pairwise
from infra.releases.fast_path.writer import (
    Column, Columns, Indicator, NotCoveredError, Number, Writer, number, numeric, steady, tuple_of,
)  # fmt: skip


def gaussian(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba` of GaussianNB."""
    writer.refuse_missing(columns)
    logs = []
    for prior, means, variances in zip(estimator.class_prior_, estimator.theta_, estimator.var_, strict=True):
        logs_of = pairwise([f"math.log({number(2.0 * np.pi * variance)})" for variance in variances])
        normal = writer.table(f"-0.5 * ({logs_of})")
        terms = [
            f"({numeric(column)} - {number(mean)}) ** 2 / {number(variance)}"
            for column, mean, variance in zip(columns, means, variances, strict=True)
        ]
        likely = writer.table(f"math.log({number(prior)})")
        logs.append(f"{likely} + ({normal} - 0.5 * ({pairwise(terms)}))")
    return normalized_logs(writer, logs)


def multinomial(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba` of MultinomialNB."""
    return normalized_logs(writer, dots(writer, columns, estimator.feature_log_prob_, estimator.class_log_prior_))


def bernoulli(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba` of BernoulliNB."""
    writer.refuse_missing(columns)
    if estimator.binarize is not None:
        columns = [_binary(writer, column, float(estimator.binarize)) for column in columns]
    absent = np.log(1 - np.exp(estimator.feature_log_prob_))
    rounded = np.vectorize(steady, otypes=[np.float64])
    starts = rounded(estimator.class_log_prior_ + absent.sum(axis=1))
    return normalized_logs(writer, dots(writer, columns, rounded(estimator.feature_log_prob_ - absent), starts))


def _binary(writer: Writer, column: Column, edge: float) -> Column:
    if isinstance(column, Indicator):
        return replace(column, on=float(column.on > edge), off=float(column.off > edge))
    writer.hit(column, edge)
    return Number(writer.let(f"1.0 if {numeric(column)} > {number(edge)} else 0.0"), is_whole=True)


def categorical(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write `predict_proba` of CategoricalNB: the codes of each column find their logarithms; other codes are refused."""
    writer.refuse_missing(columns)
    codes = []
    for column, known in zip(columns, estimator.feature_log_prob_, strict=True):
        code = writer.let(f"int({numeric(column)})")
        writer.line(f"if {code} < 0 or {code} >= {known.shape[1]}:")
        writer.line("    raise ValueError('a category that training did not see')")
        codes.append(code)
        for value in range(known.shape[1]):
            writer.hit(column, float(value))
    logs = []
    for place, prior in enumerate(estimator.class_log_prior_.tolist()):
        terms = ["0.0"]
        for code, known in zip(codes, estimator.feature_log_prob_):
            terms.append(f"{writer.table(tuple_of(known[place]))}[{code}]")
        logs.append(f"{' + '.join(terms)} + {number(prior)}")
    return normalized_logs(writer, logs)


def dummy_classifier(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write the same probabilities for every row."""
    if estimator.strategy == "stratified":
        raise NotCoveredError("a stratified DummyClassifier answers by chance")
    found = estimator.predict_proba(np.zeros((1, 1)))
    return [number(value) for value in found[0]]


def dummy_regressor(estimator: Any, writer: Writer, columns: Columns, method: str) -> list[str]:
    """Write the same number for every row."""
    return [number(value) for value in np.ravel(estimator.constant_)]
