"""`python -m load` against a real server with known delays and faults."""

from __future__ import annotations

import json
import signal
import time

import pytest

from gateline.settings.front_door import front_door
from load.__main__ import main
from load.traffic import UNANSWERED
from tests.load import app
from tests.load.conftest import Command

SLACK_MS = 150.0
"""What a busy machine may add to a percentile; far less than the faults that are looked for."""


@pytest.mark.slow
def test_latency_below_the_limit_passes_and_is_measured_within_tolerance(command: Command) -> None:
    """An answer takes 0.2 s: 20 requests are on their way at once, though the settings name 4 users."""
    done = command.run("/slow", "--requests", "200", "--rate", "100", "--max-latency", "400")
    assert done.code == 0, done.out + done.err
    sample = done.sample
    assert sample is not None and sample.p50_ms is not None and sample.p95_ms is not None
    assert 1000 * app.SLOW_SECONDS <= sample.p50_ms <= sample.p95_ms <= 1000 * app.SLOW_SECONDS + SLACK_MS
    assert (sample.requests, sample.errors, sample.failures) == (200, 0, {})
    assert sample.releases == {app.RELEASE: 200}
    assert 80 <= sample.rate <= 101 and sample.users >= 20
    assert f"p95: {sample.p95_ms:.1f} ms, allowed at most 400 ms: passed" in done.out
    assert "sending 200 requests" in done.err
    assert "<html" in (command.folder / "reports" / "benchmark" / "locust.html").read_text()


@pytest.mark.slow
def test_latency_above_the_limit_fails_with_both_numbers(command: Command) -> None:
    done = command.run("/fast", "--requests", "100", "--rate", "0", "--max-latency", "10")
    assert done.code == 1
    assert done.sample is not None
    assert f"p95: {done.sample.p95_ms:.1f} ms, above the limit 10 ms: failed" in done.out


@pytest.mark.slow
def test_a_stall_shows_on_a_schedule_in_every_request_it_held_up(command: Command) -> None:
    """150 requests a second and one stall of 1 s: about 150 of them are late, half of those by over 500 ms."""
    done = command.run("/stall", "--requests", "290", "--rate", "150", "--max-latency", "500")
    assert done.code == 1
    assert done.sample is not None and done.sample.p99_ms is not None
    assert done.sample.p99_ms > 800
    assert sum(value > 500 for value in done.sample.quantiles_ms) > 40
    assert "spawn rate" not in done.err, "300 users wait for the schedule, however fast they come"


@pytest.mark.slow
def test_the_same_stall_hides_where_users_wait_for_answers(command: Command) -> None:
    """One user without a schedule sees the stall once in 110 requests: that is why the schedule is there."""
    done = command.run("/hiccup", "--requests", "110", "--rate", "0", "--users", "1")
    assert done.sample is not None and done.sample.p99_ms is not None
    assert done.sample.p99_ms < 500 < done.sample.quantiles_ms[-1]


@pytest.mark.slow
def test_the_warm_up_is_not_counted(command: Command) -> None:
    config = command.folder / "pipeline.toml"
    config.write_text(config.read_text().replace("warmup_requests = 0", f"warmup_requests = {app.COLD_REQUESTS}"))
    done = command.run("/cold", "--requests", "50", "--max-latency", "2000")
    assert done.code == 0, done.out
    assert done.sample is not None and done.sample.p50_ms is not None
    assert (done.sample.requests, done.sample.p50_ms < 1000 * app.COLD_SECONDS) == (50, True)


@pytest.mark.slow
def test_errors_fail_and_are_named_by_kind(command: Command) -> None:
    done = command.run("/errors", "--requests", "100", "--max-latency", "2000")
    assert done.code == 1
    assert done.sample is not None and done.sample.failures == {"HTTP 500": 10}
    assert "errors: 10.00%, above the limit 0.00%: failed" in done.out
    assert "failed: 10 × HTTP 500" in done.out


