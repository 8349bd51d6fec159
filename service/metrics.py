"""What the service counts: for Prometheus, and for drift, in the bins of the artifact's reference; no row is kept."""

from __future__ import annotations

import collections
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate, repeat
from operator import ne
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateline.contracts.latency import BUCKETS
from gateline.contracts.reference import ColumnCounts, ColumnReference, LiveCounts, Reference
from gateline.contracts.release import Release

if TYPE_CHECKING:
    from gateline.contracts.encoding import Encoded

STATUSES = ("2xx", "4xx", "5xx")
MOST_LABELS = 200
"""Labels counted by themselves; what a hook makes up beyond these counts as one."""
OTHER = "other labels"
TOGETHER = 128
"""Rows that are counted for drift at a time, in a tenth of a millisecond."""
TEXTS = {str, type(None)}
Meaning = Callable[[list[list[float]]], tuple[list[float], list[str]]]
"""Of the scores of rows to one number and one label a row."""


class Metrics(Collector):
    """The counters of one service process, in a registry of their own.

    Plain numbers, counted on the event loop alone: the counters of prometheus_client take a lock each, which costs a request
    more than its answer does. They are put into its words where somebody asks.
    """

    def __init__(self, release: Release) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._release = release
        self._requests = dict.fromkeys(STATUSES, 0)
        self._within = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0
        self._predictions: dict[str, int] = {}
        self._empty = self._rows = self._cache_hits = 0
        self._lost, self._lock = 0, threading.Lock()
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def expect(self, labels: Iterable[str]) -> None:
        """Show every label from the start, at zero."""
        for label in labels:
            self._predictions.setdefault(label, 0)

    def answered(self, status: int, seconds: float) -> None:
        """Count one answer to a request for predictions."""
        self._requests[f"{status // 100}xx"] += 1
        self._within[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def predicted(self, rows: int, labels: list[str]) -> None:
        """Count the predictions of one answer by label: fewer than `rows` where an answer holds none."""
        self._rows += rows
        if len(labels) < rows:
            self._empty += 1
        for label in labels:
            if label not in self._predictions and len(self._predictions) >= MOST_LABELS:
                label = OTHER  # a hook that writes a number into each prediction would make a counter a request
            self._predictions[label] = self._predictions.get(label, 0) + 1

    def shared(self, rows: int) -> None:
        """Count rows that were answered from the shared cache."""
        self._cache_hits += rows

    def lost(self, lines: int) -> None:
        """Count lines that the prediction log lost, from any thread."""
        with self._lock:
            self._lost += lines

    def collect(self) -> Iterator[Metric]:
        """Return everything as prometheus_client's metrics."""
        release = self._release
        known = ("release", "version", "artifact")
        info = GaugeMetricFamily("gateline_release_info", "The release that runs here", labels=known)
        info.add_metric((release.digest, release.version, release.artifact), 1)
        yield info
        yield _counter("gateline_predictions", "Predictions by label", "label", self._predictions)
        yield _counter("gateline_requests", "Answers to requests for predictions by status class", "status", self._requests)
        seconds = HistogramMetricFamily("gateline_request_seconds", "Seconds to answer a request for predictions")
        bounds = [*map(floatToGoString, BUCKETS), "+Inf"]
        seconds.add_metric((), list(zip(bounds, map(float, accumulate(self._within)))), self._seconds)
        yield seconds
        said = "Answers with status 200 of which a row has no prediction"
        yield CounterMetricFamily("gateline_empty_answers", said, self._empty)
        yield CounterMetricFamily("gateline_rows", "Rows predicted", self._rows)
        yield CounterMetricFamily("gateline_cache_hits", "Rows answered from the shared cache", self._cache_hits)
        yield CounterMetricFamily("gateline_log_failures", "Lines the prediction log lost", self._lost)

    def exposition(self) -> bytes:
        """Return the metrics page."""
        return generate_latest(self.registry)


def _counter(name: str, said: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, said, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


class DriftCounters:
    """Counts rows column by column, scores and labels.

    Rows wait until `TOGETHER` of them are counted, or somebody asks: a column of many values is counted in half the time that
    one row after another takes.
    """

    def __init__(self, reference: Reference, features: Sequence[str], release: Release, meaning: Meaning) -> None:
        """`features` are in the order of a row; `meaning` tells of scores what the reference compares, and their labels."""
        self._reference, self._release = reference, release
        known = [(place, name, reference.columns[name]) for place, name in enumerate(features) if name in reference.columns]
        self._columns = {name: _ColumnCounter(place, column) for place, name, column in known}
        self._edges = reference.scores.edges
        self._scores: collections.Counter[int] = collections.Counter()
        self._labels: collections.Counter[str] = collections.Counter()
        self._rows = 0
        self._meaning = meaning
        self._waiting: list[Encoded] = []
        self._with_scores: list[list[float]] = []
        self._since = _now()

    def add(self, rows: Sequence[Encoded], scores: Sequence[list[float]]) -> None:
        """Count encoded rows (n, features) and their n scores."""
        self._waiting += rows
        self._with_scores += scores
        if len(self._waiting) >= TOGETHER:
            self._count()

    def _count(self) -> None:
        if not self._waiting:
            return
        columns = list(zip(*self._waiting))
        for column in self._columns.values():
            column.add(columns[column.place])
        compared, labels = self._meaning(self._with_scores)
        self._scores.update(map(bisect_right, repeat(self._edges), compared))
        self._labels.update(labels)
        self._rows += len(self._waiting)
        self._waiting, self._with_scores = [], []

    def snapshot(self) -> LiveCounts:
        """Return everything counted since the process started."""
        self._count()
        return LiveCounts(
            rows=self._rows,
            columns={name: column.snapshot() for name, column in self._columns.items()},
            scores=tuple(self._scores[place] for place in range(len(self._reference.scores.shares))),
            labels=dict(self._labels) if self._reference.labels else {},
            release=self._release.digest,
            artifact=self._release.artifact,
            since=self._since,
            until=_now(),
        )


class _ColumnCounter:
    """The values of one column in the bins of `ColumnReference.index`."""

    def __init__(self, place: int, column: ColumnReference) -> None:
        self.place, self._column = place, column
        self._seen: collections.Counter[int | None] = collections.Counter()
        self._words: dict[object, int | None] = {word: bin for bin, word in enumerate(column.categories)} | {None: None}

    def add(self, values: Sequence[Any]) -> None:
        """Count encoded values: most columns hold floats alone, or texts and None, which are counted without a loop here."""
        column, kinds = self._column, set(map(type, values))
        if kinds == {float}:
            self._seen.update(map(bisect_right, repeat(column.bins), values))
            missing = sum(map(ne, values, values))
            self._seen[len(column.bins)] -= missing  # not a number fell behind every edge
            self._seen[None] += missing
        elif kinds <= TEXTS:
            self._seen.update(map(self._words.get, values, repeat(len(column.categories))))
        else:
            self._seen.update(map(column.index, values))

    def snapshot(self) -> ColumnCounts:
        """Return everything counted since the process started."""
        counts = tuple(self._seen[place] for place in range(len(self._column.shares)))
        return ColumnCounts(counts=counts, missing=self._seen[None])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
