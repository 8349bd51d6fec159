"""Verdicts: found again by what they judged, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts

PASS = Rule(name="a", outcome=Outcome.PASS, reason="")
FAIL = Rule(name="b", outcome=Outcome.FAIL, reason="")


@pytest.fixture
def verdicts(tmp_path: Path) -> Verdicts:
    return Verdicts(Store(str(tmp_path), "p"))


def verdict(created: str, *rules: Rule, **judged: str) -> Verdict:
    return Verdict.of("model", rules or [PASS], judged=judged).model_copy(update={"created": created})


def test_a_verdict_is_found_by_exactly_what_it_judged(verdicts: Verdicts) -> None:
    reached = verdict("2026-01-01", artifact="a", test="t")
    verdicts.record(reached)
    found = verdicts.find("model", {"test": "t", "artifact": "a"})
    assert found is not None and found.found > "2026-01-01"
    assert found == reached.model_copy(update={"recorded": True, "found": found.found})
    for other in ({"artifact": "a"}, {"artifact": "a", "test": "u"}, {"artifact": "a", "test": "t", "x": "y"}):
        assert verdicts.find("model", other) is None
    assert verdicts.find("data", {"artifact": "a", "test": "t"}) is None


def test_a_newer_verdict_on_the_same_replaces_the_older(verdicts: Verdicts) -> None:
    verdicts.record(verdict("2026-01-01", artifact="a"))
    verdicts.record(verdict("2026-01-02", FAIL, artifact="a"))
    found = verdicts.find("model", {"artifact": "a"})
    assert found is not None
    assert found.outcome is Outcome.FAIL


def test_a_verdict_on_nothing_is_never_reused(verdicts: Verdicts) -> None:
    verdicts.record(verdict("2026-01-01"))
    assert verdicts.find("model", {}) is None


def test_the_newest_verdict_about_a_digest_is_found(verdicts: Verdicts) -> None:
    for created, champion in (("2026-01-02", "x"), ("2026-01-03", "y"), ("2026-01-01", "z")):
        verdicts.record(verdict(created, artifact="a", champion=champion))
    verdicts.record(verdict("2026-01-09", artifact="b"))
    found = verdicts.about("model", "artifact", "a")
    assert found is not None
    assert found.judged["champion"] == "y"
    assert verdicts.about("model", "artifact", "c") is None
    assert verdicts.about("data", "artifact", "a") is None
    assert [each.created for each in verdicts.all("model")] == ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-09"]


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"{}",
        json.dumps(
            json.loads(verdict("2026-01-01", FAIL, artifact="a").model_dump_json()) | {"outcome": "pass"}
        ).encode(),
        verdict("2026-01-01", artifact="b").model_dump_json().encode(),
    ],
)
def test_a_verdict_that_is_not_what_was_recorded_counts_as_none(
    verdicts: Verdicts, tmp_path: Path, spoilt: bytes
) -> None:
    verdicts.record(verdict("2026-01-01", FAIL, artifact="a"))
    (path,) = (tmp_path / "p" / "verdicts" / "model").iterdir()
    path.write_bytes(spoilt)
    assert verdicts.find("model", {"artifact": "a"}) is None
    assert verdicts.about("model", "artifact", "a") is None
    assert verdicts.about("model", "artifact", "b") is None
