"""What columns have to do with each other, as a few factors that all follow: enough to draw rows that could occur.

No row is kept: of each column its loadings, at most `FACTORS` numbers, stand in the artifact's reference.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from gateline.contracts.reference import ColumnReference
from gateline.contracts.schema import Schema

FACTORS = 10
MOST_COLUMNS = 400
"""Beyond so many columns their correlations would take longer than many a fit; each is drawn by itself then."""
DIGITS = 6
Scores = npt.NDArray[np.float64]


def with_loadings(
    columns: Mapping[str, ColumnReference], features: npt.NDArray[np.object_], schema: Schema
) -> dict[str, ColumnReference]:
    """Return the references with the loadings of features of shape (n, features), and the order of words along them."""
    if len(features) < 2 or not 1 < len(columns) <= MOST_COLUMNS:
        return dict(columns)
    words = [column.dtype == "string" for column in schema.features]
    numbers = [_normal(features[:, place].astype(np.float64)) for place, word in enumerate(words) if not word]
    along = _first_factor(np.column_stack(numbers)) if numbers else np.zeros(len(features))
    orders = {
        column.name: _order(features[:, place], columns[column.name], along)
        for place, column in enumerate(schema.features)
        if words[place]
    }
    levels = [
        _normal(_places(features[:, place], columns[column.name], orders[column.name]))
        if words[place]
        else _normal(features[:, place].astype(np.float64))
        for place, column in enumerate(schema.features)
    ]
    found = _loadings(np.column_stack(levels))
    return {
        name: known.model_copy(update={"loadings": tuple(map(float, row)), "order": orders.get(name, ())})
        for (name, known), row in zip(columns.items(), found)
    }


def _normal(values: Scores) -> Scores:
    """Return normal scores of ranks; what is missing is in the middle."""
    ranks = pd.Series(values).rank().to_numpy()
    known = ~np.isnan(values)
    return np.where(known, ndtri((ranks - 0.5) / max(int(known.sum()), 1)), 0.0)


def _first_factor(levels: Scores) -> Scores:
    return np.asarray(levels @ _vectors(levels)[1][:, -1], dtype=np.float64)


def _vectors(levels: Scores) -> tuple[Scores, Scores]:
    """Return the eigenvalues and vectors of the correlations, the largest last; a constant column goes with no other."""
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = np.nan_to_num(np.atleast_2d(np.corrcoef(levels, rowvar=False)))
    np.fill_diagonal(correlations, 1.0)
    values, vectors = np.linalg.eigh(correlations)
    return values, vectors


def _order(column: npt.NDArray[np.object_], known: ColumnReference, along: Scores) -> tuple[int, ...]:
    """Return the bins of a column of words by the mean of what the numbers follow; words that do not occur stay last."""
    places = _places(column, known, tuple(range(len(known.shares))))
    means = [float(along[places == index].mean()) if (places == index).any() else np.inf for index in range(len(known.shares))]
    return tuple(int(index) for index in np.argsort(means, kind="stable"))


def _places(column: npt.NDArray[np.object_], known: ColumnReference, order: tuple[int, ...]) -> Scores:
    """Return where in the order each word stands; NaN for a missing one."""
    rank = {bin_: place for place, bin_ in enumerate(order)}
    codes = {word: rank[index] for index, word in enumerate(known.categories)}
    other = rank[len(known.categories)]
    return np.array([np.nan if word is None else codes.get(word, other) for word in column.tolist()], dtype=np.float64)


def _loadings(levels: Scores) -> Scores:
    """Return the loadings of each column on the largest factors, shape (columns, factors); none is longer than 1."""
    values, vectors = _vectors(levels)
    kept = slice(-FACTORS, None)
    loadings = vectors[:, kept] * np.sqrt(np.clip(values[kept], 0.0, None))
    loadings = loadings * np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)  # a factor has no sign of its own
    lengths = np.linalg.norm(loadings, axis=1, keepdims=True)
    return np.asarray(np.round(loadings / np.maximum(lengths, 1.0), DIGITS)[:, ::-1], dtype=np.float64)
