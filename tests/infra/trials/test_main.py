"""A trial judges the chosen release; a pass on the same inputs is reused, anything else is tried again."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.registry.made_here import Made
from gateline.registry.verdicts import Verdicts
from gateline.settings import Settings, load
from gateline.settings.errors import GateRefused, UsageError
from infra.trials import __main__ as trial
from infra.trials.judging import TRIALS
from infra.trials.subject import Subject
from tests.infra.tiny_project import ROOT, Site


class Counting:
    """A trial that counts how often it was asked."""

    def __init__(self) -> None:
        self.outcome, self.depends_on, self.judged = Outcome.PASS, "1", list[str]()

    def inputs(self, settings: Settings, root: object) -> dict[str, str]:
        """What the verdict depends on."""
        return {"tests": self.depends_on}

    def judge(self, subject: Subject, judged: dict[str, str]) -> Verdict:
        """Say what is wanted."""
        assert (subject.folder / "release.json").exists()
        self.judged.append(subject.release.version)
        return Verdict.of(
            "integration", [Rule(name="x", outcome=self.outcome, reason="r", required=True)], judged=judged
        )


@pytest.fixture()
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """A trial in place of the integration tests."""
    made = Counting()
    monkeypatch.setitem(TRIALS, "integration", made)
    return made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `python -m infra.trials`."""
    monkeypatch.setattr(sys, "argv", ["infra.trials", *arguments])
    return trial.main()


def test_a_pass_is_reused_until_something_it_depends_on_changes(
    site: Site, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.release("1")
    assert run(monkeypatch, "integration") == run(monkeypatch, "integration") == 0
    assert counting.judged == ["1"]
    assert json.loads((site.root / "reports/integration/verdict.json").read_text())["recorded"] is True
    assert run(monkeypatch, "integration", "--fresh") == 0
    assert counting.judged == ["1", "1"]
    counting.depends_on = "2"
    run(monkeypatch, "integration")
    assert counting.judged == ["1", "1", "1"]
    site.release("2")
    run(monkeypatch, "integration")
    assert counting.judged[-1] == "2"
    run(monkeypatch, "integration", "--release", "1", "--fresh")
    assert counting.judged[-1] == "1"


def test_a_verdict_by_other_settings_lets_no_release_in(
    site: Site, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.release("1")
    shutil.copyfile(site.root / "pipeline.toml", site.root / "lax.toml")
    assert run(monkeypatch, "integration", "--config", "lax.toml") == 0
    assert Verdicts(site.store).counting("integration") == []
    assert run(monkeypatch, "integration") == 0 and len(Verdicts(site.store).counting("integration")) == 1


@pytest.mark.parametrize(("outcome", "code"), [(Outcome.FAIL, 1), (Outcome.INCONCLUSIVE, 3)])
def test_anything_else_is_tried_again(
    site: Site, counting: Counting, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, code: int
) -> None:
    site.release("1")
    counting.outcome = outcome
    assert run(monkeypatch, "integration") == run(monkeypatch, "integration") == code
    assert counting.judged == ["1", "1"]
    counting.outcome = Outcome.PASS
    assert run(monkeypatch, "integration") == 0
    recorded = Verdicts(site.store).about("integration", "release", site.release("1").digest)
    assert recorded is not None and recorded.outcome is Outcome.PASS


def test_nothing_was_built(site: Site, counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no release is built yet"):
        run(monkeypatch, "integration")


def test_help_shows_examples(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--help")
    assert ended.value.code == 0 and "nox -s benchmark -- --fresh" in capsys.readouterr().out


def test_the_trials_are_sessions() -> None:
    sessions = (ROOT / "noxfile.py").read_text()
    assert all(f'"infra.trials", "{name}"' in sessions for name in TRIALS)


@pytest.mark.parametrize("keys", [[], ["keys/release.pub"]])
def test_where_releases_are_signed_no_release_that_the_registry_merely_names_is_started(
    site: Site, counting: Counting, monkeypatch: pytest.MonkeyPatch, keys: list[str]
) -> None:
    site.change({"signing.keys": keys})
    site.release("1")
    made = Made.of(load(site.root / "pipeline.toml"), site.root)
    before = made.path.read_text()
    theirs = site.release("2")
    made.path.write_text(before)
    assert run(monkeypatch, "integration") == 0 and counting.judged == ["1" if keys else "2"]
    if keys:
        with pytest.raises(GateRefused, match="signature: '2' is release .* was not built on this machine"):
            run(monkeypatch, "integration", "--release=2")
    assert run(monkeypatch, "integration", f"--release={theirs.digest}", "--fresh") == 0 and counting.judged[-1] == "2"
