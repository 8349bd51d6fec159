"""Statistics that drift is measured against."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from gateline.contracts.reference import ColumnReference, Reference, ScoreReference
from gateline.contracts.schema import Dtype, Schema
from training.copula import with_loadings

BINS = 10
CATEGORIES = 100
"""Most categories that are counted by themselves; the rest is one bin."""
FEWEST = 30
"""Rows that one of more words than that needs to be counted by itself: what is picked for being frequent was so in part by
chance, and live rows would seem to have lost it."""


def reference_of(
    features: npt.NDArray[np.object_], schema: Schema, scores: npt.NDArray[np.float64], labels: dict[str, float]
) -> Reference:
    """Return the distribution of training features of shape (n, features), and of test scores (m,) and decided labels."""
    columns = {column.name: _column(features[:, place], column.dtype) for place, column in enumerate(schema.features)}
    columns = with_loadings(columns, features, schema)
    edges = _edges(scores)
    return Reference(
        columns=columns,
        scores=ScoreReference(edges=edges, shares=_shares(scores, edges)),
        labels=labels,
        rows=len(features),
        score_rows=len(scores),
    )


def _column(values: npt.NDArray[np.object_], dtype: Dtype) -> ColumnReference:
    """Time moves on, and that is no drift: of a datetime, one bin, so that how often it is missing is judged alone."""
    return _strings(values) if dtype == "string" else _numbers(values, 1 if dtype == "datetime" else BINS)


def _numbers(values: npt.NDArray[np.object_], bins: int) -> ColumnReference:
    numbers = values.astype(np.float64)
    present = numbers[~np.isnan(numbers)]
    edges = _edges(present, bins)
    return ColumnReference(bins=edges, shares=_shares(present, edges), missing=float(np.isnan(numbers).mean()))


def _strings(values: npt.NDArray[np.object_]) -> ColumnReference:
    counts = Counter(value for value in values.tolist() if value is not None)
    total = sum(counts.values())
    fewest = FEWEST if len(counts) > CATEGORIES else 1
    common = sorted(value for value, count in counts.most_common(CATEGORIES) if count >= fewest)
    shares = [counts[value] / total for value in common]
    return ColumnReference(
        categories=tuple(common),
        shares=(*shares, max(0.0, 1.0 - sum(shares)) if len(counts) > len(common) else 0.0),
        missing=1.0 - total / len(values),
    )


def _edges(values: npt.NDArray[np.float64], bins: int = BINS) -> tuple[float, ...]:
    """Inner quantiles, each a value that occurs, and each once: a column with few values gets a bin a value."""
    if not len(values):
        return ()
    inner = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1], method="nearest")
    return tuple(float(edge) for edge in np.unique(inner) if edge > values.min())


def _shares(values: npt.NDArray[np.float64], edges: tuple[float, ...]) -> tuple[float, ...]:
    bins = np.searchsorted(np.array(edges), values, side="right")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return tuple(float(count) / max(len(values), 1) for count in counts)
