"""How good the predictions were whose labels have arrived since: a metric with its standard error, from counts alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

from gateline.contracts.reference import Matured

Weights = Sequence[float]
"""Rows in each cell; they need not be whole."""
Metric = Callable[[Sequence[Matured], Weights, str], float | None]
STEP = 1e-4
MOST_CELLS = 300


@dataclass(frozen=True)
class Measured:
    """A metric on matured labels."""

    value: float
    error: float
    """Standard error."""
    rows: int


def measured(name: str, cells: Sequence[Matured], positive: str) -> Measured | None:
    """Return a metric with its standard error, or None where it is not known here or not defined on these labels.

    The error is the infinitesimal jackknife: how much a row's weight moves the metric (Efron, The Jackknife, the Bootstrap and
    Other Resampling Plans, 1982, chapter 6), tried on some hundred cells where there are more.
    """
    metric, weights = METRICS.get(name), [float(cell.count) for cell in cells]
    value = metric(cells, weights, positive) if metric and sum(weights) else None
    if metric is None or value is None:
        return None
    rows, tried, variance = sum(weights), 0.0, 0.0
    for index in range(0, len(cells), 1 + len(cells) // MOST_CELLS):
        moved = [*weights]
        moved[index] += STEP * rows
        nearby = metric(cells, moved, positive)
        influence = (nearby - value) * (1 + STEP) / STEP if nearby is not None else 0.0
        tried, variance = tried + weights[index], variance + weights[index] * influence**2
    return Measured(value, sqrt(variance / tried / rows) if tried else 0.0, int(rows))


def _accuracy(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    right = sum(weight for cell, weight in zip(cells, weights) if cell.predicted == cell.actual)
    return right / sum(weights)


def _log_loss(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    """Of two classes: of many, a cell holds the decided one's probability, and not what the actual one was given."""
    if not positive:
        return None
    loss = 0.0
    for cell, weight in zip(cells, weights):
        said = cell.score if cell.actual == positive else 1 - cell.score
        loss -= weight * log(min(max(said, 1e-15), 1.0))
    return loss / sum(weights)


def _roc_auc(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    """Chance that a positive scores above a negative, ties counting half (Mann-Whitney)."""
    above = below = won = 0.0
    for _, (hits, misses) in sorted(_by_score(cells, weights, positive).items()):
        won += hits * (below + misses / 2)
        above, below = above + hits, below + misses
    return won / (above * below) if above and below else None


def _average_precision(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    """Mean precision over the positives, from the highest score down, equal scores at once."""
    found = called = area = 0.0
    for _, (hits, misses) in sorted(_by_score(cells, weights, positive).items(), reverse=True):
        found, called = found + hits, called + hits + misses
        area += hits * found / called if called else 0.0
    return area / found if found else None


def _by_score(cells: Sequence[Matured], weights: Weights, positive: str) -> Mapping[float, tuple[float, float]]:
    counts: dict[float, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for cell, weight in zip(cells, weights):
        hits, misses = counts[cell.score]
        counts[cell.score] = (hits + weight, misses) if cell.actual == positive else (hits, misses + weight)
    return counts


def _precision(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    return _over_labels(cells, weights, lambda right, said, was: right / said if said else 0.0)


def _recall(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    return _over_labels(cells, weights, lambda right, said, was: right / was)


def _f1(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    return _over_labels(cells, weights, lambda right, said, was: 2 * right / (said + was))


def _over_labels(
    cells: Sequence[Matured], weights: Weights, score: Callable[[float, float, float], float]
) -> float | None:
    """Mean of a label's score, each label weighing as often as it was the actual one."""
    right: dict[str, float] = defaultdict(float)
    said: dict[str, float] = defaultdict(float)
    was: dict[str, float] = defaultdict(float)
    for cell, weight in zip(cells, weights):
        said[cell.predicted] += weight
        was[cell.actual] += weight
        right[cell.actual] += weight * (cell.predicted == cell.actual)
    return sum(was[name] * score(right[name], said[name], was[name]) for name in was) / sum(was.values())


def _mae(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    return sum(weight * abs(cell.score - float(cell.actual)) for cell, weight in zip(cells, weights)) / sum(weights)


def _rmse(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    return sqrt(_squares(cells, weights) / sum(weights))


def _r2(cells: Sequence[Matured], weights: Weights, positive: str) -> float | None:
    mean = sum(weight * float(cell.actual) for cell, weight in zip(cells, weights)) / sum(weights)
    spread = sum(weight * (float(cell.actual) - mean) ** 2 for cell, weight in zip(cells, weights))
    return 1 - _squares(cells, weights) / spread if spread else None


def _squares(cells: Sequence[Matured], weights: Weights) -> float:
    return sum(weight * (cell.score - float(cell.actual)) ** 2 for cell, weight in zip(cells, weights))


METRICS: dict[str, Metric] = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "mae": _mae,
    "rmse": _rmse,
    "r2": _r2,
}
