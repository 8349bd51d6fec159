"""The recorder counts what locust tells it, once it has begun."""

from __future__ import annotations

from dataclasses import dataclass, field

from load.traffic import UNANSWERED, Recorder


@dataclass
class Answer:
    """What a listener sees of a response."""

    status_code: int = 200
    headers: dict[str, str] | None = field(default_factory=lambda: {"X-Gateline-Release": "abc"})


def test_nothing_before_the_beginning_counts() -> None:
    recorder = Recorder()
    recorder(response_time=900.0, exception=None, response=Answer())
    recorder.begin()
    recorder(response_time=5.0, exception=None, response=Answer(), name="/predict", context={})
    sample = recorder.sample("u", 10.0, 2)
    assert (sample.requests, sample.p99_ms, sample.releases) == (1, 5.0, {"abc": 1})
    assert (sample.intended_rate, sample.users) == (10.0, 2)


def test_failures_are_counted_by_kind() -> None:
    recorder = Recorder()
    recorder.begin()
    recorder(response_time=1.0, exception=Exception("x"), response=Answer(503))
    recorder(response_time=1.0, exception=Exception("no prediction"), response=Answer())
    recorder(response_time=1.0, exception=ConnectionRefusedError(111, "refused"), response=Answer(0, None))
    recorder.cut_off([700.0, 800.0])
    sample = recorder.sample("u", 0.0, 1)
    kinds = {"HTTP 503": 1, "no prediction": 1, "ConnectionRefusedError": 1, UNANSWERED: 2}
    assert sample.failures == kinds
    assert (sample.requests, sample.errors, sample.answered, sample.p99_ms) == (5, 5, 0, 800.0)


def test_a_run_that_never_began_is_an_empty_sample() -> None:
    sample = Recorder().sample("u", 0.0, 1)
    assert (sample.requests, sample.p50_ms, sample.rate, sample.error_share) == (0, None, 0.0, 0.0)
