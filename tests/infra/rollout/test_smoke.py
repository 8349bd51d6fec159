"""Each question of the smoke test has a release that passes it and one that does not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.contracts.manifest import Manifest
from gateline.contracts.release import Release
from gateline.contracts.verdict import Outcome, Verdict
from gateline.settings import Service
from infra.host.ports import free_ports
from infra.host.processes import end, wait_until
from infra.rollout.smoke import Expected, judge, judge_replicas
from infra.trials.subject import unpacked
from tests.infra.tiny_project import ROWS, SCORES, Site


@contextmanager
def served(site: Site, **knobs: Any) -> Iterator[tuple[str, Expected]]:
    """Serve a release alone, whether it says ready or not; yield its address and what it must answer."""
    release = site.release(**knobs)
    folder = unpacked(release, site.target().releases, site.root)
    (port,) = free_ports(1, ())
    argv = [sys.executable, "-m", "service", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: listens(port), 30)
        yield f"127.0.0.1:{port}", Expected.of(folder, release)
    finally:
        end(process, 5.0)


def listens(port: int) -> bool:
    """Say whether the service answers at all."""
    try:
        httpx.get(f"http://127.0.0.1:{port}/health/live", trust_env=False)
    except httpx.TransportError:
        return False
    return True


def failed(verdict: Verdict) -> dict[str, str]:
    """Return the reason of each rule that failed."""
    return {rule.name: rule.reason for rule in verdict.failed}


def test_a_good_release_passes(site: Site) -> None:
    with served(site) as (address, expected):
        verdict = judge(f"http://{address}", expected)
    assert verdict.outcome is Outcome.PASS
    assert [rule.name for rule in verdict.rules] == ["ready_early", "contract", "contract", "golden"]
    assert verdict.judged == {"release": expected.release.digest}
    assert verdict.rules[-1].sample == len(ROWS)


@pytest.mark.parametrize(
    ("knobs", "rule", "words"),
    [
        ({"release": "f" * 64}, "ready_early", "for release ffffffffffff"),
        ({"never_ready": True}, "ready_early", "ready answered 503"),
        ({"field": "another"}, "contract", "in the API's description: size"),
        ({"terse": True}, "contract", "fields missing in the answer: model_version"),
        ({"lenient": True}, "contract", "an unknown field was answered 200; allowed: 4xx"),
        ({"off": 1e-6}, "golden", "3 golden rows differ from offline by 1e-06 at most; allowed 1e-09"),
        ({"off": float("nan")}, "golden", "by inf at most"),
        ({"alone": 1e-6}, "golden", "one at a time, 3 golden rows differ from offline by 1e-06 at most"),
        ({"crowded": 1e-6}, "golden", "among many, 3 golden rows differ from offline by 1e-06 at most"),
        ({"other": True}, "golden", "by 0 at most; allowed 1e-09; 3 are decided otherwise"),
    ],
)
def test_a_bad_one_fails_the_rule(site: Site, knobs: dict[str, Any], rule: str, words: str) -> None:
    with served(site, **knobs) as (address, expected):
        verdict = judge(f"http://{address}", expected)
    assert list(failed(verdict)) == [rule] and words in failed(verdict)[rule]
    assert all("--logs" in each.next_step for each in verdict.failed)


def test_a_difference_below_the_tolerance_is_none(site: Site) -> None:
    with served(site, off=1e-11) as (address, expected):
        assert judge(f"http://{address}", expected).outcome is Outcome.PASS


def test_nobody_answers(site: Site) -> None:
    with served(site) as (_, expected):
        pass
    verdict = judge(f"http://127.0.0.1:{free_ports(1, ())[0]}", expected)
    assert set(failed(verdict)) == {"ready_early", "contract", "golden"}
    assert "gave no usable answer: ConnectError" in failed(verdict)["golden"]


@pytest.mark.parametrize("body", ["[]", '"text"', "not JSON", '{"predictions": [1, 2, 3]}', '{"predictions": []}'])
def test_answers_of_any_shape_fail_in_words(site: Site, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    with served(site) as (_, expected):
        pass
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=body))
    monkeypatch.setattr("httpx._client.HTTPTransport", lambda **options: transport)
    verdict = judge("http://127.0.0.1:1", expected)
    assert {"ready_early", "golden"} <= set(failed(verdict))


def test_every_replica_is_judged_and_named(site: Site) -> None:
    with served(site) as (good, expected), served(site, off=0.1) as (bad, _):
        verdict = judge_replicas([good, bad], expected, environment="staging")
    assert {(rule.name, rule.subject) for rule in verdict.failed} == {("ready_early", bad), ("golden", bad)}
    assert verdict.judged == {"release": expected.release.digest, "environment": "staging"}


def test_without_golden_rows_nothing_can_be_judged(site: Site) -> None:
    with served(site, rows=False) as (address, expected):
        verdict = judge(f"http://{address}", expected)
    assert verdict.outcome is Outcome.INCONCLUSIVE and len(verdict.not_judged) == 4


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [
        ({}, [3]),
        ({"max_rows": 2}, [2, 1]),
        ({"max_rows": 1}, [1, 1, 1]),
        ({"max_body_bytes": 1024}, [3]),
    ],
)
def test_golden_rows_keep_to_the_limits_of_the_release(site: Site, limits: dict[str, int], sizes: list[int]) -> None:
    expected = ask(Service.model_validate(limits))
    asked = list(expected.requests([2, 1, 0], 3))
    assert [len(rows) for rows, _ in asked] == sizes
    assert [place for _, places in asked for place in places] == [2, 1, 0]
    assert asked[0][0][0] == expected.named(ROWS[2])
    assert [len(rows) for rows, _ in expected.requests(range(3), 1)] == [1, 1, 1]


def test_long_golden_rows_are_sent_a_few_at_a_time() -> None:
    expected = replace(ask(Service(max_body_bytes=1024)), rows=[[1.0, "x" * 400]] * 5, scores=[[0.0, 1.0]] * 5)
    assert [len(rows) for rows, _ in expected.requests(range(5), 5)] == [2, 2, 1]


def ask(service: Service) -> Expected:
    """Return what a release with these limits must answer."""
    manifest = Manifest(
        identity="a", version="1", inputs={}, files={}, task="binary", target="late", features=("size", "colour")
    )
    release = Release(digest="d", version="1", artifact="a", project="tiny", lock="l", python="3.11", service=service)
    return Expected(release, manifest, ROWS, SCORES)


@pytest.mark.parametrize(
    ("task", "classes", "answer", "scores", "good"),
    [
        ("regression", (), {"prediction": 7.5}, [7.5], True),
        ("regression", (), {"prediction": 7.6}, [7.5], False),
        ("multiclass", ("a", "b"), {"prediction": "a", "probabilities": {"a": 0.75, "b": 0.25}}, [0.75, 0.25], True),
        ("multiclass", ("a", "b"), {"prediction": "a", "probabilities": {"a": 0.25, "b": 0.75}}, [0.75, 0.25], False),
        ("multiclass", ("a", "b"), {"prediction": "a", "probabilities": {"a": 0.75}}, [0.75, 0.25], False),
        ("binary", (0, 1), {"prediction": 1, "probability": 0.25}, [0.75, 0.25], True),
        ("binary", (0, 1), {"prediction": 1, "probability": 0.75}, [0.75, 0.25], False),
    ],
)
def test_each_task_is_compared_in_its_own_way(
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    classes: tuple[Any, ...],
    answer: dict[str, Any],
    scores: list[float],
    good: bool,
) -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        rows = len(json.loads(request.content or "{}").get("rows", ()))
        return httpx.Response(200, json={"predictions": [answer] * rows, "properties": ["size"]} | answer)

    monkeypatch.setattr("httpx._client.HTTPTransport", lambda **options: httpx.MockTransport(answered))
    about = {"identity": "a", "version": "1", "inputs": {}, "files": {}, "target": "y", "features": ("size",)}
    manifest = Manifest.model_validate(about | {"task": task, "classes": classes})
    verdict = judge("http://127.0.0.1:1", replace(ask(Service()), manifest=manifest, rows=[[1.0]], scores=[scores]))
    assert ("golden" not in failed(verdict)) is good


def test_a_bundle_that_is_none_is_no_smoke_test(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Expected.of(tmp_path, ask(Service()).release)
