"""What a load sample keeps of its latencies."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateline.contracts.load_sample import LoadSample, percentile


def test_percentiles_are_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.0, 0.01, 0.5, 0.95, 0.99, 1.0)] == [1, 1, 50, 95, 99, 100]
    assert percentile([7.0], 0.5) == 7.0
    assert percentile([1.0, 2.0, 3.0], 0.5) == 2.0


def test_a_sample_of_latencies_in_any_order() -> None:
    sample = LoadSample.of("u", [3.0, 1.0, 2.0, 4.0], {"HTTP 500": 1}, 2.0)
    assert (sample.p50_ms, sample.p95_ms, sample.p99_ms) == (2.0, 4.0, 4.0)
    assert sample.quantiles_ms[0] == 1.0 and sample.quantiles_ms[-1] == 4.0
    assert (sample.requests, sample.errors, sample.answered, sample.error_share, sample.rate) == (4, 1, 3, 0.25, 1.5)


def test_many_latencies_are_kept_as_1001_quantiles() -> None:
    sample = LoadSample.of("u", [float(number) for number in range(50_000)], {}, 1.0)
    assert len(sample.quantiles_ms) == 1001
    assert sample.quantiles_ms[500] == sample.p50_ms
    assert sample.quantiles_ms[-1] == 49_999.0


@pytest.mark.parametrize("latencies", [[], [5.0], [5.0, 6.0]])
def test_few_latencies(latencies: list[float]) -> None:
    sample = LoadSample.of("u", latencies, {}, 0.0)
    assert list(sample.quantiles_ms) == latencies
    assert sample.rate == 0.0


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValidationError):
        LoadSample(url="u", requests=-1, errors=0, seconds=1.0)
