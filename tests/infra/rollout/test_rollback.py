"""Rollback goes to the release before, further back on repetition, and needs the engine alone."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import pytest

from gateline.contracts.event import FINISHED, LIFTED, ROLLED_BACK
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.registry.artifacts import CHAMPION
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from infra.engines.process.record import read_record
from infra.host.processes import wait_until
from infra.rollout.deploy import DeployOptions, deploy
from infra.rollout.recovery import recover
from infra.rollout.rollback import Plan, candidates, plan, rollback
from tests.infra.rollout.faults import registry_gone
from tests.infra.tiny_project import BODY, Site
from tests.traffic import Traffic


def after(site: Site, *releases: Release) -> None:
    """Let releases have been stable one after the other: the last is, the one before is warm, all are on the host."""
    engine = site.put(stable=releases[-1], previous=releases[-2])
    for release in releases:
        engine.fetch(release, site.target().releases.archive(release.digest))
    engine.remember([release.digest for release in releases])


@pytest.mark.slow
def test_to_the_warm_one_then_further_back_then_no_further(site: Site) -> None:
    one, two, three = (site.release(version) for version in "123")
    after(site, one, two, three)
    with Traffic(site.url, body=BODY) as traffic:
        traffic.wait_for(20)
        first = rollback(site.target(), reason="slow")
        traffic.wait_for(20)
        second = rollback(site.target())
        traffic.wait_for(20)
    assert not traffic.lost
    assert isinstance(first, Plan) and isinstance(second, Plan)
    assert (first.leave, first.back_to, first.warm) == (three, two, True)
    assert (second.leave, second.back_to, second.warm) == (two, one, False)
    assert site.seen() == {"stable": ("1", 1.0)}
    assert len(site.running().slots[Slot.STABLE].replicas) == 2
    assert site.target().engine.history() == [one.digest]
    assert site.target().artifacts.alias(CHAMPION) == one.artifact
    assert site.target().quarantine.reason(three.digest) == "slow"
    with pytest.raises(UsageError, match=r"1\+\w+ is the first release of production.*nothing to go back to"):
        rollback(site.target())


@pytest.mark.slow
def test_what_was_left_is_refused_afterwards(site: Site) -> None:
    one, two = site.release("1"), site.release("2")
    after(site, one, two)
    rollback(site.target())
    assert candidates(site.target(), site.running().release_in(Slot.STABLE)) == []
    with pytest.raises(GateRefused, match="quarantine"):
        deploy(site.target(), two, DeployOptions(skip_canary=True))
    assert deploy(site.target(), two, DeployOptions(skip_canary=True, lift_quarantine=True))
    assert site.target().engine.history() == [one.digest, two.digest]
    assert site.target().quarantine.reason(two.digest) is None
    lifted = [event for event in site.events() if event.type == LIFTED]
    assert [(event.subject, event.data["reason"]) for event in lifted] == [(two.digest, "by hand")]


def test_it_is_recorded_and_people_are_told(site: Site) -> None:
    one, two = site.release("1"), site.release("2")
    after(site, one, two)
    write = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())"
    site.change({"notify.command": [sys.executable, "-c", write]})
    rollback(site.target(), reason="too slow")
    ended = site.events()[-1]
    assert (ended.type, ended.subject) == (ROLLED_BACK, two.digest)
    assert (ended.data["reason"], ended.data["back_to"]) == ("too slow", one.digest)
    told = json.loads((site.root / "told.json").read_text())
    assert (told["event"], told["environment"], told["reason"]) == ("rollback", "production", "too slow")


def test_a_canary_is_discarded_before_anything_else(site: Site) -> None:
    site.put(stable=site.release("2"), previous=site.release("1"), canary=site.release("3"))
    done = rollback(site.target())
    assert isinstance(done, Plan)
    assert (done.leave.version, done.back_to.version) == ("3", "2")
    assert site.seen() == {"stable": ("2", 1.0), "previous": ("1", 0.0)}
    assert site.target().quarantine.reason(done.leave.digest) == "by hand"


def test_to_an_earlier_one_by_name(site: Site) -> None:
    one, two, three = (site.release(version) for version in "123")
    after(site, one, two, three)
    assert [release.version for release in candidates(site.target(), site.running().release_in(Slot.STABLE))] == ["2", "1"]
    for name in (one.version, one.name, one.digest[:8]):
        assert plan(site.target(), site.running(), name).back_to == one
    rollback(site.target(), to=one.name)
    assert site.seen() == {"stable": ("1", 1.0)}
    assert not site.target().quarantine.on_host(two.digest)


@pytest.mark.parametrize("to", ["3", "nope", "1+1234567"])
def test_to_one_that_is_none(site: Site, to: str) -> None:
    after(site, site.release("1"), site.release("2"), site.release("3"))
    with pytest.raises(UsageError, match=f"no earlier release '{to}'".replace("+", r"\+")) as caught:
        plan(site.target(), site.running(), to)
    assert "one of: 2+" in caught.value.next_step


def test_naming_one_passes_a_held_canary_by_and_stops_it(site: Site) -> None:
    one = site.release("1")
    site.put(stable=site.release("2"), previous=one, canary=site.release("3"))
    rollback(site.target(), to="1")
    assert site.seen() == {"stable": ("1", 1.0)}


def test_nothing_runs(site: Site) -> None:
    with pytest.raises(UsageError, match="nothing runs in staging"):
        rollback(site.target("staging"))


def test_a_quarantined_one_is_passed_over(site: Site) -> None:
    one, two, three = (site.release(version) for version in "123")
    after(site, one, two, three)
    site.target().quarantine.add(two.digest, "bad")
    assert plan(site.target(), site.running()).back_to == one and not plan(site.target(), site.running()).warm


@pytest.mark.parametrize(
    ("knobs", "error", "words"),
    [
        ({"crash": "cannot start"}, OutsideError, "cannot start"),
        ({"off": 0.2}, GateRefused, "smoke: golden"),
    ],
)
def test_a_cold_one_that_does_not_come_up_changes_nothing(
    site: Site, knobs: dict[str, Any], error: type[Exception], words: str
) -> None:
    bad, two, three = site.release("1", **knobs), site.release("2"), site.release("3")
    after(site, bad, two, three)
    with pytest.raises(error, match=f"(?s){words}"):
        rollback(site.target(), to="1")
    assert site.seen() == {"stable": ("3", 1.0)}
    assert site.target().journal.read() is None
    assert site.target().quarantine.reason(three.digest) is None


def test_a_warm_one_that_was_restarted_just_now_is_waited_for(site: Site) -> None:
    one, two = site.release("1"), site.release("2")
    after(site, one, two)
    engine = site.target().engine
    (replica,) = engine.status().slots[Slot.PREVIOUS].replicas
    with Traffic(site.url, body=BODY) as traffic:
        os.kill(read_record(site.target().folder / "supervisor.json").replicas[replica.name].pid, signal.SIGKILL)
        assert wait_until(lambda: engine.status().slots[Slot.PREVIOUS].replicas[0].restarts == 1, 30)
        rollback(site.target())
        traffic.wait_for(20)
    assert not traffic.lost and site.seen() == {"stable": ("1", 1.0)}


def test_it_works_while_the_registry_is_gone(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = site.release("1"), site.release("2")
    after(site, one, two)
    recover(site.target())
    assert site.target().artifacts.alias(CHAMPION) == two.artifact
    with registry_gone(site):
        rollback(site.target(), reason="slow")
        assert site.seen() == {"stable": ("1", 1.0)}
        assert site.target().recorder.waiting() == 2
        assert site.target().quarantine.reason(two.digest) == "slow"
        assert "the registry cannot be reached" in capsys.readouterr().out
    assert site.target().releases.quarantined(two.digest) is None
    recover(site.target())
    assert site.target().releases.quarantined(two.digest) == "slow"
    assert site.target().artifacts.alias(CHAMPION) == one.artifact
    assert [event.type for event in site.events()][-1] == ROLLED_BACK
    assert site.target().recorder.log.verify() == []


def test_a_registry_that_is_not_mounted_is_told_once_it_is_back(site: Site) -> None:
    one, two = site.release("1"), site.release("2")
    after(site, one, two)
    site.target().recorder.record(FINISHED, "", {})
    recover(site.target())
    registry, away = site.root / ".gateline" / "registry", site.root / "away"
    registry.rename(away)
    rollback(site.target(), reason="slow")
    assert site.seen() == {"stable": ("1", 1.0)} and not registry.exists()
    away.rename(registry)
    recover(site.target())
    assert site.target().releases.quarantined(two.digest) == "slow"
    assert site.target().artifacts.alias(CHAMPION) == one.artifact and site.target().recorder.log.verify() == []


def test_an_environment_elsewhere_is_not_rolled_back_from_a_laptop(site: Site) -> None:
    after(site, site.release("1"), site.release("2"))
    site.change({"environments.production.local": False})
    with pytest.raises(UsageError, match="--from-laptop"):
        rollback(site.target())
    assert site.seen()["stable"] == ("2", 1.0)
