"""What serves now: as the engine says, since when as the audit log says, and nothing of what cannot be asked."""

from __future__ import annotations

import pytest

from gateline.contracts.event import DEPLOYED, ROLLED_BACK, STARTED, UPGRADED
from gateline.contracts.slots import Slot
from gateline.report.history import Environment
from gateline.settings.errors import OutsideError
from infra.engines.process.engine import ProcessEngine
from infra.rollout.journal import Entry
from infra.site.environments import environments, places
from tests.infra.site.events import Row, at, log
from tests.infra.tiny_project import Site


def told(site: Site, rows: list[Row] | None = None, known: tuple[str, ...] = ()) -> dict[str, Environment]:
    """Return what is told of each environment, by name."""
    return {each.name: each for each in environments(site.target().settings, log(rows or []), known)}


@pytest.mark.slow
def test_each_slot_has_its_share_and_its_time(site: Site) -> None:
    first, second, third = (site.release(version) for version in "123")
    engine = site.put(stable=second, previous=first, canary=third)
    engine.set_shares({Slot.STABLE: 0.75, Slot.CANARY: 0.25})
    rows: list[Row] = [
        (DEPLOYED, first.digest, "deploy", {}),
        (UPGRADED, second.digest, "canary", {}),
        (STARTED, third.digest, "canary", {}),
    ]
    seen = told(site, rows, (second.digest,))["production"]
    slots = {held.slot: (held.release, held.share, held.alive, held.since, held.known) for held in seen.slots}
    assert slots == {
        "stable": (second.name, 0.75, 1, at(2), True),
        "canary": (third.name, 0.25, 1, at(3), False),
        "previous": (first.name, 0.0, 1, at(2), False),
    }
    assert list(slots) == ["stable", "canary", "previous"] and seen.unreachable == ""
    assert places([seen])[second.digest] == ["production: stable, 75%"]


def test_what_the_audit_log_does_not_say_is_not_guessed(site: Site) -> None:
    release, other = site.release("1"), site.release("2")
    site.put(stable=release)
    elsewhere: list[list[Row]] = [
        [],
        [(DEPLOYED, other.digest, "deploy", {})],
        [(DEPLOYED, release.digest, "deploy", {"place": "qa"})],
    ]
    for rows in elsewhere:
        (held,) = told(site, rows)["production"].slots
        assert (held.since, held.by) == ("", "")
    back: list[Row] = [(ROLLED_BACK, other.digest, "rollback", {"back_to": release.digest})]
    assert told(site, back)["production"].slots[0].since == at(1)


def test_one_that_cannot_be_reached_hides_no_other(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    release = site.release()
    site.put("staging", stable=release)
    original = ProcessEngine.status

    def status(self: ProcessEngine) -> object:
        if self._layout.environment == "production":
            raise OutsideError("docker at ssh://host does not answer", "start it")
        return original(self)

    monkeypatch.setattr(ProcessEngine, "status", status)
    seen = told(site)
    assert seen["production"] == Environment(
        "production", "process", unreachable="docker at ssh://host does not answer", next_step="start it"
    )
    assert seen["staging"].slots[0].release == release.name


def test_what_someone_should_look_after_is_told(site: Site) -> None:
    assert told(site)["staging"].attention == ("no release runs here. next: invoke deploy --env=staging, or invoke up",)
    site.put(stable=site.release())
    entry = Entry(kind="canary", phase="held", release="r", started="t", pid=1, held="no traffic")
    site.target().journal.write(entry)
    (line,) = told(site)["production"].attention
    assert line.startswith("a canary is held: no traffic. next: invoke canary --env=production --resume")
