"""The judgement of a scan: nothing seen, or a gap, is never a pass."""

from __future__ import annotations

from gateline.contracts.verdict import Outcome
from infra.security.finding import Finding, Scan, judge

FOUND = Finding("tool", "X1", "is wrong", "a.py", 3)


def scan(looked_at: int = 5, **more: tuple[object, ...]) -> Scan:
    """Return a scan of five files."""
    return Scan(looked_at, "files", ("tool",), **more)  # type: ignore[arg-type]


def test_nothing_found_passes_and_says_how_much_was_seen() -> None:
    rule = judge("code", scan(), True)
    assert (rule.outcome, rule.sample, rule.required) == (Outcome.PASS, 5, True)
    assert rule.reason == "nothing found in 5 files"


def test_one_finding_fails_and_names_the_place() -> None:
    rule = judge("code", scan(findings=(FOUND, FOUND)), False)
    assert (rule.outcome, rule.observed, rule.limit) == (Outcome.FAIL, 2.0, 0.0)
    assert "2 findings in 5 files, allowed 0; first: a.py:3: is wrong" == rule.reason


def test_a_note_does_not_fail_and_is_not_nothing() -> None:
    hint = Finding("tool", "X", "hint", level="note")
    for count, told in ((1, "nothing but a note found in 5 files"), (2, "nothing but 2 notes found in 5 files")):
        rule = judge("code", scan(findings=(hint,) * count), True)
        assert (rule.outcome, rule.reason) == (Outcome.PASS, told)


def test_a_gap_is_inconclusive() -> None:
    rule = judge("code", scan(gaps=("one file was not read",)), True)
    assert (rule.outcome, rule.reason) == (Outcome.INCONCLUSIVE, "one file was not read")


def test_nothing_looked_at_is_inconclusive() -> None:
    rule = judge("code", scan(0), True)
    assert (rule.outcome, rule.reason) == (Outcome.INCONCLUSIVE, "there were no files to look at")


def test_a_finding_next_to_a_gap_fails() -> None:
    assert judge("code", scan(findings=(FOUND,), gaps=("a gap",)), True).outcome is Outcome.FAIL
