"""A deploy brings a release to all traffic, or leaves what served before."""

from __future__ import annotations

import os
import signal
from threading import Timer
from typing import Any

import pytest

from gateline.contracts.event import DEPLOYED, FINISHED, LIFTED, UPGRADED
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Outcome
from gateline.registry.artifacts import CHAMPION
from gateline.settings.errors import GatelineError, GateRefused, Inconclusive, OutsideError, UsageError
from infra.engines.process.record import read_record
from infra.rollout.deploy import DeployOptions, deploy
from infra.rollout.phases import soak
from tests.infra.rollout.faults import stop_at
from tests.infra.tiny_project import BODY, Site
from tests.traffic import Traffic

PAST = DeployOptions(skip_canary=True)


def test_the_first_release_is_deployed_and_is_champion(site: Site) -> None:
    release = site.release()
    assert deploy(site.target(), release, DeployOptions())
    assert site.seen() == {"stable": ("1", 1.0)}
    assert len(site.target().engine.status().slots[Slot.STABLE].replicas) == 2
    assert site.target().artifacts.alias(CHAMPION) == release.artifact
    assert site.target().engine.history() == [release.digest]
    assert site.target().journal.read() is None
    ended = site.events()[-1]
    assert (ended.type, ended.subject, ended.data["from"]) == (DEPLOYED, release.digest, None)
    assert ended.data["verdicts"] == {"validate_model": "pass"} and ended.data["outcome"] == "done"


@pytest.mark.slow
def test_staging_moves_no_alias_and_asks_for_no_canary(site: Site) -> None:
    for version in ("1", "2"):
        assert deploy(site.target("staging"), site.release(version), DeployOptions())
    assert site.seen("staging") == {"stable": ("2", 1.0), "previous": ("1", 0.0)}
    assert site.target().artifacts.alias(CHAMPION) is None


def test_an_upgrade_loses_nothing_and_keeps_the_old_one_warm(site: Site) -> None:
    first, second = site.release("1"), site.release("2")
    site.put(stable=first)
    with Traffic(site.url, body=BODY) as traffic:
        traffic.wait_for(20)
        assert deploy(site.target(), second, PAST)
        traffic.wait_for(20)
    assert not traffic.lost and set(traffic.releases) == {first.digest, second.digest}
    assert site.seen() == {"stable": ("2", 1.0), "previous": ("1", 0.0)}
    assert site.target().engine.history() == [first.digest, second.digest]
    ended = site.events()[-1]
    assert (ended.type, ended.data["from"], ended.data["skip_canary"]) == (UPGRADED, first.digest, True)


def test_what_serves_already_is_left_alone(site: Site) -> None:
    release = site.release()
    site.put(stable=release)
    assert deploy(site.target(), release, PAST) is False
    assert site.events() == []


