"""What an engine reads from its replicas: readiness, figures, drift counts, predictions and logs."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter

import httpx
import pytest

from gateline.contracts.headers import TOKEN, TOKEN_VARIABLE
from gateline.contracts.slots import Slot
from gateline.settings.errors import GateRefused, OutsideError
from tests.infra.running_environment import READY_SECONDS, RunningEnvironment
from tests.traffic import Traffic


def test_a_crash_on_start_is_told_at_once_with_the_last_lines(steady: RunningEnvironment) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", crash="no such model: flights"), 1)
    begun = time.monotonic()
    with pytest.raises(OutsideError, match=r"(?s)2\+.* in slot canary of production ended.*no such model: flights"):
        steady.engine.wait_ready(Slot.CANARY, 60)
    assert time.monotonic() - begun < 20
    with pytest.raises(OutsideError, match="gives no metrics"):
        steady.engine.metrics(Slot.CANARY)
    assert steady.engine.metrics(Slot.STABLE).releases == {steady.stable.digest}


def test_never_ready_is_told_with_what_the_service_answers(steady: RunningEnvironment) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", never_ready=True), 1)
    with pytest.raises(OutsideError, match=r"was not ready within 2\.5 s: .*/health/ready answers 503"):
        steady.engine.wait_ready(Slot.CANARY, 2.5)


def test_another_release_that_answers_is_refused(steady: RunningEnvironment) -> None:
    steady.engine.start(Slot.CANARY, steady.fetched("2", release="e" * 64), 1)
    with pytest.raises(GateRefused, match=r"^digest: http://.*/health/ready is release eeeeeeeeeeee"):
        steady.engine.wait_ready(Slot.CANARY, READY_SECONDS)


def test_metrics_are_the_slots_own(steady: RunningEnvironment) -> None:
    stable, canary = steady.stable, steady.canary(error_every=4)
    before = steady.engine.metrics(Slot.STABLE)
    steady.engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})
    weighed = not steady.engine.status().sharing
    with Traffic(steady.url, threads=1, keep_alive=False) as traffic:
        traffic.wait_for(200)
    of_stable, of_canary = steady.engine.metrics(Slot.STABLE), steady.engine.metrics(Slot.CANARY)
    assert of_stable.releases == {stable.digest} and of_canary.releases == {canary.digest}
    assert of_stable.errors == 0 and of_stable.proxy_errors == 0 and of_canary.restarts == 0
    assert of_canary.errors == len(traffic.lost) > 0
    assert of_canary.proxy_errors == (of_canary.errors if steady.takes_turns else 0.0)
    new = of_stable.requests - before.requests
    assert new + of_canary.requests == traffic.answered + len(traffic.lost)
    if weighed:
        assert of_canary.proxied == of_canary.requests and of_stable.proxied - before.proxied == new
    assert of_stable.predictions["1"] - before.predictions["1"] == new
    assert of_canary.predictions == {"1": of_canary.requests - of_canary.errors}
    assert of_canary.latency_buckets[float("inf")] == of_canary.requests and of_canary.latency_sum > 0


def test_answers_are_those_that_clients_got_also_from_no_replica(steady: RunningEnvironment) -> None:
    before = steady.engine.answers()
    if not before:
        pytest.skip("what stands before the slots does not say what it answers")
    found: Counter[int] = Counter()

    def ask_until(status: int) -> None:
        for _ in range(100):
            last = httpx.get(f"{steady.url}/health/ready").status_code
            found[last] += 1
            if last == status:
                return
            time.sleep(0.1)
        raise AssertionError(found)

    steady.engine.guard(Slot.STABLE, True)  # nobody beats: it is out soon
    ask_until(503)
    steady.engine.guard(Slot.STABLE, False)
    ask_until(200)
    grown = {name: count - before[name] for name, count in steady.engine.answers().items()}
    assert grown == {"2xx": found[200], "3xx": 0, "4xx": 0, "5xx": found[503]}


def test_drift_counts_and_predictions_are_those_of_the_replicas(steady: RunningEnvironment) -> None:
    names = {replica.name for replica in steady.engine.status().slots[Slot.STABLE].replicas}
    with Traffic(steady.url) as traffic:
        traffic.wait_for(50)
    counts = steady.another().drift_counts(Slot.STABLE)
    assert set(counts) == names and all(one.release == steady.stable.digest for one in counts.values())
    total = steady.engine.metrics(Slot.STABLE).requests
    assert sum(one.rows for one in counts.values()) == total >= 50
    lines = [json.loads(line) for line in steady.another().predictions()]
    assert len(lines) == total and all(line == {"release": steady.stable.digest} for line in lines)


def test_logs_hold_the_last_lines_of_every_part(steady: RunningEnvironment) -> None:
    names = {replica.name for replica in steady.engine.status().slots[Slot.STABLE].replicas}
    logs = steady.another().logs(3)
    assert len(logs) >= 3 and all(len(text.splitlines()) <= 3 for text in logs.values())
    for name in names:
        [text] = [text for log, text in logs.items() if name in log]
        assert "listening on" in text
    assert any("proxy" in log or "watcher" in log for log in logs)


def test_the_client_reaches_each_replica_and_carries_the_token(steady: RunningEnvironment) -> None:
    token = steady.engine.secrets[TOKEN_VARIABLE]
    assert token == steady.another().secrets[TOKEN_VARIABLE] != ""
    for replica in steady.engine.status().slots[Slot.STABLE].replicas:
        with steady.engine.client(f"http://{replica.address}", 5.0) as client:
            about = client.get("/health/ready").json()
            assert client.headers[TOKEN] == token
        assert about["release"] == steady.stable.digest and token in about["variables"].values()
    with steady.engine.client("http://127.0.0.1:1", 1.0) as client, pytest.raises(httpx.HTTPError):
        client.get("/health/ready")


@pytest.mark.slow
def test_metrics_only_grow_when_replicas_are_restarted(fresh: RunningEnvironment) -> None:
    fresh.serving(replicas=2)
    names = [replica.name for replica in fresh.engine.status().slots[Slot.STABLE].replicas]
    with Traffic(fresh.url) as traffic:
        traffic.wait_for(100)
        looks = [fresh.engine.metrics(Slot.STABLE)]
        for number, name in enumerate(names, start=1):
            fresh.send(name, signal.SIGKILL)
            deadline = time.monotonic() + 10
            while fresh.engine.metrics(Slot.STABLE).restarts < number:
                assert time.monotonic() < deadline
            looks += [fresh.engine.metrics(Slot.STABLE) for _ in range(5)]
            fresh.engine.wait_ready(Slot.STABLE, READY_SECONDS)
            traffic.wait_for(100)
            looks.append(fresh.engine.metrics(Slot.STABLE))
    for earlier, later in zip(looks, looks[1:], strict=False):
        assert later.requests >= earlier.requests and later.proxied >= earlier.proxied
        assert later.latency_sum >= earlier.latency_sum and later.predictions["1"] >= earlier.predictions["1"]
    assert looks[-1].requests >= 250
