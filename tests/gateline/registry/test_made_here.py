"""What this machine made is kept outside the registry, and told from what others made."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.verdict import ASKED, Outcome, Rule, Verdict
from gateline.registry.made_here import RELEASE, Made
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.settings import load


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made.of(load(environ={}), tmp_path)


def judged(reason: str = "good", **about: str) -> Verdict:
    rule = Rule(name="a", outcome=Outcome.PASS, reason=reason)
    return Verdict.of("security", [rule], judged=about or {"release": "1"})


def test_what_was_made_is_known_in_its_order(made: Made) -> None:
    assert made.all(RELEASE) == []
    for digest in ("1", "2", "1"):
        made.add(RELEASE, digest)
    made.add("model", "3")
    made.path.write_text(made.path.read_text() + "release\n\nrelease 4 5\n\udcff".encode("utf-8", "replace").decode())
    assert made.all(RELEASE) == ["1", "2", "1"] and made.all("model") == ["3"]


def test_a_run_on_the_sample_keeps_to_itself(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.add(RELEASE, "1")
    monkeypatch.setenv("GATELINE_SAMPLE", "true")
    assert Made.of(load(environ={}), tmp_path).all(RELEASE) == []


def test_a_verdict_is_known_by_all_it_says(made: Made, tmp_path: Path) -> None:
    verdicts, reached = Verdicts(Store(str(tmp_path), "p"), made), judged()
    verdicts.reached(reached)
    assert made.knows(reached) and made.knows(reached.model_copy(update={"found": "later", "recorded": True}))
    assert not made.knows(judged("better")) and not made.knows(reached.model_copy(update={"created": "other"}))


def test_what_the_registry_tells_is_not_taken_for_what_was_judged_here(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    store, theirs = Store(str(tmp_path), "p"), judged()
    Verdicts(store).record(theirs)
    lenient, strict = Verdicts(store, made), Verdicts(store, made, own=True)
    found = lenient.find("security", theirs.judged)
    assert found is not None and strict.find("security", theirs.judged) is None
    lenient.reached(found)
    lenient.reached(judged(**{ASKED: "other limits"}))
    assert not made.knows(theirs) and not (tmp_path / "output").exists()
    lenient.reached(theirs)
    again = strict.find("security", theirs.judged)
    assert again is not None and again.recorded
    strict.reached(again)
    assert (tmp_path / "output").read_text() == f"security={theirs.digest}\n" * 2
