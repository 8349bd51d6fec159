"""Whatever phase a command is killed in, the next one finds one release with all traffic, and says what it did."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from gateline.contracts.event import FINISHED
from gateline.contracts.slots import Slot
from gateline.registry.artifacts import CHAMPION
from infra.engines.contract import Engine
from infra.rollout.journal import Entry, Kind
from infra.rollout.recovery import hold, recover
from infra.rollout.rollback import candidates
from tests.infra.tiny_project import SLOTS, Site

Seen = dict[str, tuple[str, float]]
Act = Callable[[Engine], None]

NOTHING: Seen = {}
OLD: Seen = {"stable": ("1", 1.0)}
NEW: Seen = {"stable": ("2", 1.0), "previous": ("1", 0.0)}
HELD: Seen = {"stable": ("1", 1.0), "canary": ("2", 0.0)}


def nothing(engine: Engine) -> None:
    """The command had done nothing more."""


def switched(engine: Engine) -> None:
    """All traffic had been given to the canary."""
    engine.set_shares({Slot.CANARY: 1.0})


def between(engine: Engine) -> None:
    """The old release had been moved aside, the new one had not taken its place."""
    switched(engine)
    engine.move(Slot.STABLE, Slot.PREVIOUS)


def moved(engine: Engine) -> None:
    """Both had been moved."""
    between(engine)
    engine.move(Slot.CANARY, Slot.STABLE)


def watched(engine: Engine) -> None:
    """The canary had its share and hung on a heartbeat that is dead now."""
    engine.guard(Slot.CANARY, True)
    engine.set_shares({Slot.STABLE: 0.5, Slot.CANARY: 0.5})


def back(engine: Engine) -> None:
    """All traffic had been given to the release before."""
    engine.set_shares({Slot.PREVIOUS: 1.0})


def back_between(engine: Engine) -> None:
    """The release that was left had been stopped, the one before had not taken its place."""
    back(engine)
    engine.stop(Slot.STABLE)


def back_moved(engine: Engine) -> None:
    """The release before had taken its place."""
    back_between(engine)
    engine.move(Slot.PREVIOUS, Slot.STABLE)


def left(
    site: Site, kind: Kind, phase: str, versions: dict[str, str], act: Act, of: str = "2", tell: bool = True
) -> None:
    """Leave what a killed command would have: releases in slots, the journal, and what `act` had done; then recover."""
    releases = {version: site.release(version) for version in {*versions.values(), of}}
    engine = site.put("production", **{slot: releases[version] for slot, version in versions.items()})
    act(engine)
    entry = Entry(kind=kind, phase=phase, release=releases[of].digest, started="yesterday", pid=1, reason="slow")
    site.target().journal.write(entry)
    recover(site.target(), tell=tell)


BOTH = {"stable": "1", "canary": "2"}
WARM = {"stable": "2", "previous": "1"}


@pytest.mark.parametrize(
    ("kind", "phase", "versions", "act", "seen"),
    [
        ("deploy", "begin", {"stable": "1"}, nothing, OLD),
        ("deploy", "start", BOTH, nothing, OLD),
        ("deploy", "soak", BOTH, switched, OLD),
        ("deploy", "soak", {"canary": "2"}, switched, NOTHING),
        ("deploy", "settle", BOTH, switched, NEW),
        ("deploy", "settle", BOTH, between, NEW),
        ("deploy", "settle", BOTH, moved, NEW),
        ("deploy", "settle", {"canary": "2"}, switched, {"stable": ("2", 1.0)}),
        ("canary", "begin", {"stable": "1", "baseline": "1"}, nothing, OLD),
        ("canary", "smoke", BOTH, nothing, HELD),
        ("canary", "watch", BOTH, watched, HELD),
        ("promote", "scale", BOTH, watched, HELD),
        ("promote", "soak", BOTH, switched, HELD),
        ("promote", "settle", BOTH, between, NEW),
    ],
)
def test_a_change_forwards(site: Site, kind: Kind, phase: str, versions: dict[str, str], act: Act, seen: Seen) -> None:
    left(site, kind, phase, versions, act)
    assert site.seen() == seen
    entry = site.target().journal.read()
    assert (entry is not None) == (seen is HELD)
    if entry is not None:
        assert entry.held == f"the {kind}'s command died in phase '{phase}'"
    if seen is NEW:
        assert [release.version for release in candidates(site.target(), site.running().release_in(Slot.STABLE))] == ["1"]
        assert site.target().engine.history()[-1] == site.release("2").digest
        assert site.target().artifacts.alias(CHAMPION) == site.release("2").artifact


@pytest.mark.parametrize(
    ("phase", "versions", "act", "seen", "quarantined"),
    [
        ("begin", WARM, nothing, {"stable": ("2", 1.0), "previous": ("1", 0.0)}, False),
        ("start", WARM, nothing, {"stable": ("2", 1.0)}, False),
        ("switch", WARM, nothing, OLD, True),
        ("switch", WARM, back, OLD, True),
        ("settle", WARM, back, OLD, True),
        ("settle", WARM, back_between, OLD, True),
        ("settle", WARM, back_moved, OLD, True),
        ("begin", BOTH, watched, OLD, True),
        ("switch", BOTH, nothing, OLD, True),
        (
            "switch",
            {"stable": "1", "previous": "3", "baseline": "1"},
            nothing,
            {"stable": ("1", 1.0), "previous": ("3", 0.0)},
            True,
        ),
    ],
)
def test_a_rollback_is_finished_once_it_moved_traffic(
    site: Site, phase: str, versions: dict[str, str], act: Act, seen: Seen, quarantined: bool
) -> None:
    left(site, "rollback", phase, versions, act)
    assert site.seen() == seen
    assert site.target().journal.read() is None
    assert site.target().quarantine.reason(site.release("2").digest) == ("slow" if quarantined else None)
    if "previous" in versions and seen is OLD:
        assert site.target().engine.history() == [site.release("1").digest]


def test_it_says_so_and_records_it(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    write = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())"
    site.change({"notify.command": [sys.executable, "-c", write]})
    left(site, "canary", "watch", BOTH, watched)
    said = capsys.readouterr().out
    assert "the canary begun yesterday died in phase 'watch': all traffic is on stable, the canary is held" in said
    event = site.events()[-1]
    assert (event.type, event.data["outcome"], event.data["phase"]) == (FINISHED, "recovered", "watch")
    assert event.subject == site.release("2").digest
    told = json.loads((site.root / "told.json").read_text())
    assert told["event"] == "canary recovered" and "died in phase 'watch'" in told["reasons"][0]


def test_before_a_rollback_the_registry_is_asked_nothing(site: Site) -> None:
    left(site, "canary", "watch", BOTH, watched, tell=False)
    assert site.seen() == HELD and site.events() == [] and site.target().recorder.waiting() == 1
    recover(site.target())
    assert [event.data["outcome"] for event in site.events()] == ["recovered"]


def test_a_rollback_that_moved_nothing_is_to_be_asked_for_again(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    left(site, "rollback", "begin", WARM, nothing)
    assert "run the rollback again if it is still wanted" in capsys.readouterr().out


def test_what_is_held_stays_held(site: Site) -> None:
    first, second = site.release("1"), site.release("2")
    site.put(stable=first, canary=second)
    entry = Entry(kind="canary", phase="held", release=second.digest, started="now", pid=1, held="no traffic")
    site.target().journal.write(entry)
    recover(site.target())
    assert site.target().journal.read() == entry and site.events() == []


def test_nothing_to_take_up_records_nothing(site: Site) -> None:
    site.put(stable=site.release())
    recover(site.target())
    assert site.events() == []


def test_what_had_ended_is_started_again(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    engine = site.put(stable=site.release())
    engine.down()
    recover(site.target())
    assert site.seen() == {"stable": ("1", 1.0)}
    assert "repaired" not in capsys.readouterr().out, "it was down on purpose"


def test_a_canary_that_is_gone_cannot_be_held(site: Site) -> None:
    release = site.release()
    site.put(stable=release)
    entry = Entry(kind="canary", phase="watch", release=release.digest, started="now", pid=1)
    site.target().journal.write(entry)
    assert hold(site.target(), entry, "why") == "the canary is gone, all traffic is on stable"
    assert site.target().journal.read() is None and set(SLOTS) > set(site.seen())
