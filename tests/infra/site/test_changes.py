"""What the audit log says of a release, and which release was stable when."""

from __future__ import annotations

from gateline.contracts.event import DEPLOYED, FINISHED, PACKAGED, ROLLED_BACK, STARTED, UPGRADED
from infra.site.changes import Tenure, changes, tenures
from tests.infra.site.events import ONE, THREE, TWO, at, log

LIFE = log(
    [
        (PACKAGED, ONE, "build", {"place": "build"}),
        (STARTED, ONE, "deploy", {}),
        (DEPLOYED, ONE, "deploy", {}),
        (STARTED, TWO, "canary", {}),
        (UPGRADED, TWO, "canary", {"decision": "promote", "unjudged": True}),
        (STARTED, THREE, "canary", {}),
        (ROLLED_BACK, THREE, "canary", {"reasons": ["too slow", "too wrong"]}),
        (STARTED, TWO, "rollback", {}),
        (ROLLED_BACK, TWO, "rollback", {"back_to": ONE, "reason": "by hand"}),
    ]
)


def test_each_release_has_its_changes_in_order() -> None:
    found = changes(LIFE)
    assert [(change.what, change.ended) for change in found[ONE]] == [
        ("build", "built"),
        ("deploy", "deployed"),
        ("rollback", "serves again, after 22222222"),
    ]
    assert [change.ended for change in found[TWO]] == ["upgraded (unjudged)", "rolled back: by hand"]
    assert [change.ended for change in found[THREE]] == ["rolled back: too slow; too wrong"]
    first = found[TWO][0]
    assert (first.who, first.where, first.time, first.run) == (
        "ada (ci)",
        "production",
        at(5),
        "https://ci.example/1",
    )


def test_a_beginning_without_an_end_is_told() -> None:
    killed = log([(STARTED, ONE, "deploy", {}), (STARTED, TWO, "deploy", {}), (UPGRADED, TWO, "deploy", {})])
    assert [change.ended for change in changes(killed)[ONE]] == ["begins"]
    assert [change.ended for change in changes(killed)[TWO]] == ["upgraded"]


def test_what_a_later_command_finished_is_told_as_such() -> None:
    taken_up = log([(STARTED, ONE, "deploy", {}), (FINISHED, ONE, "recovered", {"did": "restored"})])
    assert [change.ended for change in changes(taken_up)[ONE]] == ["done: restored"]


def test_the_address_of_a_run_is_a_link_only_where_it_is_one() -> None:
    evil = log([(DEPLOYED, ONE, "deploy", {"actor": {"name": "eve", "kind": "ci", "run": "javascript:alert(1)"}})])
    assert changes(evil)[ONE][0].run == ""


def test_each_release_is_stable_until_the_next() -> None:
    assert tenures(LIFE) == [
        Tenure("production", ONE, at(3), "ada", at(5)),
        Tenure("production", TWO, at(5), "ada", at(9)),
        Tenure("production", ONE, at(9), "ada"),
    ]


def test_what_changed_nothing_ends_nothing() -> None:
    same = log(
        [
            (DEPLOYED, ONE, "deploy", {}),
            (UPGRADED, TWO, "deploy", {"rehearsal": True}),
            (ROLLED_BACK, THREE, "rollback", {"back_to": ONE}),
            (FINISHED, "", "down", {}),
            (DEPLOYED, TWO, "deploy", {"place": "staging"}),
        ]
    )
    assert tenures(same) == [Tenure("production", ONE, at(1), "ada"), Tenure("staging", TWO, at(5), "ada")]


def test_what_was_removed_serves_no_longer() -> None:
    gone = log([(DEPLOYED, ONE, "deploy", {}), (FINISHED, "", "down", {"removed": True})])
    assert tenures(gone) == [Tenure("production", ONE, at(1), "ada", at(2))]
