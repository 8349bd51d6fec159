"""Plots over the releases: recorded numbers alone, old to new, what was not judged left out and said so."""

from __future__ import annotations

from gateline.contracts.release import Release
from gateline.contracts.verdict import Verdict, at_least, at_most
from gateline.settings import Service
from infra.site.past import CANARIES, SHOWN, Registry, canaries, index, trends


def release(number: int) -> Release:
    """Return a release."""
    return Release(
        digest=f"{number:08x}" * 8,
        version=str(number),
        artifact=f"a{number}",
        project="tiny",
        lock="",
        python="3.11",
        service=Service(),
        created=f"2013-06-01T10:00:{number:02d}",
    )


def model(number: int, value: float) -> Verdict:
    """Return the verdict on a model whose accuracy has a limit of 0.8."""
    rule = at_least("limits", value, 0.8, subject="accuracy")
    return Verdict.of("validate_model", [rule], judged={"artifact": f"a{number}"}, metrics={"accuracy": value})


def about(stage: str, number: int, rule: str, value: float, limit: float) -> Verdict:
    """Return a verdict on a release with one rule."""
    metrics = {"seconds": 29.7, "canary_requests": 446.0} if stage == "canary" else {}
    made = Verdict.of(stage, [at_most(rule, value, limit)], judged={"release": f"{number:08x}" * 8}, metrics=metrics)
    return made.model_copy(update={"created": f"2013-06-{1 + number:02d}T10:00:00+00:00"})


def registry(count: int = 3, **verdicts: list[Verdict]) -> Registry:
    """Return a registry of so many releases."""
    return Registry(releases=[release(number) for number in range(count)], verdicts=verdicts)


def test_the_primary_metric_stands_next_to_its_limit() -> None:
    found = registry(validate_model=[model(0, 0.9), model(1, 0.7), model(2, 0.95)])
    (plot,) = trends(found, index(found), "accuracy")
    assert (plot.title, plot.note) == ("accuracy on the test rows", "")
    assert [series.y for series in plot.series] == [(0.9, 0.7, 0.95), (0.8, 0.8, 0.8)]


def test_a_release_that_was_not_judged_is_left_out_and_counted() -> None:
    found = registry(benchmark=[about("benchmark", 0, "p95", 12.5, 200.0), about("benchmark", 2, "p95", 250.0, 200.0)])
    (plot,) = trends(found, index(found), "accuracy")
    assert [series.y for series in plot.series] == [(12.5, 250.0), (200.0, 200.0)]
    assert plot.series[0].x == (release(0).digest[:8], release(2).digest[:8])
    assert plot.note == "1 of 3 releases have no such verdict and are left out."


def test_the_newest_verdict_counts() -> None:
    found = registry(1, benchmark=[about("benchmark", 0, "p95", 12.5, 200.0), about("benchmark", 0, "p95", 9.0, 100.0)])
    (plot,) = trends(found, index(found), "accuracy")
    assert [series.y for series in plot.series] == [(9.0,), (100.0,)]


def test_canaries_are_listed_newest_first_and_the_rest_counted() -> None:
    verdicts = [about("canary", number, "latency", 1.1, 1.2) for number in range(CANARIES + 2)]
    plot = canaries(registry(canary=verdicts))
    assert plot is not None and len(plot.cells) == CANARIES
    assert plot.cells[0] == (f"{CANARIES + 1:08x}", "passed", "2013-06-12 10:00", 30, 446.0)
    assert plot.note == "2 older ones not shown; each stands on its release's page."


def test_an_axis_holds_the_newest() -> None:
    found = registry(SHOWN + 5, validate_model=[model(number, 0.9) for number in range(SHOWN + 5)])
    (plot,) = trends(found, index(found), "accuracy")
    assert len(plot.series[0].x) == SHOWN and plot.series[0].x[-1] == release(SHOWN + 4).digest[:8]


def test_where_nothing_was_judged_nothing_is_drawn() -> None:
    assert trends(registry(), {}, "accuracy") == ()