@pytest.mark.slow
def test_an_answer_without_a_prediction_is_no_answer(command: Command) -> None:
    done = command.run("/empty", "--requests", "40", "--max-latency", "2000")
    assert done.code == 3
    assert done.sample is not None and done.sample.failures == {"no prediction in the answer": 40}
    assert "inconclusive: 0 of 40 requests were answered" in done.out


@pytest.mark.slow
def test_too_few_requests_judge_nothing(command: Command) -> None:
    done = command.run("/fast", "--requests", "10", "--max-latency", "2000")
    assert done.code == 3
    assert "10 of 10 requests were answered, needed are 20" in done.out


@pytest.mark.slow
def test_a_service_that_never_answers_ends_in_time_and_counts(command: Command) -> None:
    started = time.monotonic()
    done = command.run("/hang", "--requests", "40", "--seconds", "1", "--max-latency", "200")
    assert done.code == 3
    assert time.monotonic() - started < 25
    assert done.sample is not None and done.sample.failures == {UNANSWERED: 40}


@pytest.mark.slow
def test_nothing_listening_is_an_outside_failure_that_names_url_and_next_step(command: Command) -> None:
    done = Command(command.folder, "http://127.0.0.1:9").run("/predict", "--requests", "10")
    assert done.code == 4
    assert "http://127.0.0.1:9/predict: nothing answers at 127.0.0.1:9 (Connection refused)" in done.err
    assert "next: start the service" in done.err


@pytest.mark.slow
def test_traffic_runs_until_it_is_killed_and_prints_counts_as_one_line(command: Command) -> None:
    process = command.start("/killed", "--rate", "100", "--seconds", "30", "--until-killed")
    command.wait_for_requests("/killed", 20)
    process.send_signal(signal.SIGTERM)
    done = command.wait(process)
    assert done.code == 0, done.err
    counts = json.loads(done.out)
    assert counts["requests"] >= 20
    assert (counts["errors"], counts["failures"]) == (0, {})
    assert counts["releases"] == {app.RELEASE: counts["requests"]}


@pytest.mark.slow
def test_traffic_ends_by_itself(command: Command) -> None:
    done = command.run("/fast", "--rate", "100", "--seconds", "1", "--until-killed")
    assert done.code == 0
    assert 50 <= json.loads(done.out)["requests"] <= 110


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_writes_nothing(command: Command) -> None:
    process = command.start("/interrupted", "--rate", "20", "--requests", "10000")
    command.wait_for_requests("/interrupted", 5)
    process.send_signal(signal.SIGINT)
    done = command.wait(process)
    assert done.code == 130
    assert "interrupted" in done.err and "Traceback" not in done.err
    assert done.sample is None
    assert "0 failed" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--requests", "0"), "allowed: a whole number, 1 or more"),
        (("--max-latency", "fast"), "allowed: a number, 0 or more"),
        (("--max-latency", "0"), "allowed: a number above 0"),
        (("--rate", "-1"), "allowed: a number, 0 or more"),
        (("--rate", "inf"), "allowed: a number, 0 or more"),
        (("--schema", "absent.json"), "absent.json: no such schema file"),
        (("--config", "absent.toml"), "absent.toml: no such settings file"),
        (("--url", "127.0.0.1:8100"), "allowed: an http or https URL"),
    ],
)
def test_bad_arguments_are_usage_errors(
    command: Command,
    arguments: tuple[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(command.folder)
    try:
        code = front_door(lambda: main(["--url", "http://127.0.0.1:9/predict", *arguments]))
    except SystemExit as error:  # argparse ends by itself
        code = int(str(error.code))
    assert code == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_payload_that_cannot_be_made_ends_the_run(command: Command) -> None:
    schema = {
        "columns": [
            {"name": "x", "dtype": "integer", "categories": [1], "sentinels": [1]},
            {"name": "late", "dtype": "integer"},
        ]
    }
    (command.folder / "schema.json").write_text(json.dumps(schema))
    done = command.run("/fast", "--requests", "30")
    assert done.code == 2
    assert "no value of column 'x' can be made" in done.err
