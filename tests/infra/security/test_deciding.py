"""The verdict that the scans add up to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateline.contracts.verdict import Outcome
from gateline.settings import SecurityGate
from infra.security.finding import Finding, Scan
from infra.security.running import decide
from tests.infra.security import projects


@pytest.mark.parametrize(("required", "outcome"), [(("code",), Outcome.INCONCLUSIVE), ((), Outcome.PASS)])
def test_what_must_be_judged_is_the_settings_choice(root: Path, required: tuple[str, ...], outcome: Outcome) -> None:
    subject = projects.subject(root, gate=SecurityGate.model_validate_json(json.dumps({"required": required})))
    scans = {"code": Scan(0, "files", ()), "locks": Scan(1, "lines", ())}
    assert decide(subject, scans).outcome is outcome


def test_a_shared_tree_makes_one_verdict_and_another_tree_another(root: Path) -> None:
    scans = {"code": Scan(1, "files", (), (Finding("bandit", "B1", "x"),))}
    first, again = (decide(projects.subject(root), scans).judged for _ in range(2))
    projects.write(root, "room/code.py", "VALUE = 2\n")
    assert first == again != decide(projects.subject(root), scans).judged
