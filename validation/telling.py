"""How much single columns, or a few of them together, tell of the target.

Each function is one standard measure of one column or of a sum of columns; what is too much is for the rules to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

SUMMED = 3
"""Most columns that are looked at together."""
IDENTITY = 0.9999
"""From this R² on, a sum (or a product) of a few columns is the target, not a model of it."""
MOST_ROWS = 20_000
"""More rows than this say nothing more of an identity."""


def own_auc(column: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of a column by itself, in the direction that is better: 0.5 to 1.

    Both classes must occur. It is the Mann-Whitney statistic; a tie counts half.
    """
    values, places = np.unique(column, return_inverse=True)
    yes = np.bincount(places[positive], minlength=len(values)).astype(np.float64)
    no = np.bincount(places[~positive], minlength=len(values)).astype(np.float64)
    below = np.cumsum(no) - no
    area = float((yes * (below + no / 2)).sum() / (yes.sum() * no.sum()))
    return max(area, 1.0 - area)


def told(column: Floats, codes: Codes, classes: int) -> float:
    """Return the share of a constant answer's wrong labels that intervals of one column tell right, 0 to 1.

    Each class gets one interval, in the order of its mean, as row numbers of a sorted file have it; with two classes one of
    them may also lie on both sides of the other. The best borders are found exactly.
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
    """Return the fewest columns whose weighted sum, or whose product of powers, is the target, and which of the two it is.

    `columns` has shape (n, columns). Found by least squares, column by column (forward selection), at most `SUMMED`; rows
    with a missing value are left out. None where there is no such identity.
    """
    rows = slice(0, MOST_ROWS)
    x, y = columns[rows], target[rows]
    found = _forward(x, y)
    if found is not None:
        return found, "sum"
    positive = (y > 0) & ~np.isnan(y)
    above = [bool(positive.any() and (column[positive] > 0).mean() > IDENTITY) for column in x.T]
    usable = np.flatnonzero(np.array(above, dtype=bool))
    if len(usable) and positive.mean() > IDENTITY:
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(x[:, usable] > 0, np.log(x[:, usable]), np.nan)
            found = _forward(logs, np.log(np.where(y > 0, y, np.nan)))
        return (tuple(int(usable[at]) for at in found), "product") if found is not None else None
    return None


def _forward(x: Floats, y: Floats) -> tuple[int, ...] | None:
    chosen: list[int] = []
    while len(chosen) < min(SUMMED, x.shape[1]):
        scores = {at: _r2(x[:, [*chosen, at]], y) for at in range(x.shape[1]) if at not in chosen}
        best = max(scores, key=lambda at: scores[at])
        chosen.append(best)
        if scores[best] >= IDENTITY:
            return tuple(sorted(chosen))
    return None


def _r2(x: Floats, y: Floats) -> float:
    """Return R² of the plane through the rows that are known, at least three for each number that is fitted."""
    known = np.isfinite(x).all(axis=1) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(y) < 3 * (x.shape[1] + 1) or np.ptp(y) == 0:
        return 0.0
    x, y = x - x.mean(axis=0), y - y.mean()
    weights, *_ = np.linalg.lstsq(x, y, rcond=None)
    rest = y - x @ weights
    return 1.0 - float(rest @ rest) / float(y @ y)
