"""The plots of a load sample: distribution of latency, percentiles against limits, kinds of failure."""

from __future__ import annotations

from gateline.contracts.load_sample import LoadSample, percentile
from gateline.contracts.verdict import Plot, Series
from gateline.settings import BenchmarkGate

SHOWN = 0.995
"""Share of requests that the distribution shows; the slowest few would flatten the rest."""


def plots(sample: LoadSample, gate: BenchmarkGate) -> tuple[Plot, ...]:
    """Return the plots of what was seen; none where nothing was."""
    drawn = [_distribution(sample), _percentiles(sample, gate)] if sample.quantiles_ms else []
    return (*drawn, _failures(sample)) if sample.failures else tuple(drawn)


def _distribution(sample: LoadSample) -> Plot:
    """Show which share of requests took at most how long (the empirical distribution function)."""
    values = sample.quantiles_ms
    most = percentile(values, SHOWN)
    last = max(len(values) - 1, 1)
    points = [(0.0 if len(values) == 1 else index / last, value) for index, value in enumerate(values) if value <= most]
    kept = points[:: max(len(points) // 200, 1)]
    ecdf = Series(name="requests", x=tuple(value for _, value in kept), y=tuple(share for share, _ in kept))
    return Plot(
        title="Latency: share of requests done within",
        kind="line",
        x_label="milliseconds",
        y_label="share of requests",
        series=(ecdf,),
        note=f"{sample.requests:,} requests; the slowest took {values[-1]:,.1f} ms",
    )


def _percentiles(sample: LoadSample, gate: BenchmarkGate) -> Plot:
    names = ("p50", "p95", "p99")
    return Plot(
        title="Latency percentiles and limits",
        kind="bar",
        y_label="milliseconds",
        series=(
            Series(name="observed", x=names, y=(sample.p50_ms, sample.p95_ms, sample.p99_ms)),
            Series(name="limit", x=names, y=(gate.max_p50_ms, gate.max_p95_ms, gate.max_p99_ms)),
        ),
    )


def _failures(sample: LoadSample) -> Plot:
    cells = tuple((kind, count, f"{count / sample.requests:.2%}") for kind, count in sample.failures.items())
    return Plot(title="Failed requests", kind="table", columns=("kind", "requests", "share"), cells=cells)
