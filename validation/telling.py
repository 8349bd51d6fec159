"""How much single columns, or a few of them together, tell of the target.

Each function is one standard measure of one column or of a sum of columns; what is too much is for the rules to say.
"""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from validation.metrics import Floats, Mask, area, counts_by_score

Codes = npt.NDArray[np.intp]

SUMMED, MULTIPLIED = 8, 3
"""Most columns that are looked at together: as many summands, as many factors."""
IDENTITY = 0.9999
"""From this R² on, a sum (or a product) of a few columns is the target, not a model of it."""
SAME_ORDER = 0.999
"""From this squared rank correlation on, a column has the order of the target; rounding takes some of it away."""
MOSTLY = 0.99
"""Share of the rows whose target is 0 in which a factor must be 0, too."""
MOST_ROWS = 20_000
"""More rows than this say nothing more of an identity."""


def own_auc(column: Floats, positive: Mask) -> float:
    """Return the area under the ROC curve of a column by itself, in the direction that is better: 0.5 to 1.

    Both classes must occur.
    """
    found = area(*counts_by_score(column, positive, np.ones(len(column))))
    return max(found, 1.0 - found)


def told(column: Floats, codes: Codes, classes: int) -> float:
    """Return the share of a constant answer's wrong labels that intervals of one column tell right, 0 to 1.

    Each class gets one interval, in the order of its mean, as row numbers of a sorted file have it; with two classes one of
    them may also be on both sides of the other. The best borders are found exactly.
    """
    counts = np.bincount(codes, minlength=classes)
    wrong = int(len(codes) - counts.max())
    if wrong == 0:
        return 0.0
    order = np.argsort(column, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(column[order]) > 0, True))
    within = np.stack([np.cumsum(codes[order] == code)[ends] for code in range(classes)])
    present = [code for code in range(classes) if counts[code]]
    means = {code: float(column[codes == code].mean()) for code in present}
    ordered = sorted(present, key=lambda code: means[code])
    ways = [(*pair, pair[0]) for pair in permutations(ordered)] if len(ordered) == 2 else [tuple(ordered)]
    right = max(_agree(within, way) for way in ways)
    return max(0.0, 1.0 - (len(codes) - right) / wrong)


def _agree(within: npt.NDArray[np.intp], way: Sequence[int]) -> int:
    """Return how many rows are right where the classes follow each other in this way; `within` counts each up to a place."""
    best: npt.NDArray[Any] = np.zeros(within.shape[1] + 1, dtype=np.int64)
    for code in way:
        counted = np.concatenate([[0], within[code]])
        best = counted + np.maximum.accumulate(best - counted)
    return int(best[-1])


def combination(columns: Floats, target: Floats) -> tuple[tuple[int, ...], str] | None:
    """Return the fewest columns that are the target together, and how: one that has its `order`, as a rank or a logarithm has,
    some whose weighted `sum` it is, or whose `product` of powers.

    `columns` has shape (n, columns). Sum and product are found by least squares, column by column (forward selection); rows
    with a missing value are left out. A share or a percentage b may also stand in a product as 1 - b or 1 + b, as a discount
    does. None where there is no such identity.
    """
    from scipy.stats import rankdata  # Takes as long to import as a small table to judge, and no data rule needs it.

    x, y = columns[:MOST_ROWS], target[:MOST_ROWS]
    for at, column in enumerate(x.T):  # Spearman's rank correlation
        known = np.isfinite(column) & np.isfinite(y)
        if _r2(rankdata(column[known]).reshape(-1, 1), rankdata(y[known])) >= SAME_ORDER:
            return (at,), "order"
    found = _forward(x, y, _r2, SUMMED)
    if found is not None:
        return found, "sum"
    found = _product(x, y)
    return (found, "product") if found is not None else None


def _product(x: Floats, y: Floats) -> tuple[int, ...] | None:
    """Signs are left out of account; where the target is 0, one of the factors must be."""
    some, nothing = np.isfinite(y) & (y != 0), y == 0
    if some.sum() < nothing.sum():
        return None
    factors = []
    for at, column in enumerate(x.T):
        known = column[np.isfinite(column)]
        made = [column]
        if len(known) and 0 <= known.min() and known.max() <= 100:  # what a share or a percentage leaves or adds
            whole = 1.0 if known.max() <= 1 else 100.0
            made += [whole - column, whole + column]
        for factor in made:
            wanted = factor[some & np.isfinite(factor)]
            if len(wanted) and float((wanted != 0).mean()) > IDENTITY:
                factors.append((at, factor))
    if not factors:
        return None
    matrix = np.stack([factor for _, factor in factors], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs, wanted = np.log(np.abs(matrix)), np.log(np.abs(np.where(some, y, np.nan)))
    found = _forward(np.where(np.isfinite(logs), logs, np.nan), wanted, _r2_of_powers, MULTIPLIED)
    if found is None or (nothing.any() and (matrix[nothing][:, found] == 0).any(axis=1).mean() < MOSTLY):
        return None
    return tuple(sorted({factors[at][0] for at in found}))


def _forward(x: Floats, y: Floats, share: Callable[[Floats, Floats], float], most: int) -> tuple[int, ...] | None:
    chosen: list[int] = []
    while len(chosen) < min(most, x.shape[1]):
        scores = {at: _r2(x[:, [*chosen, at]], y) for at in range(x.shape[1]) if at not in chosen}
        best = max(scores, key=lambda at: scores[at])
        chosen.append(best)
        if scores[best] >= IDENTITY or share(x[:, chosen], y) >= IDENTITY:
            return tuple(sorted(chosen))
    return None


def _r2(x: Floats, y: Floats) -> float:
    """Return R² of the plane through the rows that are known, at least three for each number that is fitted."""
    return _explained(*_fitted(x, y))


def _r2_of_powers(logs: Floats, log_y: Floats) -> float:
    """Return R² of a product itself: its logarithms differ by much where a small one is rounded."""
    fitted, wanted = _fitted(logs, log_y)
    largest = wanted.max() if len(wanted) else 0.0
    return _explained(np.exp(np.minimum(fitted - largest, 1.0)), np.exp(wanted - largest))


def _fitted(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the plane's values and the true ones in the rows that are known; nothing where they are too few."""
    known = np.isfinite(x).all(axis=1) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(y) < 3 * (x.shape[1] + 1):
        return y[:0], y[:0]
    middle = x.mean(axis=0), y.mean()
    weights, *_ = np.linalg.lstsq(x - middle[0], y - middle[1], rcond=None)
    return middle[1] + (x - middle[0]) @ weights, y


def _explained(fitted: Floats, y: Floats) -> float:
    if not len(y) or np.ptp(y) == 0:
        return 0.0
    return 1.0 - float(np.square(y - fitted).sum()) / float(np.square(y - y.mean()).sum())
