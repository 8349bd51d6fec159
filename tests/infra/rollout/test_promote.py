"""A held canary is finished by hand, or held again."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from gateline.contracts.event import FINISHED, UPGRADED
from gateline.contracts.slots import Slot
from gateline.registry.artifacts import CHAMPION
from gateline.settings.errors import GateRefused, UsageError
from infra.rollout.journal import Entry
from infra.rollout.canary import promote
from infra.rollout.recovery import recover
from tests.infra.rollout.faults import registry_gone
from tests.infra.tiny_project import BODY, Site
from tests.traffic import Traffic


def held(site: Site, lifts: bool = False, **knobs: Any) -> None:
    """Let a canary be held; with `lifts`, one in quarantine that was let in to leave it."""
    first, second = site.release("1"), site.release("2", **knobs)
    site.put(stable=first, canary=second)
    entry = Entry(kind="canary", phase="held", release=second.digest, started="now", pid=1, held="no traffic", lifts=lifts)
    site.target().journal.write(entry)


def test_it_gets_its_replicas_then_all_traffic_then_the_name(site: Site) -> None:
    write = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())"
    site.change({"notify.command": [sys.executable, "-c", write]})
    held(site, lifts=True)
    site.target().quarantine.add(site.release("2").digest, "slow")
    with Traffic(site.url, body=BODY) as traffic:
        traffic.wait_for(20)
        release = promote(site.target())
        traffic.wait_for(20)
    assert not traffic.lost and release is not None
    assert site.seen() == {"stable": ("2", 1.0), "previous": ("1", 0.0)}
    assert len(site.target().engine.status().slots[Slot.STABLE].replicas) == 2
    assert site.target().artifacts.alias(CHAMPION) == release.artifact
    assert site.target().journal.read() is None
    assert site.target().quarantine.reason(release.digest) is None
    ended = site.events()[-1]
    assert (ended.type, ended.subject, ended.data["by_hand"]) == (UPGRADED, release.digest, True)
    assert json.loads((site.root / "told.json").read_text())["event"] == "promote"


def test_without_a_canary_there_is_nothing_to_promote(site: Site) -> None:
    site.put(stable=site.release())
    with pytest.raises(UsageError, match="no canary is running or held in production") as caught:
        promote(site.target())
    assert "invoke canary --env=production" in caught.value.next_step


def test_one_that_answers_otherwise_than_offline_is_held_again(site: Site) -> None:
    held(site, off=0.25)
    with pytest.raises(GateRefused, match="smoke: golden"):
        promote(site.target())
    entry = site.target().journal.read()
    assert entry is not None and entry.held.startswith("promotion failed: smoke: golden")
    assert site.seen() == {"stable": ("1", 1.0), "canary": ("2", 0.0)}
    assert (site.events()[-1].type, site.events()[-1].data["outcome"]) == (FINISHED, "failed")


def test_one_that_fails_under_all_traffic_is_held_again(site: Site) -> None:
    site.change({"environments.production.soak_seconds": 20.0})
    held(site, fail_every=3)
    with Traffic(site.url, body=BODY), pytest.raises(GateRefused, match="soak: "):
        promote(site.target())
    assert site.seen() == {"stable": ("1", 1.0), "canary": ("2", 0.0)}


def test_the_registry_is_told_later_where_it_is_gone(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    held(site)
    with registry_gone(site):
        release = promote(site.target())
        assert release is not None
        assert site.seen() == {"stable": ("2", 1.0), "previous": ("1", 0.0)}
        assert site.target().recorder.waiting() == 2
        assert "the registry cannot be reached" in capsys.readouterr().out
    recover(site.target())
    assert site.target().artifacts.alias(CHAMPION) == release.artifact
    assert [event.data["spooled"] for event in site.events()] == [True, True]
    assert "2 event(s) that waited for the registry are in the audit log now" in capsys.readouterr().out


def test_an_environment_elsewhere_is_not_promoted_from_a_laptop(site: Site) -> None:
    held(site)
    site.change({"environments.production.local": False})
    with pytest.raises(UsageError, match="--from-laptop"):
        promote(site.target())
    promote(site.target(), from_laptop=True)
    assert site.events()[-1].data["from_laptop"] is True
