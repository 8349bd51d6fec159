"""Plots of a model's verdict: what it gets wrong, how it ranks, how its probabilities hold, against the champion."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gateline.contracts.verdict import Plot, Series
from validation.metrics import Floats, Mask, Scored, Task
from validation.model.case import ModelCase

POINTS = 100
BINS = 10
CLASSES = 30
"""Most classes of a confusion matrix, the most frequent ones, and of the table of classes, the weakest ones."""
Curve = Callable[[Scored], tuple[Floats, Floats]]


def plots(case: ModelCase) -> list[Plot]:
    return [table(case), *(plot(case) for plot in DRAWN[case.candidate.task])]


def table(case: ModelCase) -> Plot:
    """Return every metric of candidate and champion, and the limits."""
    limits: dict[str, list[str]] = {}
    for limit in case.limits:
        limits.setdefault(limit.metric, []).append(f"{'≥' if limit.bound == 'min' else '≤'} {limit.value:g}")
    cells = [
        (value, case.champion_metrics.get(name, "–"), ", ".join(limits.get(name, [])) or "–")
        for name, value in case.metrics.items()
    ]
    return Plot(
        title="Metrics on the test rows",
        kind="table",
        rows=tuple(case.metrics),
        columns=("candidate", f"champion {case.champion.version}".strip(), "limit"),
        cells=tuple(cells),
        note=f"{len(case.candidate):,} rows; the primary metric is {case.settings.primary}.",
    )


def confusion(case: ModelCase) -> Plot:
    """Return how many rows of each class were called what."""
    scored = case.candidate
    size = len(scored.classes)
    known = scored.truth < size
    cells = np.bincount(scored.truth[known] * size + scored.called[known], minlength=size * size).reshape(size, size)
    shown = np.sort(np.argsort(-cells.sum(axis=1), kind="stable")[:CLASSES])
    labels = tuple(str(scored.classes[place]) for place in shown)
    left_out = f" The {CLASSES} most frequent of {size} classes." if size > CLASSES else ""
    return Plot(
        title="Confusion matrix",
        kind="heat",
        x_label="called",
        y_label="true",
        rows=labels,
        columns=labels,
        cells=tuple(tuple(float(cell) for cell in cells[row, shown]) for row in shown),
        note=f"Rows by true class (down) and called class (across).{left_out}",
    )


def roc(case: ModelCase) -> Plot:
    return _lines(case, _roc, ("ROC", "false-positive rate", "recall"), ("chance", (0, 1), (0, 1)), _whose(case.candidate))


def precision_recall(case: ModelCase) -> Plot:
    share = float(_pooled(case.candidate)[0].mean())
    labels = "Precision and recall", "recall", "precision"
    return _lines(case, _precision, labels, ("chance", (0, 1), (share, share)), _whose(case.candidate))


def ranking(case: ModelCase) -> Plot:
    return precision_recall(case) if case.settings.primary == "average_precision" else roc(case)


def calibration(case: ModelCase) -> Plot:
    scored = case.candidate
    named = f"class {scored.classes[scored.positive_column]}" if scored.task == "binary" else "the likeliest class"
    note = f"The probability of {named}. {BINS} bins of equal width; empty ones are left out."
    labels = "Calibration", "probability", "share that was so"
    return _lines(case, _reliability, labels, ("exact", (0, 1), (0, 1)), note)


def predicted_against_true(case: ModelCase) -> Plot:
    predicted = np.concatenate([_means(scored)[0] for _, scored in _both(case)])
    exact = (float(predicted.min()), float(predicted.max()))
    labels = "Predicted against true", "predicted (mean of the bin)", "true (mean of the bin)"
    return _lines(case, _means, labels, ("exact", exact, exact), f"{2 * BINS} bins of equally many rows.")


def residuals(case: ModelCase) -> Plot:
    """Return how the differences of predicted and true values are distributed."""
    both = [(name, scored.called - scored.truth) for name, scored in _both(case)]
    edges = np.histogram_bin_edges(np.concatenate([values for _, values in both]), bins=2 * BINS)
    middles = tuple(f"{middle:.3g}" for middle in (edges[:-1] + edges[1:]) / 2)
    series = [
        Series(name=name, x=middles, y=tuple(float(n) / len(values) for n in np.histogram(values, edges)[0]))
        for name, values in both
    ]
    return Plot(
        title="Residuals", kind="bar", x_label="predicted − true", y_label="share of rows", series=tuple(series)
    )


def by_class(case: ModelCase) -> Plot:
    """Return rows, precision and recall of each class that occurs, the lowest recall first, and a champion's recall."""
    scored, champion = case.candidate, case.champion.scored
    precision, recall, rows = _of_each(scored)
    before: dict[Any, float] = {}
    if champion is not None:
        before = dict(zip(champion.classes, _of_each(champion)[1].tolist(), strict=True))
    occurring = [place for place in np.argsort(recall, kind="stable") if rows[place]]
    left_out = f" The {CLASSES} weakest of {len(occurring)} classes." if len(occurring) > CLASSES else ""
    cells = []
    for place in occurring[:CLASSES]:
        against = (before.get(scored.classes[place], "–"),) if before else ()
        cells.append((f"{rows[place]:,}", float(precision[place]), float(recall[place]), *against))
    return Plot(
        title="Classes",
        kind="table",
        rows=tuple(str(scored.classes[place]) for place in occurring[:CLASSES]),
        columns=("rows", "precision", "recall", *(("recall of the champion",) if before else ())),
        cells=tuple(cells),
        note=f"Precision: of the rows called so, the share that is. Recall: of those that are, the share called so.{left_out}",
    )


