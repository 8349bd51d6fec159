"""What this process has seen, counted in the bins of the artifact's reference; no row is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from gateline.contracts.reference import ColumnCounts, LiveCounts, Reference
from gateline.contracts.release import Release


class DriftCounters:
    """Counts rows column by column, scores and labels. Adding a row costs one search of a few edges a column."""

    def __init__(self, reference: Reference, features: Sequence[str], release: Release) -> None:
        """Start at zero, for features in the order of a row."""
        self._reference, self._release = reference, release
        self._features = [(name, reference.columns.get(name)) for name in features]
        self._counts = {name: [0] * len(column.shares) for name, column in self._features if column}
        self._missing: Counter[str] = Counter()
        self._scores = [0] * len(reference.scores.shares)
        self._labels: Counter[str] = Counter()
        self._rows = 0
        self._since = _now()

    def add(self, rows: Sequence[Sequence[float | str | None]], scores: Sequence[float], labels: Sequence[str]) -> None:
        """Count encoded rows (n, features), their n scores as the reference means them, and their n labels."""
        self._rows += len(rows)
        for row in rows:
            self._add_row(row)
        for score in scores:
            self._scores[self._reference.scores.index(score)] += 1
        self._labels.update(labels)

    def snapshot(self) -> LiveCounts:
        """Return everything counted since the process started."""
        columns = {
            name: ColumnCounts(counts=tuple(counts), missing=self._missing[name])
            for name, counts in self._counts.items()
        }
        return LiveCounts(
            rows=self._rows,
            columns=columns,
            scores=tuple(self._scores),
            labels=dict(self._labels) if self._reference.labels else {},
            release=self._release.digest,
            artifact=self._release.artifact,
            since=self._since,
            until=_now(),
        )

    def _add_row(self, row: Sequence[float | str | None]) -> None:
        for (name, column), value in zip(self._features, row):
            if column is None:
                continue
            place = column.index(value)
            if place is None:
                self._missing[name] += 1
            else:
                self._counts[name][place] += 1


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