@pytest.mark.parametrize(
    ("knobs", "error", "words"),
    [
        ({"off": 0.1}, GateRefused, "smoke: golden: .*differ from offline by 0.1"),
        ({"crash": "a mistake at import"}, OutsideError, "a mistake at import"),
        ({"never_ready": True}, OutsideError, "was not ready within 1 s"),
    ],
)
def test_a_bad_release_gets_no_traffic(
    site: Site, knobs: dict[str, Any], error: type[GatelineError], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = site.release("1")
    site.put(stable=first)
    bad = site.release("2", **knobs)
    if "never_ready" in knobs:
        site.change({"environments.production.ready_seconds": 1.0})
    with pytest.raises(error, match=f"(?s){words}"):
        deploy(site.target(), bad, PAST)
    assert f"deploy failed; {first.name} serves on" in capsys.readouterr().out
    assert site.seen() == {"stable": ("1", 1.0)}
    assert site.target().journal.read() is None and site.target().engine.history() == [first.digest]
    ended = site.events()[-1]
    assert (ended.type, ended.data["outcome"]) == (FINISHED, "failed") and error.__name__ in ended.data["error"]


def test_a_bad_first_release_leaves_nothing_and_lifts_no_quarantine(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = site.release(off=0.1)
    site.target().quarantine.add(bad.digest, "slow")
    with pytest.raises(GateRefused, match="golden"):
        deploy(site.target(), bad, DeployOptions(lift_quarantine=True))
    assert site.seen() == {} and "nothing served here before" in capsys.readouterr().out
    assert site.target().quarantine.reason(bad.digest) == "slow"
    assert not [event for event in site.events() if event.type == LIFTED]


def test_an_artifact_without_golden_rows_cannot_be_judged_and_is_not_deployed(site: Site) -> None:
    with pytest.raises(Inconclusive, match="smoke: .*not judged: .*golden"):
        deploy(site.target(), site.release(rows=False), DeployOptions())
    assert site.seen() == {}


def test_errors_under_traffic_bring_the_old_release_back(site: Site) -> None:
    site.put(stable=site.release("1"))
    site.change({"environments.production.soak_seconds": 20.0})
    bad = site.release("2", fail_every=4)
    with Traffic(site.url, body=BODY) as traffic:
        with pytest.raises(GateRefused, match=r"soak: \d+ of \d+ answers of 2\+.* failed, allowed 1.0%"):
            deploy(site.target(), bad, PAST)
        traffic.wait_for(20)
    assert site.seen() == {"stable": ("1", 1.0)}
    assert all(loss.reason.startswith("500") for loss in traffic.lost)


def test_a_replica_that_dies_while_it_is_watched_is_refused(site: Site) -> None:
    engine = site.put(stable=site.release())
    name = engine.status().slots[Slot.STABLE].replicas[0].name
    pid = read_record(site.target().folder / "supervisor.json").replicas[name].pid
    killer = Timer(0.4, lambda: os.kill(pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(GateRefused, match=r"soak: a replica of 1\+\w+ died under traffic"):
        soak(site.target(), Slot.STABLE, site.release(), 20.0)


def test_a_champion_is_not_passed_by(site: Site) -> None:
    site.put(stable=site.release("1"))
    with pytest.raises(GateRefused, match="is champion here") as caught:
        deploy(site.target(), site.release("2"), DeployOptions())
    assert "invoke canary --env=production" in caught.value.next_step and "--skip-canary" in caught.value.next_step
    assert site.seen() == {"stable": ("1", 1.0)} and site.events() == []


def test_a_held_canary_comes_first(site: Site) -> None:
    site.put(stable=site.release("1"), canary=site.release("2"))
    with pytest.raises(GateRefused, match=r"2\+\w+ is held as a canary here"):
        deploy(site.target(), site.release("3"), PAST)
    assert site.seen() == {"stable": ("1", 1.0), "canary": ("2", 0.0)}


def test_an_environment_elsewhere_is_not_changed_from_a_laptop(site: Site) -> None:
    site.change({"environments.staging.local": False})
    release = site.release()
    with pytest.raises(UsageError, match="staging is not local, and this is not CI") as caught:
        deploy(site.target("staging"), release, DeployOptions())
    assert "--from-laptop" in caught.value.next_step
    assert site.seen("staging") == {}
    assert deploy(site.target("staging"), release, DeployOptions(from_laptop=True))
    assert site.events()[-1].data["from_laptop"] is True


def test_on_a_runner_that_is_thrown_away_a_registry_must_stay(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.change({"environments.staging.local": False})
    release = site.release()
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    with pytest.raises(UsageError, match="registry .* is a folder on a runner that is thrown away") as caught:
        deploy(site.target("staging"), release, DeployOptions(from_laptop=True))
    assert "GATELINE_REGISTRY_URL" in caught.value.next_step
    assert site.seen("staging") == {} and site.events() == []


@pytest.mark.parametrize(("method", "number"), [("move", 2), ("remember", 1)])
def test_interrupted_after_the_old_release_was_moved_aside_it_is_finished(
    site: Site, monkeypatch: pytest.MonkeyPatch, method: str, number: int
) -> None:
    first, second = site.release("1"), site.release("2")
    site.put(stable=first)
    stop_at(monkeypatch, method, number, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        deploy(site.target(), second, PAST)
    assert site.seen() == {"stable": ("2", 1.0), "previous": ("1", 0.0)}
    assert site.target().engine.history() == [first.digest, second.digest]
    assert site.target().journal.read() is None


def test_interrupted_before_that_it_is_undone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.put(stable=site.release("1"))
    stop_at(monkeypatch, "move", 1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        deploy(site.target(), site.release("2"), PAST)
    assert site.seen() == {"stable": ("1", 1.0)}


def test_a_failure_to_undo_does_not_hide_the_failure(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.put(stable=site.release("1"))
    stop_at(monkeypatch, "set_shares", 1, OutsideError("the proxy [/is] gone"))
    with pytest.raises(GateRefused, match="golden"):
        deploy(site.target(), site.release("2", off=0.1), PAST)
    said = capsys.readouterr().out
    assert "undoing failed as well: the proxy [/is] gone" in said and "invoke up --env=production" in said


def test_a_bundle_that_was_changed_on_the_host_is_fetched_again(site: Site) -> None:
    release = site.release()
    deploy(site.target("staging"), release, DeployOptions())
    folder = site.target().bundle(release)
    knobs = folder / "service" / "knobs.json"
    knobs.chmod(0o644)
    knobs.write_text('{"off": 0.5}')
    assert deploy(site.target(), release, DeployOptions())
    assert knobs.read_text() == "{}"


@pytest.mark.parametrize("there", [True, False])
def test_an_archive_that_the_registry_lost(site: Site, there: bool) -> None:
    release = site.release("1" if there else "7")
    if there:
        site.put("staging", stable=release)
    site.store.delete(f"releases/{release.digest}.tar.gz")
    if there:
        assert deploy(site.target(), release, DeployOptions())
    else:
        with pytest.raises(OutsideError, match="holds no archive of 7") as caught:
            deploy(site.target(), release, DeployOptions())
        assert "invoke build" in caught.value.next_step


def test_bundles_are_below_the_project(site: Site) -> None:
    assert site.target().engine.bundle(site.release()).parent == site.root / ".gateline" / "releases"


def test_a_failed_verdict_stops_it_before_anything_starts(site: Site) -> None:
    with pytest.raises(GateRefused, match="validate_model"):
        deploy(site.target(), site.release(judged=Outcome.FAIL), DeployOptions())
    assert site.seen() == {} and site.events() == []