def _both(case: ModelCase) -> list[tuple[str, Scored]]:
    champion = case.champion.scored
    return [("candidate", case.candidate), *([("champion", champion)] if champion is not None else [])]


def _lines(
    case: ModelCase,
    curve: Curve,
    labels: tuple[str, str, str],
    guide: tuple[str, tuple[float, float], tuple[float, float]],
    note: str,
) -> Plot:
    """Draw a curve of candidate and champion and a straight line; `labels` are the title and those of x and y."""
    drawn: list[tuple[str, Iterable[float], Iterable[float]]] = [(name, *curve(scored)) for name, scored in _both(case)]
    series = [Series(name=name, x=tuple(map(float, x)), y=tuple(map(float, y))) for name, x, y in (*drawn, guide)]
    title, x_label, y_label = labels
    return Plot(title=title, kind="line", x_label=x_label, y_label=y_label, series=tuple(series), note=note)


def _whose(scored: Scored) -> str:
    if scored.task == "binary":
        return f"Class {scored.classes[scored.positive_column]} against the other."
    return f"Each of {len(scored.classes)} classes against the rest, all rows together."


def _pooled(scored: Scored) -> tuple[Mask, Floats]:
    parts = scored.one_against_rest()
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _roc(scored: Scored) -> tuple[Floats, Floats]:
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve(*_pooled(scored))
    grid = np.linspace(0.0, 1.0, POINTS + 1)
    return grid, np.interp(grid, fpr, tpr)


def _precision(scored: Scored) -> tuple[Floats, Floats]:
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(*_pooled(scored))
    grid = np.linspace(0.0, 1.0, POINTS + 1)[1:]
    # Recall falls along the curve: of each step of the grid, the last point that is as high.
    return grid, precision[np.searchsorted(-recall, -grid, side="right") - 1]


def _reliability(scored: Scored) -> tuple[Floats, Floats]:
    score, hit = scored.scores.max(axis=1), scored.truth == scored.scores.argmax(axis=1)
    if scored.task == "binary":
        score, hit = scored.y_score, scored.truth == scored.positive_column
    return _binned(np.minimum((score * BINS).astype(int), BINS - 1), score, hit)


def _means(scored: Scored) -> tuple[Floats, Floats]:
    edges = np.quantile(scored.called, np.linspace(0, 1, 2 * BINS + 1)[1:-1])
    bins = np.searchsorted(np.unique(edges), scored.called, side="right")
    return _binned(bins, scored.called, scored.truth)


def _binned(bins: Any, x: Floats, y: Any) -> tuple[Floats, Floats]:
    filled = np.unique(bins)
    means = [[float(values[bins == place].mean()) for place in filled] for values in (x, y)]
    return np.array(means[0]), np.array(means[1])


def _of_each(scored: Scored) -> tuple[Floats, Floats, Any]:
    """Return precision, recall and rows, three arrays of shape (classes,)."""
    from sklearn.metrics import precision_recall_fscore_support

    places = range(len(scored.classes))
    found = precision_recall_fscore_support(scored.truth, scored.called, labels=places, zero_division=0.0)
    return found[0], found[1], found[3]


DRAWN: dict[Task, tuple[Callable[[ModelCase], Plot], ...]] = {
    "binary": (confusion, ranking, calibration),
    "multiclass": (confusion, by_class, ranking, calibration),
    "regression": (predicted_against_true, residuals),
}
