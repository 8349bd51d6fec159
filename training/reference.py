"""What an artifact remembers of its rows: statistics that drift is measured against, and what columns have to do with each
other, as a few factors that all follow, enough to draw rows that could occur.

No row is kept: of each column its loadings, at most `FACTORS` numbers, stand in the artifact's reference.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from gateline.contracts.reference import ColumnReference, Reference, ScoreReference
from gateline.contracts.schema import Schema

BINS = 10
CATEGORIES = 100
"""Most categories that are counted by themselves; the rest is one bin."""
FEWEST = 30
"""Rows that one of more words than that needs to be counted by itself: what is picked for being frequent was so in part by
chance, and live rows would seem to have lost it."""
FACTORS = 10
MOST_COLUMNS = 400
"""Beyond so many columns their correlations would take longer than many a fit; each is drawn by itself then."""
DIGITS = 6
Objects = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]


def reference_of(features: Objects, schema: Schema, scores: Floats, labels: dict[str, float]) -> Reference:
    """Return the distribution of training features of shape (n, features), and of test scores (m,) and decided labels.

    Time moves on, and that is no drift: of a datetime, one bin, so that how often it is missing is judged alone.
    """
    columns = {}
    for place, column in enumerate(schema.features):
        values = features[:, place]
        bins = 1 if column.dtype == "datetime" else BINS
        columns[column.name] = _strings(values) if column.dtype == "string" else _numbers(values, bins)
    if len(features) > 1 and 1 < len(columns) <= MOST_COLUMNS:
        columns = _with_loadings(columns, features, schema)
    edges = _edges(scores)
    known = ScoreReference(edges=edges, shares=_shares(scores, edges))
    return Reference(columns=columns, scores=known, labels=labels, rows=len(features), score_rows=len(scores))


def _numbers(values: Objects, bins: int) -> ColumnReference:
    numbers = values.astype(np.float64)
    present = numbers[~np.isnan(numbers)]
    edges = _edges(present, bins)
    return ColumnReference(bins=edges, shares=_shares(present, edges), missing=float(np.isnan(numbers).mean()))


def _strings(values: Objects) -> ColumnReference:
    counts = Counter(value for value in values.tolist() if value is not None)
    total = sum(counts.values())
    fewest = FEWEST if len(counts) > CATEGORIES else 1
    common = sorted(value for value, count in counts.most_common(CATEGORIES) if count >= fewest)
    shares = [counts[value] / total for value in common]
    rest = max(0.0, 1.0 - sum(shares)) if len(counts) > len(common) else 0.0
    return ColumnReference(categories=tuple(common), shares=(*shares, rest), missing=1.0 - total / len(values))


def _edges(values: Floats, bins: int = BINS) -> tuple[float, ...]:
    """Inner quantiles, each a value that occurs, and each once: a column with few values gets a bin for each value."""
    if not len(values):
        return ()
    inner = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1], method="nearest")
    return tuple(float(edge) for edge in np.unique(inner) if edge > values.min())


def _shares(values: Floats, edges: tuple[float, ...]) -> tuple[float, ...]:
    counts = np.bincount(np.searchsorted(np.array(edges), values, side="right"), minlength=len(edges) + 1)
    return tuple(float(count) / max(len(values), 1) for count in counts)


def _with_loadings(columns: Mapping[str, ColumnReference], features: Objects, schema: Schema) -> dict[str, ColumnReference]:
    """Return the references with the loadings of the features, and the order of words along what the numbers follow."""
    words = {column.name: features[:, at] for at, column in enumerate(schema.features) if column.dtype == "string"}
    levels = {
        column.name: _normal(features[:, at].astype(np.float64))
        for at, column in enumerate(schema.features)
        if column.name not in words
    }
    along = np.zeros(len(features))
    if levels:
        numbers = np.column_stack(list(levels.values()))
        along = numbers @ _vectors(numbers)[1][:, -1]
    orders = {name: _order(values, columns[name], along) for name, values in words.items()}
    for name, values in words.items():
        levels[name] = _normal(_places(values, columns[name], orders[name]))
    found = _loadings(np.column_stack([levels[name] for name in columns]))
    return {
        name: known.model_copy(update={"loadings": tuple(map(float, row)), "order": orders.get(name, ())})
        for (name, known), row in zip(columns.items(), found)
    }


def _normal(values: Floats) -> Floats:
    """Return normal scores of ranks; what is missing is in the middle."""
    known, found = ~np.isnan(values), np.zeros(len(values))
    _, places, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # equal values share the middle of theirs
    found[known] = ndtri((ranks[places] - 0.5) / max(len(places), 1))
    return found


def _vectors(levels: Floats) -> tuple[Floats, Floats]:
    """Return the eigenvalues and vectors of the correlations, the largest last; a constant column goes with no other."""
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = np.nan_to_num(np.atleast_2d(np.corrcoef(levels, rowvar=False)))
    np.fill_diagonal(correlations, 1.0)
    values, vectors = np.linalg.eigh(correlations)
    return values, vectors


def _order(column: Objects, known: ColumnReference, along: Floats) -> tuple[int, ...]:
    """Return the bins of a column of words by the mean of what the numbers follow; words that do not occur stay last."""
    bins = range(len(known.shares))
    places = _places(column, known, tuple(bins))
    means = [float(along[places == index].mean()) if (places == index).any() else np.inf for index in bins]
    return tuple(int(index) for index in np.argsort(means, kind="stable"))


def _places(column: Objects, known: ColumnReference, order: tuple[int, ...]) -> Floats:
    """Return where in the order each word stands; NaN for a missing one."""
    rank = {bin_: place for place, bin_ in enumerate(order)}
    codes = {word: rank[index] for index, word in enumerate(known.categories)}
    other = rank[len(known.categories)]
    return np.array([np.nan if word is None else codes.get(word, other) for word in column.tolist()], dtype=np.float64)


def _loadings(levels: Floats) -> Floats:
    values, vectors = _vectors(levels)
    kept = slice(-FACTORS, None)
    loadings = vectors[:, kept] * np.sqrt(np.clip(values[kept], 0.0, None))
    loadings = loadings * np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)  # a factor has no sign of its own
    lengths = np.linalg.norm(loadings, axis=1, keepdims=True)
    return np.asarray(np.round(loadings / np.maximum(lengths, 1.0), DIGITS)[:, ::-1], dtype=np.float64)
