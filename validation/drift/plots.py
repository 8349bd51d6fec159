"""Drift as the data of plots: how far each distribution moved, and the scores now and at training time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateline.contracts.reference import LiveCounts, Reference
from gateline.contracts.verdict import Plot, Series


def plots(live: LiveCounts, reference: Reference, moved: Mapping[str, float], limit: float) -> tuple[Plot, ...]:
    """Return the index of every distribution, furthest first, and the distribution of scores; bins are numbered, not named."""
    if not moved:
        return ()
    names = sorted(moved, key=lambda name: -moved[name])
    index = Plot(
        title="How far each distribution moved",
        kind="bar",
        y_label="population stability index",
        series=(Series(name="PSI", x=tuple(names), y=tuple(moved[name] for name in names)),),
        note=f"limit {limit:g}",
    )
    if not sum(live.scores):
        return (index,)
    return index, _shares("Scores", live.scores, reference.scores.shares)


def _shares(title: str, live: Sequence[int], reference: Sequence[float]) -> Plot:
    bins = tuple(str(number + 1) for number in range(len(reference)))
    now = tuple(count / sum(live) for count in live)
    series = (Series(name="at training", x=bins, y=tuple(reference)), Series(name="live", x=bins, y=now))
    return Plot(title=title, kind="bar", x_label="bin, lowest first", y_label="share of rows", series=series)
