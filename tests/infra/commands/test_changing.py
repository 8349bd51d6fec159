"""What deploy, canary, promote and rollback print, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateline.contracts.release import Release
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.registry.artifacts import CHAMPION
from gateline.settings.errors import UsageError
from infra import commands
from infra.commands import CanaryOptions, DeployOptions
from infra.rollout import canary as module
from infra.rollout.watch import Watch
from tests.infra.rollout.faults import registry_gone
from tests.infra.rollout.test_rollback import after
from tests.infra.tiny_project import Site

Capture = pytest.CaptureFixture[str]
NO_TRAFFIC = CanaryOptions(seconds=0.1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count and look more often than once a second."""
    monkeypatch.setattr(module, "COUNT_SECONDS", 0.1)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.2)


@pytest.mark.slow
def test_a_deploy_says_where_the_release_serves(site: Site, capsys: Capture) -> None:
    release = site.release()
    assert commands.deploy("production", "", DeployOptions(), 1.0) == 0
    said = capsys.readouterr().out
    assert f"deployed: {release.name} serves at {site.url}" in said
    assert "undo:" not in said, "there is nothing to go back to"
    assert f"audit head 2 {site.target().recorder.log.head().digest}" in said


@pytest.mark.slow
def test_a_second_deploy_says_how_to_undo_it(site: Site, capsys: Capture) -> None:
    site.put(stable=site.release())
    site.release("2")
    assert commands.deploy("production", "", DeployOptions(skip_canary=True), 1.0) == 0
    assert "undo: invoke rollback --env=production" in capsys.readouterr().out


def test_the_second_time_there_is_nothing_to_deploy(site: Site, capsys: Capture) -> None:
    release = site.release()
    site.put(stable=release)
    assert commands.deploy("production", release.name, DeployOptions(), 1.0) == 0
    assert commands.canary("production", release.name, CanaryOptions(), 1.0) == 0
    said = capsys.readouterr().out
    assert f"{release.name} runs here already: nothing to deploy" in said
    assert f"{release.name} is stable here already: nothing to judge" in said


def test_a_dry_run_says_what_a_deploy_would_do_and_does_nothing(site: Site, capsys: Capture) -> None:
    first = site.release()
    assert commands.deploy_plan("production", "") == 0
    site.put(stable=first)
    second = site.release("2")
    assert commands.deploy_plan("production", first.name) == commands.deploy_plan("production", "") == 0
    before, again, beside = capsys.readouterr().out.splitlines()
    assert f"would start {first.name} (2 replicas), and give it all traffic; nothing was changed or judged" in before
    assert f"{first.name} runs here already" in again and f"{second.name} (2 replicas) beside {first.name}, " in beside
    assert site.seen() == {"stable": ("1", 1.0)} and site.target().recorder.log.head().count == 0


def test_an_unknown_release_and_an_unknown_traffic(site: Site) -> None:
    site.release()
    with pytest.raises(UsageError, match="no release 'nope'"):
        commands.deploy("production", "nope", DeployOptions(), 1.0)
    with pytest.raises(UsageError, match="--traffic is 'fake'; allowed: real, synthetic"):
        commands.canary("production", "", CanaryOptions(traffic="fake"), 1.0)


def test_what_outlasts_the_ci_job_is_refused_before_anything_changes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELINE_JOB_MINUTES", "10")
    site.put(stable=site.release())
    site.release("2")
    before, events = site.seen(), site.events()
    with pytest.raises(UsageError, match="--seconds is 301 s, and this CI job ends after 10 minutes"):
        commands.canary("production", "", CanaryOptions(seconds=301.0), 1.0)
    monkeypatch.setenv("GATELINE_JOB_MINUTES", "5")
    with pytest.raises(UsageError, match=r"environments\.production\.canary_seconds is .* ends after 5 minutes"):
        commands.canary("production", "", CanaryOptions(), 1.0)
    with pytest.raises(UsageError, match=r"environments\.production\.soak_seconds is .* ends after 5 minutes"):
        commands.deploy("production", "", DeployOptions(skip_canary=True), 1.0)
    assert (site.seen(), site.events()) == (before, events)


def test_the_first_canary_is_a_deploy(site: Site, capsys: Capture) -> None:
    release = site.release()
    assert commands.canary("production", "", CanaryOptions(), 1.0) == 0
    said = capsys.readouterr().out
    assert "the first release is deployed without a canary, and recorded as such" in said
    assert f"deployed: {release.name}" in said and site.seen() == {"stable": ("1", 1.0)}


