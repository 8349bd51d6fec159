"""Plots of a model's verdict: what it gets wrong, how it ranks, how its probabilities hold, against the champion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gateline.contracts.verdict import Plot, Series
from validation.model.evidence import Evidence
from validation.scored import Floats, Scored, Task

POINTS = 100
BINS = 10
CLASSES = 30
"""Most classes of a confusion matrix; the most frequent ones are shown."""
MOST = 30
"""Most classes that are shown; the weakest ones."""


def plots(evidence: Evidence) -> list[Plot]:
    """Return the plots of one run, the table of metrics first."""
    return [table(evidence), *(plot(evidence) for plot in DRAWN[evidence.candidate.task])]


def table(evidence: Evidence) -> Plot:
    """Return every metric of candidate and champion, and the limits."""
    limits: dict[str, list[str]] = {}
    for limit in evidence.limits:
        limits.setdefault(limit.metric, []).append(f"{'≥' if limit.bound == 'min' else '≤'} {limit.value:g}")
    champion = evidence.champion_metrics
    cells = [
        (value, champion.get(name, "–"), ", ".join(limits.get(name, [])) or "–")
        for name, value in evidence.metrics.items()
    ]
    return Plot(
        title="Metrics on the test rows",
        kind="table",
        rows=tuple(evidence.metrics),
        columns=("candidate", f"champion {evidence.champion.version}".strip(), "limit"),
        cells=tuple(cells),
        note=f"{len(evidence.candidate):,} rows; the primary metric is {evidence.settings.primary}.",
    )


def confusion(evidence: Evidence) -> Plot:
    """Return how many rows of each class were called what."""
    scored = evidence.candidate
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


def roc(evidence: Evidence) -> Plot:
    """Return the ROC curve of candidate and champion; of many classes, one against the rest, all rows together."""
    series = [Series(name=name, x=x, y=y) for name, scored in _both(evidence) for x, y in [_roc(scored)]]
    return Plot(
        title="ROC",
        kind="line",
        x_label="false-positive rate",
        y_label="recall",
        series=(*series, Series(name="chance", x=(0.0, 1.0), y=(0.0, 1.0))),
        note=_whose(evidence.candidate),
    )


def precision_recall(evidence: Evidence) -> Plot:
    """Return precision by recall of candidate and champion: what ROC hides where the positive class is rare."""
    series = [Series(name=name, x=x, y=y) for name, scored in _both(evidence) for x, y in [_precision(scored)]]
    positives = float(np.concatenate([part[0] for part in evidence.candidate.one_against_rest()]).mean())
    return Plot(
        title="Precision and recall",
        kind="line",
        x_label="recall",
        y_label="precision",
        series=(*series, Series(name="chance", x=(0.0, 1.0), y=(positives, positives))),
        note=_whose(evidence.candidate),
    )


def ranking(evidence: Evidence) -> Plot:
    """Return the curve whose area is the primary metric; ROC where the metric is no area."""
    return precision_recall(evidence) if evidence.settings.primary == "average_precision" else roc(evidence)


def calibration(evidence: Evidence) -> Plot:
    """Return how often rows of about one probability are of the class: on the diagonal where probabilities hold."""
    series = [Series(name=name, x=x, y=y) for name, scored in _both(evidence) for x, y in [_reliability(scored)]]
    return Plot(
        title="Calibration",
        kind="line",
        x_label="probability",
        y_label="share that was so",
        series=(*series, Series(name="exact", x=(0.0, 1.0), y=(0.0, 1.0))),
        note=f"{_whose_probability(evidence.candidate)} {BINS} bins of equal width; empty ones are left out.",
    )


def predicted_against_true(evidence: Evidence) -> Plot:
    """Return the mean of the true values in bins of the predicted ones: on the diagonal where predictions hold."""
    series = []
    for name, scored in _both(evidence):
        bins = _quantile_bins(scored.called)
        means = [(scored.called[bins == place].mean(), scored.truth[bins == place].mean()) for place in np.unique(bins)]
        series.append(Series(name=name, x=tuple(float(x) for x, _ in means), y=tuple(float(y) for _, y in means)))
    ends = [end for one in series for end in (min(map(float, one.x)), max(map(float, one.x)))]
    exact = (min(ends), max(ends))
    return Plot(
        title="Predicted against true",
        kind="line",
        x_label="predicted (mean of the bin)",
        y_label="true (mean of the bin)",
        series=(*series, Series(name="exact", x=exact, y=exact)),
        note=f"{2 * BINS} bins of equally many rows.",
    )


def residuals(evidence: Evidence) -> Plot:
    """Return how the differences of predicted and true values are distributed."""
    both = [(name, scored.called - scored.truth) for name, scored in _both(evidence)]
    edges = np.histogram_bin_edges(np.concatenate([values for _, values in both]), bins=2 * BINS)
    middles = tuple(f"{middle:.3g}" for middle in (edges[:-1] + edges[1:]) / 2)
    series = [
        Series(name=name, x=middles, y=tuple(float(n) / len(values) for n in np.histogram(values, edges)[0]))
        for name, values in both
    ]
    return Plot(
        title="Residuals", kind="bar", x_label="predicted − true", y_label="share of rows", series=tuple(series)
    )


def _both(evidence: Evidence) -> list[tuple[str, Scored]]:
    champion = evidence.champion.scored
    return [("candidate", evidence.candidate), *([("champion", champion)] if champion is not None else [])]


def _whose(scored: Scored) -> str:
    if scored.task == "binary":
        return f"Class {scored.classes[scored.positive_column]} against the other."
    return f"Each of {len(scored.classes)} classes against the rest, all rows together."


def _whose_probability(scored: Scored) -> str:
    named = f"class {scored.classes[scored.positive_column]}" if scored.task == "binary" else "the likeliest class"
    return f"The probability of {named}."


def _roc(scored: Scored) -> tuple[tuple[float, ...], tuple[float | None, ...]]:
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve(*_pooled(scored))
    grid = np.linspace(0.0, 1.0, POINTS + 1)
    return tuple(map(float, grid)), tuple(map(float, np.interp(grid, fpr, tpr)))


def _precision(scored: Scored) -> tuple[tuple[float, ...], tuple[float | None, ...]]:
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(*_pooled(scored))
    grid = np.linspace(0.0, 1.0, POINTS + 1)[1:]
    # Recall falls along the curve: of each step of the grid, the last point that is as high.
    reached = np.searchsorted(-recall, -grid, side="right") - 1
    return tuple(map(float, grid)), tuple(map(float, precision[reached]))


def _pooled(scored: Scored) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return truth and score of each class against the rest, all rows together."""
    parts = scored.one_against_rest()
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _reliability(scored: Scored) -> tuple[tuple[float, ...], tuple[float | None, ...]]:
    if scored.task == "binary":
        score, hit = scored.y_score, scored.truth == scored.positive_column
    else:
        score, hit = scored.scores.max(axis=1), scored.truth == scored.scores.argmax(axis=1)
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    filled = np.unique(bins)
    return (
        tuple(float(score[bins == place].mean()) for place in filled),
        tuple(float(hit[bins == place].mean()) for place in filled),
    )


