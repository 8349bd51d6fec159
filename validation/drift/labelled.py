"""How good the predictions were whose labels have arrived since: a metric with its standard error, from counts of rows."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import NamedTuple

import numpy as np

from gateline.contracts.reference import Matured
from gateline.settings.project import METRICS, Metrics
from validation.metrics import Scored, measure

STEP = 1e-4
MOST_CELLS = 300
JUMPS = ("recall_at_fpr",)
"""Read at one threshold, which jumps from row to row: the jackknife knows no error of it."""
PLAIN = Metrics()


class Estimate(NamedTuple):
    """A metric on labels that have arrived, with its standard error."""

    value: float
    error: float
    rows: int


def estimated(name: str, cells: Sequence[Matured], positive: str) -> Estimate | None:
    """Return a metric with its standard error, or None where counts do not tell it, or it is not defined on these labels.

    Of many classes a cell holds the decided one's probability alone, so what needs all of them is not known. The error is
    the infinitesimal jackknife: how much a row's weight moves the metric (Efron, The Jackknife, the Bootstrap and Other
    Resampling Plans, 1982, chapter 6), tried on some hundred cells where there are more.
    """
    cells = [cell for cell in cells if cell.count]
    if not cells or name not in METRICS or name in JUMPS or (METRICS[name].ranks and not positive):
        return None
    scored = _numbers(cells) if METRICS[name].task == "regression" else _classes(cells, positive)
    value, rows = measure(name, scored, PLAIN), float(scored.weights.sum())
    if value is None:
        return None
    tried = variance = 0.0
    for index in range(0, len(cells), 1 + len(cells) // MOST_CELLS):
        moved = scored.weights.copy()
        moved[index] += STEP * rows
        nearby = measure(name, replace(scored, weights=moved), PLAIN)
        influence = (nearby - value) * (1 + STEP) / STEP if nearby is not None else 0.0
        tried, variance = tried + scored.weights[index], variance + scored.weights[index] * influence**2
    return Estimate(value, sqrt(variance / tried / rows), int(rows))


def _numbers(cells: Sequence[Matured]) -> Scored:
    predicted, actual, weights = np.array([(cell.score, float(cell.actual), cell.count) for cell in cells]).T
    return Scored.of("regression", actual, predicted.reshape(-1, 1), predicted, weights=weights)


def _classes(cells: Sequence[Matured], positive: str) -> Scored:
    """Of two classes, all that is not positive has what is left of the probability, a label that is neither included."""
    labels = {label for cell in cells for label in (cell.actual, cell.predicted)}
    classes = sorted({positive, f"not {positive}", *labels} if positive else labels)
    score, weights = np.array([(cell.score, cell.count) for cell in cells], dtype=np.float64).T
    scores = np.column_stack([score if name == positive else 1 - score for name in classes])
    actual, predicted = (np.array([getattr(cell, name) for cell in cells]) for name in ("actual", "predicted"))
    return Scored.of("binary" if positive else "multiclass", actual, scores, predicted, classes, positive, weights)
