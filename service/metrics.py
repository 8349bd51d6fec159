"""What the service counts, for Prometheus."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from gateline.contracts.release import Release

BUCKETS = (
    *(0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 2.0, 5.0, 10.0),
)
"""Upper bounds in seconds of the latency histogram."""
STATUSES = ("2xx", "4xx", "5xx")
MOST_LABELS = 200
"""Labels counted by themselves; what a hook makes up beyond these counts as one."""
OTHER = "other labels"


class Metrics:
    """The counters of one service process, in a registry of their own."""

    def __init__(self, release: Release) -> None:
        """Start every counter at zero; the release names itself at once."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        info = Gauge(
            "gateline_release_info",
            "The release that runs here",
            ("release", "version", "artifact"),
            registry=self.registry,
        )
        info.labels(release.digest, release.version, release.artifact).set(1)
        self._predictions = Counter("gateline_predictions", "Predictions by label", ("label",), registry=self.registry)
        requests = Counter(
            "gateline_requests", "Answers of /predict by status class", ("status",), registry=self.registry
        )
        self._requests = {status: requests.labels(status) for status in STATUSES}
        self._seconds = Histogram(
            "gateline_request_seconds", "Seconds to answer /predict", buckets=BUCKETS, registry=self.registry
        )
        self._empty = Counter(
            "gateline_empty_answers",
            "Answers of /predict with status 200 of which a row has no prediction",
            registry=self.registry,
        )
        self._labels: set[str] = set()
        ProcessCollector(registry=self.registry)
        self.rows = Counter("gateline_rows", "Rows predicted", registry=self.registry)
        self.cache_hits = Counter("gateline_cache_hits", "Rows answered from the shared cache", registry=self.registry)
        self.log_failures = Counter("gateline_log_failures", "Lines the prediction log lost", registry=self.registry)

    def expect(self, labels: Iterable[str]) -> None:
        """Show every label from the start, at zero."""
        for label in labels:
            self._labels.add(label)
            self._predictions.labels(label)

    def answered(self, status: int, seconds: float) -> None:
        """Count one answer of /predict."""
        self._requests[f"{status // 100}xx"].inc()
        self._seconds.observe(seconds)

    def predicted(self, rows: int, labels: list[str]) -> None:
        """Count the predictions of one answer by label: fewer than `rows` where an answer holds none."""
        self.rows.inc(rows)
        if len(labels) < rows:
            self._empty.inc()
        for label, count in collections.Counter(labels).items():
            self._predictions.labels(self._named(label)).inc(count)

    def exposition(self) -> bytes:
        """Return the metrics page."""
        return generate_latest(self.registry)

    def _named(self, label: str) -> str:
        """A hook that writes a number into each prediction would make a counter a request."""
        if label not in self._labels and len(self._labels) >= MOST_LABELS:
            return OTHER
        self._labels.add(label)
        return label
