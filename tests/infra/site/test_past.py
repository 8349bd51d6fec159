"""The releases of a registry with their verdicts; what is spoilt is said, and hides nothing else."""

from __future__ import annotations

from gateline.contracts.release import Release
from gateline.contracts.verdict import Outcome, Verdict, at_most
from gateline.registry.verdicts import Verdicts
from infra.site import past
from tests.infra.rollout.faults import registry_gone
from tests.infra.tiny_project import Site


def told(site: Site, release: Release) -> list[tuple[str, str, str]]:
    """Return stage, environment and outcome of what is told of a release."""
    found = past.read(site.store)
    listed = past.judgements(found, release, past.index(found))
    return [(each.stage, each.environment, str(each.outcome)) for each in listed]


def test_a_release_has_the_newest_verdict_of_each_stage_and_environment(site: Site) -> None:
    release, other = site.release("1"), site.release("2", judged=None)
    data = {
        name: site.target().artifacts.manifest(release.artifact).inputs[name] for name in ("train", "test", "schema")
    }
    site.judge("validate_data", Outcome.PASS, **data)
    site.judge("benchmark", Outcome.FAIL, release=release.digest)
    for place in ("staging", "production"):
        site.judge("smoke", Outcome.PASS, release=release.digest, environment=place)
    site.judge("canary", Outcome.FAIL, release=other.digest, stable=release.digest)
    assert sorted(told(site, release)) == [
        ("benchmark", "", "fail"),
        ("smoke", "production", "pass"),
        ("smoke", "staging", "pass"),
        ("validate_data", "", "pass"),
        ("validate_model", "", "pass"),
    ]
    assert [stage for stage, _, _ in told(site, release)] == [
        "validate_data", "validate_model", "benchmark", "smoke", "smoke",
    ]  # fmt: skip
    assert told(site, other) == [("canary", "", "fail")]


def test_a_later_verdict_on_other_limits_counts(site: Site) -> None:
    release = site.release(judged=None)
    for number, (limit, created) in enumerate(((1.0, "2013-06-02T10:00:00+00:00"), (3.0, "2013-06-01T10:00:00+00:00"))):
        made = Verdict.of(
            "benchmark", [at_most("p95", 2.0, limit)], judged={"release": release.digest, "n": str(number)}
        )
        Verdicts(site.store).record(made.model_copy(update={"created": created}))
    assert told(site, release) == [("benchmark", "", "fail")]


def test_a_verdict_that_answered_a_question_is_not_the_releases(site: Site) -> None:
    release = site.release(judged=None)
    site.judge("validate_model", Outcome.PASS, artifact=release.artifact)
    site.judge("validate_model", Outcome.FAIL, artifact=release.artifact, asked="min_accuracy")
    assert told(site, release) == [("validate_model", "", "pass")]


def test_quarantine_is_told(site: Site) -> None:
    release = site.release()
    site.target().releases.quarantine(release.digest, "slow")
    (site.root / ".gateline/registry/tiny/quarantine/[red] ..").write_text("what nobody here has written")
    assert past.read(site.store).quarantine == {release.digest: "slow"} and not past.read(site.store).faults


def test_a_spoilt_record_is_said_and_hides_no_other(site: Site) -> None:
    good, bad, unmade = site.release("1"), site.release("2"), site.release("3")
    site.store.write(f"releases/{bad.digest}.json", b"{")
    site.store.write(f"artifacts/{unmade.artifact}/manifest.json", b"{}")
    found = past.read(site.store)
    assert [release.digest for release in found.releases] == [good.digest, unmade.digest]
    assert set(found.manifests) == {good.artifact}
    assert len(found.faults) == 2 and all(fault.startswith("digest: ") for fault in found.faults)


def test_a_registry_that_is_gone_is_said(site: Site) -> None:
    site.release()
    with registry_gone(site):
        found = past.read(site.store)
    assert found.releases == [] and "cannot be read" in found.faults[0]


def test_an_empty_registry_is_no_fault(site: Site) -> None:
    assert past.read(site.store) == past.Registry(verdicts=past.read(site.store).verdicts)
    assert not any(past.read(site.store).verdicts.values())
