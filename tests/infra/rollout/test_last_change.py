"""Nobody's wish is carried out twice: who waited for another command finds done what that one did."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.settings.errors import UsageError
from infra.rollout.canary import CanaryOptions, canary
from infra.rollout.deploy import DeployOptions, deploy
from infra.rollout.last_change import NOTE, LastChange, Moment, Wish, keep_last_change, last_change
from infra.rollout.journal import Entry
from infra.rollout.phases import settle
from infra.rollout.canary import promote
from infra.rollout.rollback import Already, Plan, rollback
from tests.infra.rollout.test_promote import held
from tests.infra.rollout.test_recovery import back, back_between, back_moved, nothing
from tests.infra.rollout.test_rollback import after
from tests.infra.tiny_project import Site


@pytest.fixture
def three(site: Site) -> tuple[Release, Release, Release]:
    """Three releases that were stable one after the other."""
    one, two, three = (site.release(version) for version in "123")
    after(site, one, two, three)
    return one, two, three


def test_moments_are_compared_by_the_kernels_count_where_both_have_it() -> None:
    early, late = Moment(wall=900.0, boot="a", seconds=1.0), Moment(wall=100.0, boot="a", seconds=2.0)
    assert early <= late and not late <= early and early <= early
    elsewhere = Moment(wall=500.0)
    assert late <= elsewhere <= early
    assert late <= Moment(wall=200.0, boot="b", seconds=0.0)


def test_this_process_began_before_now() -> None:
    began, now = Moment.of_this_process(), Moment.now()
    assert began <= now and not now <= began and now.wall - began.wall < 3600


def test_a_moment_that_was_asked_for_elsewhere_is_read() -> None:
    assert Moment.parse("1970-01-01T00:01:00Z").wall == 60.0
    assert str(Moment.parse("2026-01-02T10:30:00+01:00")) == "2026-01-02T09:30:00+00:00"


@pytest.mark.parametrize("text", ["yesterday", "2026-01-02T10:30:00", "17"])
def test_a_moment_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"--asked is '{text}'"):
        Moment.parse(text)


def test_two_people_at_once_go_back_once(site: Site, three: tuple[Release, ...]) -> None:
    wishes = [Wish.of(site.target()) for _ in range(2)]
    done = [rollback(site.target(), wish=wish) for wish in wishes]
    assert isinstance(done[0], Plan) and isinstance(done[1], Already)
    assert site.seen() == {"stable": ("2", 1.0)} and done[1].serves == three[1]
    assert "left meanwhile" in done[1].why
    assert site.target().quarantine.reason(three[1].digest) is None


def test_who_began_before_the_first_ended_but_looked_later_goes_no_further(
    site: Site, three: tuple[Release, ...]
) -> None:
    began = Moment.now()
    rollback(site.target())
    assert isinstance(rollback(site.target(), wish=Wish.of(site.target(), began)), Already)
    assert site.seen() == {"stable": ("2", 1.0)}


def test_who_began_while_the_first_told_of_its_end_goes_no_further(
    site: Site, three: tuple[Release, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile: list[Moment] = []

    def slow(*_: object) -> None:
        time.sleep(0.05)
        meanwhile.append(Moment.now())

    monkeypatch.setattr("infra.rollout.rollback.notify", slow)
    rollback(site.target())
    assert isinstance(rollback(site.target(), wish=Wish.of(site.target(), meanwhile[0])), Already)
    assert site.seen() == {"stable": ("2", 1.0)}
    assert isinstance(rollback(site.target()), Plan) and site.seen() == {"stable": ("1", 1.0)}


def test_who_promotes_while_the_first_told_of_its_end_finds_it_done(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    held(site)
    meanwhile: list[Moment] = []

    def slow(*_: object) -> None:
        time.sleep(0.05)
        meanwhile.append(Moment.now())

    monkeypatch.setattr("infra.rollout.canary.notify", slow)
    assert promote(site.target()) is not None
    assert promote(site.target(), wish=Wish.of(site.target(), meanwhile[0])) is None


def test_a_click_elsewhere_that_waited_is_found_done_and_a_later_one_is_not(
    site: Site, three: tuple[Release, ...]
) -> None:
    clicked = str(Moment(wall=time.time() - 60))
    rollback(site.target())
    assert isinstance(rollback(site.target(), wish=Wish.of(site.target(), Moment.parse(clicked))), Already)
    later = str(Moment(wall=time.time() + 60))
    assert isinstance(rollback(site.target(), wish=Wish.of(site.target(), Moment.parse(later))), Plan)
    assert site.seen() == {"stable": ("1", 1.0)}


def test_what_a_deploy_has_replaced_meanwhile_is_not_left_twice(site: Site, three: tuple[Release, ...]) -> None:
    wish = Wish.of(site.target())
    four = site.release("4")
    assert deploy(site.target(), four, DeployOptions(skip_canary=True))
    assert isinstance(rollback(site.target(), wish=wish), Already)
    assert site.seen()["stable"] == ("4", 1.0)


def test_a_canary_that_came_meanwhile_does_not_take_the_place_of_what_was_meant(site: Site) -> None:
    one, two, three = (site.release(version) for version in "123")
    site.put(stable=two, previous=one)
    wish = Wish.of(site.target())
    site.put(stable=two, previous=one, canary=three)
    done = rollback(site.target(), wish=wish)
    assert isinstance(done, Plan) and (done.leave, done.back_to) == (two, one)
    assert site.seen() == {"stable": ("1", 1.0)}


def test_a_click_is_about_what_served_then_not_about_what_was_promoted_since(site: Site) -> None:
    held(site)
    clicked = Moment.parse(str(Moment(wall=time.time() - 60)))
    waiting = Wish.of(site.target())
    assert promote(site.target()) is not None
    for wish in (waiting, Wish.of(site.target(), clicked)):
        done = rollback(site.target(), wish=wish)
        assert isinstance(done, Already) and done.serves.version == "2" and site.seen()["stable"] == ("2", 1.0)
    assert isinstance(rollback(site.target()), Plan) and site.seen() == {"stable": ("1", 1.0)}


def test_a_click_before_a_deploy_is_not_about_what_was_deployed_and_one_after_it_is(
    site: Site, three: tuple[Release, ...]
) -> None:
    clicked = Moment.parse(str(Moment(wall=time.time() - 60)))
    four = site.release("4")
    assert deploy(site.target(), four, DeployOptions(skip_canary=True))
    assert isinstance(rollback(site.target(), wish=Wish.of(site.target(), clicked)), Already)
    assert site.seen()["stable"] == ("4", 1.0)
    assert isinstance(rollback(site.target(), wish=Wish.of(site.target(), Moment.now())), Plan)
    assert site.seen() == {"stable": ("3", 1.0)}


def test_who_sees_the_new_release_fail_while_it_is_watched_leaves_it(site: Site) -> None:
    """A deploy gives the canary's slot all traffic before the release is called stable."""
    one, two = site.release("1"), site.release("2")
    engine = site.put(stable=one, canary=two)
    engine.set_shares({Slot.CANARY: 1.0})
    moved, wish = Moment.now(), Wish.of(site.target())
    stable = settle(site.target())
    keep_last_change(site.target(), "deploy", one.digest, stable.digest, moved)
    done = rollback(site.target(), wish=wish)
    assert isinstance(done, Plan) and (done.leave, done.back_to) == (two, one)