def test_the_first_canary_needs_its_verdicts_too(site: Site) -> None:
    site.release(judged=None)
    assert commands.canary("production", "", CanaryOptions(unjudged=True), 1.0) == 0
    assert site.events()[-1].data["unjudged"] is True


def judged(monkeypatch: pytest.MonkeyPatch, release: Release, outcome: Outcome) -> None:
    """Let every look at a canary end with this outcome."""
    rule = Rule(name="errors", outcome=outcome, reason="5 % of its answers failed", required=True)
    verdict = Verdict.of("canary", [rule], judged={"release": release.digest})
    monkeypatch.setattr(Watch, "look", lambda watch: verdict)


@pytest.mark.slow
def test_a_promoted_canary_ends_with_0(site: Site, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    site.put(stable=site.release("1"))
    release = site.release("2")
    judged(monkeypatch, release, Outcome.PASS)
    assert commands.canary("production", "", CanaryOptions(), 1.0) == 0
    assert f"promoted: {release.name} serves at {site.url}" in capsys.readouterr().out
    recorded = site.target().verdicts.about("canary", "release", release.digest)
    assert recorded is not None and recorded.outcome is Outcome.PASS and not recorded.rehearsal
    assert (site.root / "reports" / "canary" / "index.html").exists()


@pytest.mark.slow
def test_a_held_canary_ends_with_3_and_is_promoted_by_hand(site: Site, capsys: Capture) -> None:
    site.put(stable=site.release("1"))
    release = site.release("2")
    assert commands.canary("production", "", NO_TRAFFIC, 1.0) == 3
    said = capsys.readouterr().out
    assert f"held: stable has all traffic, {release.name} waits. next: invoke canary --env=production --resume" in said
    assert commands.promote("production", False, 1.0) == 0
    assert f"promoted: {release.name}" in capsys.readouterr().out
    assert site.seen()["stable"] == ("2", 1.0)


def test_a_canary_that_is_rolled_back_ends_with_1(site: Site, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    site.put(stable=site.release("1"))
    release = site.release("2")
    judged(monkeypatch, release, Outcome.FAIL)
    assert commands.canary("production", "", CanaryOptions(), 1.0) == 1
    assert site.target().quarantine.reason(release.digest) == "canary: 5 % of its answers failed"
    assert f"rolled back: stable has all traffic; {release.name} is quarantined" in capsys.readouterr().out
    assert site.seen() == {"stable": ("1", 1.0)}


def test_a_registry_that_goes_while_a_canary_is_watched_is_not_made_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    site.put(stable=site.release("1"))
    release, registry = site.release("2"), site.root / ".gateline/registry"
    judged(monkeypatch, release, Outcome.FAIL)
    decided = Watch.look
    monkeypatch.setattr(Watch, "look", lambda watch: registry.rename(site.root / "away") and decided(watch))
    assert commands.canary("production", "", CanaryOptions(), 1.0) == 1
    assert site.seen() == {"stable": ("1", 1.0)} and not registry.exists()
    assert "reports/canary alone" in " ".join(capsys.readouterr().out.split()) and site.target().recorder.waiting() == 1
    (site.root / "away").rename(registry)


def test_rollback_list_plan_and_all(site: Site, capsys: Capture) -> None:
    one, two = site.release("1"), site.release("2")
    site.put(stable=two, previous=one)
    assert commands.rollback_list("production") == 0
    assert f"1. {one.name}  built {one.created}  commit c0ffee0" in capsys.readouterr().out
    assert commands.rollback_plan("production", "") == 0
    said = capsys.readouterr().out
    assert f"would leave {two.name} and give all traffic to {one.name} (warm: at once); nothing was changed" in said
    assert site.seen()["stable"] == ("2", 1.0) and site.events() == []
    assert commands.rollback("production", "", "slow", False, 1.0) == 0
    assert f"rolled back: {one.name} has all traffic; {two.name} is quarantined" in capsys.readouterr().out
    assert commands.rollback_list("production") == 0
    assert "no earlier release that is on the host and not quarantined" in capsys.readouterr().out


def test_a_second_rollback_that_began_before_the_first_ended_is_found_done(site: Site, capsys: Capture) -> None:
    one, two, three = (site.release(version) for version in "123")
    after(site, one, two, three)
    began, clicked = commands.Moment.now(), str(commands.Moment.now())
    assert commands.rollback("production", "", "slow", False, 1.0, began=began) == 0
    capsys.readouterr()
    assert commands.rollback("production", "", "slow", False, 1.0, began=began) == 0
    said = capsys.readouterr().out
    assert f"done already: what served when this command was given was left meanwhile; {two.name} has all traffic" in said
    assert f"To leave that as well, for {one.name}: invoke rollback --env=production" in said
    assert commands.rollback("production", "", "slow", False, 1.0, asked=clicked) == 0
    assert site.seen() == {"stable": ("2", 1.0)}


def test_a_rollback_of_a_held_canary_says_that_stable_serves_on(site: Site, capsys: Capture) -> None:
    one, two, three = (site.release(version) for version in "123")
    site.put(stable=two, previous=one, canary=three)
    assert commands.rollback("production", "", "slow", False, 1.0) == 0
    said = capsys.readouterr().out
    assert f"the canary {three.name} is discarded and quarantined; {two.name} serves on, as before" in said
    assert f"To leave that as well, for {one.name}: invoke rollback --env=production" in said


def test_a_promotion_that_is_found_done_ends_with_0(site: Site, capsys: Capture) -> None:
    site.put(stable=site.release("1"), canary=site.release("2"))
    began = commands.Moment.now()
    assert commands.promote("production", False, 1.0, began) == 0
    capsys.readouterr()
    assert commands.promote("production", False, 1.0, began) == 0
    assert f"{site.release('2').name} was promoted meanwhile: nothing to do" in capsys.readouterr().out
    assert commands.canary("production", "", CanaryOptions(resume=True), 1.0, began) == 0


@pytest.mark.slow
def test_a_held_canary_goes_on_no_matter_what_the_registry_names_meanwhile(site: Site, capsys: Capture) -> None:
    site.put(stable=site.release("1"))
    release = site.release("2")
    assert commands.canary("production", "", NO_TRAFFIC, 1.0) == 3
    site.target().releases.choose("0" * 64)
    assert commands.canary("production", "", CanaryOptions(resume=True, seconds=0.1), 1.0) == 3
    assert capsys.readouterr().out.count(f"{release.name} waits") == 2


def test_a_cold_plan_says_so(site: Site, capsys: Capture) -> None:
    one, two, three = (site.release(version) for version in "123")
    engine = site.put(stable=three, previous=two)
    engine.fetch(one, site.target().releases.archive(one.digest))
    engine.remember([one.digest, two.digest, three.digest])
    assert commands.rollback_plan("production", "1") == 0
    assert "(cold: it is started and smoke-tested first)" in capsys.readouterr().out


def test_a_rollback_without_a_registry_says_what_waits(site: Site, capsys: Capture) -> None:
    site.put(stable=site.release("2"), previous=site.release("1"))
    with registry_gone(site):
        assert commands.rollback("production", "", "slow", False, 1.0) == 0
        assert "audit head none, 2 event(s) wait for the registry" in capsys.readouterr().out


def test_a_rehearsal_starts_the_champion_and_says_so(
    site: Site, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "summary.md"
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    champion = site.release("1")
    site.target().artifacts.point(CHAMPION, champion.artifact)
    assert commands.canary("production", champion.name, CanaryOptions(), 1.0) == 0
    said = capsys.readouterr().out
    assert f"rehearsal: {champion.name}, the registry's champion, plays production here" in said
    assert "stable here already" in said
    second = site.release("2")
    assert commands.deploy("production", "", DeployOptions(), 1.0) == 0
    assert "(rehearsal: this environment serves nobody)" in capsys.readouterr().out
    assert site.target().artifacts.alias(CHAMPION) == champion.artifact
    head = site.target().recorder.log.head()
    expected = f"**production**: {second.name} deployed (rehearsal: this environment serves nobody)  \n"
    assert page.read_text() == f"{expected}audit head {head.count} {head.digest}\n\n"


def test_a_rehearsal_without_a_champion_is_a_first_release(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    site.release()
    assert commands.canary("production", "", CanaryOptions(), 1.0) == 0
    assert site.seen() == {"stable": ("1", 1.0)}
    assert site.target().artifacts.alias(CHAMPION) is None
