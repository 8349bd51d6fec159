"""Plots of a load sample."""

from __future__ import annotations

from gateline.contracts.load_sample import LoadSample
from gateline.settings import BenchmarkGate
from validation.benchmark.plots import plots


def test_the_distribution_rises_to_nearly_all_and_leaves_the_slowest_to_the_note() -> None:
    latencies = [float(number) for number in range(1, 1000)] + [60_000.0]
    distribution, _ = plots(LoadSample.of("u", latencies, {}, 1.0), BenchmarkGate())
    (line,) = distribution.series
    shares = [share for share in line.y if share is not None]
    assert list(line.x) == sorted(line.x, key=float) and shares == sorted(shares)
    assert 0.98 < shares[-1] < 1 and max(map(float, line.x)) < 1000
    assert len(line.x) <= 400
    assert "the slowest took 60,000.0 ms" in distribution.note


def test_percentiles_stand_beside_their_limits() -> None:
    _, bars = plots(LoadSample.of("u", [5.0] * 100, {}, 1.0), BenchmarkGate(max_p95_ms=20.0))
    assert [(series.name, series.y) for series in bars.series] == [
        ("observed", (5.0, 5.0, 5.0)),
        ("limit", (100.0, 20.0, 500.0)),
    ]


def test_failures_are_listed_with_their_share() -> None:
    *_, table = plots(LoadSample.of("u", [5.0] * 100, {"HTTP 500": 3}, 1.0), BenchmarkGate())
    assert (table.kind, table.cells) == ("table", (("HTTP 500", 3, "3.00%"),))


def test_one_request_has_plots_too() -> None:
    assert len(plots(LoadSample.of("u", [5.0], {}, 1.0), BenchmarkGate())) == 2