def test_naming_what_serves_already_is_done(site: Site, three: tuple[Release, ...]) -> None:
    done = rollback(site.target(), to="3")
    assert isinstance(done, Already) and site.seen()["stable"] == ("3", 1.0)


@pytest.mark.parametrize(
    ("phase", "act", "finished"),
    [("begin", nothing, False), ("switch", back, True), ("settle", back_between, True), ("settle", back_moved, True)],
)
def test_one_that_was_killed_is_finished_not_repeated(
    site: Site, three: tuple[Release, ...], phase: str, act: Callable[..., None], finished: bool
) -> None:
    _, two, bad = three
    act(site.target().engine)
    entry = Entry(kind="rollback", phase=phase, release=bad.digest, started="just now", pid=1, reason="slow")
    site.target().journal.write(entry)
    done = rollback(site.target())
    assert isinstance(done, Already) == finished
    assert site.seen() == {"stable": ("2", 1.0)}
    assert site.target().quarantine.reason(two.digest) is None
    assert isinstance(rollback(site.target()), Plan) and site.seen() == {"stable": ("1", 1.0)}


def test_two_people_promote_once(site: Site) -> None:
    held(site)
    wish, began = Wish.of(site.target()), Moment.now()
    assert promote(site.target()) is not None
    assert promote(site.target(), wish=wish) is None
    assert promote(site.target(), wish=Wish.of(site.target(), began)) is None
    resumed = canary(site.target(), site.release("2"), CanaryOptions(resume=True), wish)
    assert resumed is None and site.seen()["stable"] == ("2", 1.0)
    with pytest.raises(UsageError, match="no canary is running or held"):
        promote(site.target())


def test_a_canary_that_was_taken_back_meanwhile_is_not_found_promoted(site: Site) -> None:
    held(site)
    wish = Wish.of(site.target())
    rollback(site.target())
    with pytest.raises(UsageError, match="no canary is running or held"):
        promote(site.target(), wish=wish)


def test_a_damaged_note_stands_in_nobodys_way(site: Site, three: tuple[Release, ...]) -> None:
    rollback(site.target())
    found = last_change(site.target())
    assert isinstance(found, LastChange) and (found.left, found.serves) == (three[2].digest, three[1].digest)
    site.target().engine.notes.write(NOTE, "{")
    assert last_change(site.target()) is None
    assert isinstance(rollback(site.target()), Plan)
    assert site.target().engine.status().release_in(Slot.STABLE) == three[0]
