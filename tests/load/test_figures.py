"""Figures for people, and the plain comparison with the limits."""

from __future__ import annotations

import json

import pytest

from gateline.contracts.load_sample import LoadSample
from gateline.settings.errors import ExitCode
from load import figures


def _sample(latency: float = 10.0, requests: int = 100, failed: int = 0) -> LoadSample:
    failures = {"HTTP 500": failed} if failed else {}
    return LoadSample.of("u", [latency] * requests, failures, 2.0, intended_rate=50.0, users=4)


@pytest.mark.parametrize(
    ("sample", "limit", "code"),
    [
        (_sample(200.0), 200.0, ExitCode.PASS),
        (_sample(200.1), 200.0, ExitCode.FAIL),
        (_sample(failed=1), 200.0, ExitCode.PASS),
        (_sample(failed=2), 200.0, ExitCode.FAIL),
        (_sample(requests=49), 200.0, ExitCode.INCONCLUSIVE),
        (_sample(requests=100, failed=80), 200.0, ExitCode.FAIL),
        (_sample(requests=100, failed=81), 200.0, ExitCode.INCONCLUSIVE),
        (_sample(900.0, requests=1), None, ExitCode.PASS),
        (_sample(requests=0), None, ExitCode.INCONCLUSIVE),
        (_sample(requests=5, failed=5), None, ExitCode.INCONCLUSIVE),
    ],
)
def test_comparison(sample: LoadSample, limit: float | None, code: ExitCode) -> None:
    assert figures.compare(sample, limit, max_errors=0.01, enough=50).code == code


def test_both_numbers_are_said() -> None:
    lines = figures.compare(_sample(250.0, failed=5), 200.0, 0.01, 50).lines
    assert lines == ("p95: 250.0 ms, above the limit 200 ms: failed", "errors: 5.00%, above the limit 1.00%: failed")


def test_a_description_names_counts_rates_percentiles_and_failures() -> None:
    assert figures.describe(_sample(failed=2)).splitlines() == [
        "100 requests in 2.0 s, 2 failed",
        "rate: 49.0 predictions/s of 50/s intended, at most 4 at once",
        "latency: p50 10.0 ms, p95 10.0 ms, p99 10.0 ms, slowest 10.0 ms",
        "failed: 2 × HTTP 500",
    ]
    assert len(figures.describe(_sample(requests=0)).splitlines()) == 2


def test_one_line_of_counts() -> None:
    line = figures.one_line(_sample())
    assert "\n" not in line
    assert {"requests": 100, "errors": 0}.items() <= json.loads(line).items()


def test_the_announcement_says_how_long_it_takes() -> None:
    assert (
        figures.announce("u", 2000, 200.0, 100)
        == "sending 2,000 requests to u at 200/s, about 10 s (after 100 to warm up)"
    )
    assert "as fast as answers come" in figures.announce("u", 10, 0.0, 0)


def test_progress_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with figures.progress(10) as tell:
        tell(5)
    assert capsys.readouterr() == ("", "")
