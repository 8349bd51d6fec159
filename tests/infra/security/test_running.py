"""Scanners run side by side, and one that breaks is a gap in its own rule alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.settings import SecurityGate
from infra.security.finding import Scan, ScannerFailed
from infra.security.running import SCANNERS, run_all
from infra.security.subject import Subject


def good(_: Subject) -> Scan:
    """Find nothing."""
    return Scan(1, "files", ("good",))


def failing(error: Exception) -> Scan:
    """Raise."""
    raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ScannerFailed("bandit is not installed here"), "bandit is not installed here"),
        (ModuleNotFoundError("No module named 'x'", name="x"), "x is not installed here"),
        (ValueError("boom"), "the scanner crashed: ValueError: boom"),
    ],
)
def test_a_broken_scanner_is_a_gap_and_the_others_go_on(error: Exception, said: str) -> None:
    scans = run_all(Subject(Path()), {"bad": lambda _: failing(error), "good": good})
    assert scans["bad"].gaps == (said,) and scans["bad"].looked_at == 0
    assert scans["good"] == Scan(1, "files", ("good",))


def test_answers_keep_the_order_of_the_rules_and_progress_is_told() -> None:
    said: list[str] = []
    assert list(run_all(Subject(Path()), {"b": good, "a": good}, said.append)) == ["b", "a"]
    assert sorted(line.partition(" ")[0] for line in said) == ["1", "2"]


def test_every_rule_of_the_settings_has_a_scanner() -> None:
    assert set(SecurityGate().rules) == set(SCANNERS)
