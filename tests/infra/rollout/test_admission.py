"""Who is let in, by which verdicts, and what is recorded of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateline.contracts.release import Release
from gateline.contracts.verdict import Outcome, Rule, Verdict
from gateline.registry.artifacts import CANDIDATE
from gateline.registry.releases import Releases
from gateline.settings.errors import GateRefused, Inconclusive
from infra.rollout.admission import admit
from infra.rollout.last_change import keep_last_change
from tests.infra.tiny_project import Site

ALL = ["validate_data", "validate_model", "integration", "benchmark", "security"]


def test_a_passed_model_is_let_in(site: Site) -> None:
    admitted = admit(site.target(), site.release(), site.running())
    assert (admitted.verdicts, admitted.unjudged) == ({"validate_model": "pass"}, False)


@pytest.mark.parametrize(
    ("outcome", "error", "words"),
    [
        (None, Inconclusive, "validate_model: 1.* has not been judged"),
        (Outcome.FAIL, GateRefused, "validate_model: 1.* has the verdict fail: it is a fail"),
        (Outcome.INCONCLUSIVE, Inconclusive, "has the verdict inconclusive: not judged: limits"),
    ],
)
def test_any_other_is_not_unless_somebody_says_so(
    site: Site, outcome: Outcome | None, error: type[Exception], words: str
) -> None:
    release = site.release(judged=outcome)
    with pytest.raises(error, match=words):
        admit(site.target(), release, site.running())
    admitted = admit(site.target(), release, site.running(), unjudged=True)
    assert (admitted.verdicts, admitted.unjudged) == ({"validate_model": str(outcome or "missing")}, True)


def test_a_missing_verdict_names_the_commands_that_judge_this_release_and_no_other(site: Site) -> None:
    site.change({"environments.production.requires": ["validate_model", "integration"]})
    release, other, target = site.release("1", judged=None), site.release("2"), site.target()

    def said(candidate: Release, built: Release) -> str:
        target.artifacts.point(CANDIDATE, candidate.artifact)
        Releases(target.store).choose(built.digest)
        with pytest.raises(Inconclusive) as caught:
            admit(target, release, site.running())
        return caught.value.next_step.removesuffix("; or add --unjudged (recorded so)")

    model = f"nox -s validate_model -- --model {release.version}"
    assert said(release, release) == "judge it: nox -s validate_model integration"
    assert said(other, release) == f"judge it: {model}, then nox -s integration"
    assert (
        said(other, other) == f"judge it: invoke build --model={release.version}, then {model}, then nox -s integration"
    )


@pytest.mark.parametrize("missing", [None, *ALL])
def test_each_stage_is_asked_about_what_it_judges(site: Site, missing: str | None) -> None:
    site.change({"environments.production.requires": ALL})
    release = site.release(judged=None)
    inputs = site.target().artifacts.manifest(release.artifact).inputs
    about = {"validate_data": inputs | {"sources": "x"}, "validate_model": {"artifact": release.artifact, "test": "x"}}
    for stage in ALL:
        if stage != missing:
            site.judge(stage, Outcome.PASS, **about.get(stage, {"release": release.digest}))
    if missing is None:
        assert admit(site.target(), release, site.running()).verdicts == dict.fromkeys(ALL, "pass")
    else:
        with pytest.raises(Inconclusive, match=f"{missing}: .*has not been judged"):
            admit(site.target(), release, site.running())


def test_the_verdict_on_another_subject_does_not_count(site: Site) -> None:
    site.change({"environments.production.requires": ["security", "validate_data"]})
    release, other = site.release("1"), site.release("2")
    site.judge("security", Outcome.PASS, release=other.digest, artifact=release.artifact)
    with pytest.raises(Inconclusive, match="security"):
        admit(site.target(), release, site.running())
    site.judge("security", Outcome.PASS, release=release.digest)
    site.judge("validate_data", Outcome.PASS, **site.target().artifacts.manifest(other.artifact).inputs)
    with pytest.raises(Inconclusive, match="validate_data"):
        admit(site.target(), release, site.running())


@pytest.mark.parametrize("newest", [Outcome.PASS, Outcome.FAIL])
def test_the_newest_verdict_counts(site: Site, newest: Outcome) -> None:
    release = site.release(judged=None)
    older = Outcome.FAIL if newest is Outcome.PASS else Outcome.PASS
    for champion, outcome, day in (("a", older, 1), ("b", newest, 3), ("c", older, 2)):
        rule = Rule(name="limits", outcome=outcome, required=True, reason="why")
        verdict = Verdict.of("validate_model", [rule], judged={"artifact": release.artifact, "champion": champion})
        site.target().verdicts.record(verdict.model_copy(update={"created": f"2026-01-0{day}T00:00:00+00:00"}))
    if newest is Outcome.PASS:
        assert admit(site.target(), release, site.running()).verdicts == {"validate_model": "pass"}
    else:
        with pytest.raises(GateRefused):
            admit(site.target(), release, site.running())


def test_the_answer_to_a_question_neither_lets_in_nor_keeps_out(site: Site) -> None:
    release = site.release(judged=None)
    site.judge("validate_model", Outcome.PASS, artifact=release.artifact, asked="other limits")
    with pytest.raises(Inconclusive, match="has not been judged"):
        admit(site.target(), release, site.running())
    site.judge("validate_model", Outcome.PASS, artifact=release.artifact)
    site.judge("validate_model", Outcome.FAIL, artifact=release.artifact, asked="yet other limits")
    assert admit(site.target(), release, site.running()).verdicts == {"validate_model": "pass"}


def test_a_verdict_that_was_found_again_is_the_newest(site: Site) -> None:
    release = site.release(judged=None)
    about = {"artifact": release.artifact, "settings": "as they were"}
    site.judge("validate_model", Outcome.PASS, **about)
    site.judge("validate_model", Outcome.FAIL, artifact=release.artifact, settings="tighter")
    found = site.target().verdicts.find("validate_model", about)
    assert found is not None and found.recorded
    assert admit(site.target(), release, site.running()).verdicts == {"validate_model": "pass"}


def test_a_quarantined_release_is_refused_until_somebody_says_so(site: Site) -> None:
    release = site.release()
    site.target().quarantine.add(release.digest, "slow [/x]\nverified")
    with pytest.raises(GateRefused, match=r"quarantine: 1\+\w+ was left by a rollback \(slow \[/x\]\\nverified\)") as caught:
        admit(site.target(), release, site.running(), unjudged=True)
    assert "--lift-quarantine" in caught.value.next_step
    assert admit(site.target(), release, site.running(), lift_quarantine=True).lifts
    assert site.target().quarantine.reason(release.digest) == "slow [/x]\nverified", "it is lifted once the release serves"


def test_a_release_that_is_refused_stays_in_quarantine(site: Site) -> None:
    release = site.release(judged=None)
    site.target().quarantine.add(release.digest, "slow")
    with pytest.raises(Inconclusive):
        admit(site.target(), release, site.running(), lift_quarantine=True)
    assert site.target().quarantine.reason(release.digest) == "slow"


def compared(site: Site, release: Release, champion: str, created: datetime | str, rule: str = "noninferiority") -> None:
    """Record that a release passed the gate, compared with this champion."""
    passed = Rule(name=rule, outcome=Outcome.PASS, required=True, reason="why")
    verdict = Verdict.of("validate_model", [passed], judged={"artifact": release.artifact, "champion": champion})
    site.target().verdicts.record(verdict.model_copy(update={"created": str(created)}))


@pytest.mark.parametrize("lost", ["none", "f" * 64, "candidate"])
def test_what_was_compared_with_another_model_than_the_one_that_serves_is_not_let_in(site: Site, lost: str) -> None:
    serving, release = site.release("1"), site.release("2", judged=None)
    site.put(stable=serving)
    champion = release.artifact if lost == "candidate" else lost
    keep_last_change(site.target(), "deploy", "", serving.digest)
    now = datetime.now(UTC)
    compared(site, release, champion, now - timedelta(minutes=1))
    admitted = admit(site.target(), release, site.running())
    assert admitted.verdicts == {"validate_model": "pass"}, "it was judged before this one served"
    compared(site, release, champion, now + timedelta(seconds=1))
    with pytest.raises(Inconclusive, match="the registry's alias was changed or lost") as caught:
        admit(site.target(), release, site.running())
    assert f"nox -s validate_model -- --model {release.version}" in caught.value.next_step
    assert admit(site.target(), release, site.running(), unjudged=True).unjudged
    compared(site, release, serving.artifact, now + timedelta(seconds=2))
    assert admit(site.target(), release, site.running()).verdicts == {"validate_model": "pass"}
    compared(site, release, champion, "somewhen")
    with pytest.raises(Inconclusive, match="the registry's alias was changed or lost"):
        admit(site.target(), release, site.running())


@pytest.mark.parametrize("why", ["the same model", "no rule compares", "nothing serves", "staging"])
def test_a_comparison_is_asked_for_where_there_is_one(site: Site, why: str) -> None:
    environment = "staging" if why == "staging" else "production"
    site.change({"environments.staging.requires": ["validate_model"]})
    serving, release = site.release("1"), site.release("2", judged=None)
    if why != "nothing serves":
        site.put(environment, stable=serving)
        keep_last_change(site.target(environment), "deploy", "", serving.digest)
    subject = serving if why == "the same model" else release
    rule = "limits" if why == "no rule compares" else "noninferiority"
    compared(site, subject, "none", datetime.now(UTC) + timedelta(seconds=1), rule)
    assert admit(site.target(environment), subject, site.running(environment)).verdicts == {"validate_model": "pass"}
