"""Statistics that drift is measured against."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from contracts.reference import ColumnReference, Reference, ScoreReference
from contracts.schema import Schema

BINS = 10
CATEGORIES = 100
"""Most categories that are counted by themselves; the rest is one bin."""


def reference_of(
    features: npt.NDArray[np.object_], schema: Schema, scores: npt.NDArray[np.float64], labels: dict[str, float]
) -> Reference:
    """Return the distribution of training features of shape (n, features), and of test scores (m,) and decided labels."""
    columns = {
        column.name: _strings(features[:, place]) if column.dtype == "string" else _numbers(features[:, place])
        for place, column in enumerate(schema.features)
    }
    edges = _edges(scores)
    return Reference(
        columns=columns,
        scores=ScoreReference(edges=edges, shares=_shares(scores, edges)),
        labels=labels,
        rows=len(features),
        score_rows=len(scores),
    )


def _numbers(values: npt.NDArray[np.object_]) -> ColumnReference:
    numbers = values.astype(np.float64)
    present = numbers[~np.isnan(numbers)]
    edges = _edges(present)
    return ColumnReference(bins=edges, shares=_shares(present, edges), missing=float(np.isnan(numbers).mean()))


def _strings(values: npt.NDArray[np.object_]) -> ColumnReference:
    counts = Counter(value for value in values.tolist() if value is not None)
    total = sum(counts.values())
    common = sorted(value for value, _ in counts.most_common(CATEGORIES))
    shares = [counts[value] / total for value in common]
    return ColumnReference(
        categories=tuple(common),
        shares=(*shares, max(0.0, 1.0 - sum(shares)) if len(counts) > len(common) else 0.0),
        missing=1.0 - total / len(values),
    )


def _edges(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Inner deciles, each a value that occurs, and each once: a column with few values gets a bin a value."""
    if not len(values):
        return ()
    deciles = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1], method="nearest")
    return tuple(float(edge) for edge in np.unique(deciles) if edge > values.min())


def _shares(values: npt.NDArray[np.float64], edges: tuple[float, ...]) -> tuple[float, ...]:
    bins = np.searchsorted(np.array(edges), values, side="right")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return tuple(float(count) / max(len(values), 1) for count in counts)