def _quantile_bins(values: Floats) -> npt.NDArray[np.intp]:
    edges = np.quantile(values, np.linspace(0, 1, 2 * BINS + 1)[1:-1])
    return np.searchsorted(np.unique(edges), values, side="right")


def by_class(evidence: Evidence) -> Plot:
    """Return rows, precision and recall of each class that occurs, the lowest recall first, and a champion's recall."""
    scored = evidence.candidate
    precision, recall, rows = _of_each(scored)
    before = _champions_recall(evidence)
    against = ("recall of the champion",) if before else ()
    occurring = [place for place in np.argsort(recall, kind="stable") if rows[place]]
    left_out = f" The {MOST} weakest of {len(occurring)} classes." if len(occurring) > MOST else ""
    return Plot(
        title="Classes",
        kind="table",
        rows=tuple(str(scored.classes[place]) for place in occurring[:MOST]),
        columns=("rows", "precision", "recall", *against),
        cells=tuple(
            (
                f"{rows[place]:,}",
                float(precision[place]),
                float(recall[place]),
                *(before.get(scored.classes[place], "–") for _ in against),
            )
            for place in occurring[:MOST]
        ),
        note=f"Precision: of the rows called so, the share that is. Recall: of those that are, the share called so.{left_out}",
    )


def _champions_recall(evidence: Evidence) -> dict[Any, float]:
    champion = evidence.champion.scored
    return {} if champion is None else dict(zip(champion.classes, _of_each(champion)[1].tolist(), strict=True))


def _of_each(scored: Scored) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Return precision, recall and rows, three arrays of shape (classes,)."""
    from sklearn.metrics import precision_recall_fscore_support

    places = range(len(scored.classes))
    found = precision_recall_fscore_support(scored.truth, scored.called, labels=places, zero_division=0.0)
    return found[0], found[1], found[3]


DRAWN: dict[Task, tuple[Callable[[Evidence], Plot], ...]] = {
    "binary": (confusion, ranking, calibration),
    "multiclass": (confusion, by_class, ranking, calibration),
    "regression": (predicted_against_true, residuals),
}
