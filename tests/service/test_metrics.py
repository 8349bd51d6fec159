"""The metrics have the promised names, and each service process its own."""

from __future__ import annotations

import sys

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateline.contracts.latency import BUCKETS
from gateline.contracts.release import Release
from service.metrics import MOST_LABELS, OTHER, Metrics


def read(metrics: Metrics) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    samples = (sample for family in families for sample in family.samples)
    return {(sample.name, ",".join(dict(sorted(sample.labels.items())).values())): sample.value for sample in samples}


def test_everything_is_shown_from_the_start(release: Release) -> None:
    metrics = Metrics(release)
    metrics.expect(["0", "1"])
    found = read(metrics)
    named = {name for name, _ in found if not name.startswith(("gateline_request_seconds", "process_"))}
    assert named == {
        "gateline_release_info",
        "gateline_predictions_total",
        "gateline_requests_total",
        "gateline_empty_answers_total",
        "gateline_rows_total",
        "gateline_cache_hits_total",
        "gateline_log_failures_total",
    }
    assert found[("gateline_release_info", f"{release.artifact},{release.digest},{release.version}")] == 1
    assert found[("gateline_predictions_total", "1")] == 0
    assert {labels for name, labels in found if name == "gateline_requests_total"} == {"2xx", "4xx", "5xx"}


def test_answers_are_counted_by_class_and_timed(release: Release) -> None:
    metrics = Metrics(release)
    for status, seconds in ((200, 0.0004), (204, 0.003), (422, 0.2), (503, 20.0)):
        metrics.answered(status, seconds)
    found = read(metrics)
    counts = [found[("gateline_requests_total", status)] for status in ("2xx", "4xx", "5xx")]
    assert counts == [2, 1, 1]
    assert found[("gateline_request_seconds_bucket", "0.0005")] == 1
    assert found[("gateline_request_seconds_bucket", "10.0")] == 3
    assert found[("gateline_request_seconds_bucket", "+Inf")] == 4
    assert found[("gateline_request_seconds_sum", "")] == 20.2034


def test_predictions_are_counted_by_label_and_row(release: Release) -> None:
    metrics = Metrics(release)
    metrics.predicted(3, ["1", "0", "1"])
    found = read(metrics)
    assert found[("gateline_predictions_total", "1")] == 2
    assert found[("gateline_predictions_total", "0")] == 1
    assert found[("gateline_rows_total", "")] == 3


def test_an_answer_of_which_a_row_has_no_prediction_is_counted_once(release: Release) -> None:
    metrics = Metrics(release)
    for labels in (["1", "0", "1"], ["1"], []):
        metrics.predicted(3, labels)
    found = read(metrics)
    assert found[("gateline_empty_answers_total", "")] == 2 and found[("gateline_rows_total", "")] == 9


def test_a_hook_that_makes_up_a_label_a_request_makes_no_counter_a_request(release: Release) -> None:
    metrics = Metrics(release)
    metrics.expect(["0", "1"])
    for number in range(1000):
        metrics.predicted(1, [f"made up {number}"])
    metrics.predicted(1, ["1"])
    labels = {label: count for (name, label), count in read(metrics).items() if name == "gateline_predictions_total"}
    assert len(labels) == MOST_LABELS + 1
    assert (labels[OTHER], labels["1"]) == (1000 - (MOST_LABELS - 2), 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel says it in /proc")
def test_the_memory_of_the_process_is_said(release: Release) -> None:
    said = read(Metrics(release))[("process_resident_memory_bytes", "")]
    assert said == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_two_services_in_one_process_do_not_share_counters(release: Release) -> None:
    first, second = Metrics(release), Metrics(release)
    first.predicted(1, ["1"])
    assert read(second)[("gateline_rows_total", "")] == 0


def test_buckets_are_fine_and_cover_half_a_millisecond_to_ten_seconds() -> None:
    assert (BUCKETS[0], BUCKETS[-1]) == (0.00001, 10.0)
    assert list(BUCKETS) == sorted(set(BUCKETS))
    assert all(after / before <= 2.5 for before, after in zip(BUCKETS, BUCKETS[1:]))
