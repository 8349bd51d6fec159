"""How an object of a cluster differs from what it would become."""

from __future__ import annotations

from infra.engines.kubernetes.api import Body
from infra.engines.kubernetes.difference import difference
from infra.engines.kubernetes.names import PLAN


def service(to: str, version: str, **annotations: str) -> Body:
    about = {"name": "a", "resourceVersion": version, "uid": version, "annotations": annotations}
    return {"kind": "Service", "metadata": about, "spec": {"selector": {"to": to}}, "status": {"seen": version}}


def test_what_changes_is_shown_without_what_the_server_numbers() -> None:
    diff = difference(service("one", "1", **{PLAN: "{}"}), service("two", "2"))
    assert diff.splitlines()[:2] == ["--- Service/a", "+++ Service/a"]
    assert [line for line in diff.splitlines()[2:] if line[0] in "+-"] == ["-    to: one", "+    to: two"]


def test_nothing_is_shown_of_equal_objects() -> None:
    assert difference(service("one", "1"), service("one", "2")) == ""


def test_an_object_that_is_not_there_is_all_new() -> None:
    lines = difference(None, service("one", "1", team="late")).splitlines()
    assert lines[:2] == ["--- (not there)", "+++ Service/a"] and "+    team: late" in lines
    assert all(line[0] == "+" for line in lines[3:])
