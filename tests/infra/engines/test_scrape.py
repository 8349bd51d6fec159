"""A replica's own figures."""

from __future__ import annotations

import httpx
import pytest

from gateline.settings.errors import OutsideError
from infra.engines.observing import read, scrape

PAGE = """\
# HELP gateline_requests_total Answers
# TYPE gateline_requests_total counter
gateline_release_info{release="abc",version="1",artifact="x"} 1
gateline_requests_total{status="2xx"} 7
gateline_requests_total{status="4xx"} 2
gateline_requests_total{status="5xx"} 1
gateline_empty_answers_total 3
process_resident_memory_bytes 1.5e+08
gateline_predictions_total{label="0"} 5
gateline_predictions_total{label="1"} 3
gateline_request_seconds_bucket{le="0.1"} 9
gateline_request_seconds_bucket{le="+Inf"} 10
gateline_request_seconds_sum 0.5
gateline_request_seconds_count 10
python_info{version="3.11"} 1
"""


def test_a_page_is_read() -> None:
    figures = read(PAGE)
    assert figures.releases == {"abc"} and figures.requests == 10
    assert (figures.errors, figures.refused, figures.memory) == (1 + 3, 2, 1.5e8)
    assert figures.latency_sum == 0.5 and figures.latency_buckets == {0.1: 9, float("inf"): 10}
    assert figures.predictions == {"0": 5, "1": 3}


def test_figures_of_several_replicas_are_added() -> None:
    other = PAGE.replace('"abc"', '"def"').replace('label="1"', 'label="2"')
    both = read(PAGE).plus(read(other))
    assert both.releases == {"abc", "def"} and both.requests == 20 and both.latency_sum == 1.0
    assert both.latency_buckets == {0.1: 18, float("inf"): 20} and both.predictions == {"0": 10, "1": 3, "2": 3}
    assert (both.errors, both.refused) == (8, 4)


def test_a_release_from_before_says_nothing_of_empty_answers_and_memory() -> None:
    old = "".join(line for line in PAGE.splitlines(True) if not line.startswith(("gateline_empty", "process_")))
    assert (read(old).errors, read(old).memory) == (1, 0.0)


def test_a_replica_that_does_not_answer_is_named() -> None:
    with (
        httpx.Client(trust_env=False) as client,
        pytest.raises(OutsideError, match="replica at 127.0.0.1:1 gives no metrics"),
    ):
        scrape(client, "127.0.0.1:1")


def test_what_is_no_metrics_page_is_named() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="a{ b"))
    with httpx.Client(transport=transport) as client, pytest.raises(OutsideError, match="gives no metrics"):
        scrape(client, "127.0.0.1:1")
