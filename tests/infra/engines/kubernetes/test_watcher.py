"""The watcher: it takes the canary out once the controller is silent, and backends out that have no ready pod."""

from __future__ import annotations

import json
from typing import Any

from infra.engines.kubernetes.watcher import PLAN, SILENT_SECONDS, Pulse, look, wanted

WITH = [{"name": "s", "weight": 900}, {"name": "c", "weight": 100}]
WITHOUT = [{"name": "s", "weight": 900}, {"name": "c", "weight": 0}]


def test_a_pulse_is_alive_while_its_value_changes() -> None:
    pulse = Pulse(100.0)
    assert pulse.alive("a", 100.1) is None, "it has not been watched for long enough to tell"
    assert pulse.alive("b", 100.5) is True
    assert pulse.alive("b", 100.5 + SILENT_SECONDS - 0.1) is True
    assert pulse.alive("b", 100.5 + SILENT_SECONDS) is False
    assert pulse.alive("c", 110.0) is True


def test_a_watcher_that_was_started_again_lets_nobody_in_that_is_out() -> None:
    pulse = Pulse(100.0)
    assert [pulse.alive("a", now) for now in (100.0, 101.9, 102.0, 105.0)] == [None, None, False, False]


def test_a_guard_decides_and_without_one_nothing_hangs_on_the_controller() -> None:
    plan = {"guarded": True, "alive": {"pool": "yes"}, "dead": {"deployment": "s"}}
    assert wanted(plan, True, set()) == {"pool": "yes"} and wanted(plan, False, set()) == {"deployment": "s"}
    assert wanted(plan | {"guarded": False}, False, set()) == {"pool": "yes"}


def test_what_has_no_ready_pod_weighs_nothing_unless_nobody_has() -> None:
    plan = {"guarded": True, "alive": WITH, "dead": WITHOUT}
    assert wanted(plan, True, {"s", "c"}) == WITH
    assert wanted(plan, True, {"s"}) == WITHOUT
    assert wanted(plan, True, set()) == WITH
    assert wanted(plan, False, {"s", "c"}) == WITHOUT


class Recorded:
    """An API server that has three objects and remembers the patches."""

    def __init__(self, renewed: str, spec: dict[str, Any], plan: dict[str, Any] | None) -> None:
        notes = {} if plan is None else {PLAN: json.dumps(plan)}
        ready, starting = {"metadata": {"name": "s"}, "status": {"readyReplicas": 1}}, {"metadata": {"name": "c"}}
        self.objects: dict[str, Any] = {
            "/lease": {"spec": {"renewTime": renewed}},
            "/shared": {"metadata": {"resourceVersion": "7", "annotations": notes}, "spec": spec},
            "/deployments": {"items": [ready, starting]},
        }
        self.patches: list[Any] = []

    def ask(self, path: str, patch: list[dict[str, Any]] | None = None) -> Any:
        if patch is not None:
            self.patches.append((path, patch))
        return self.objects[path]


def test_a_look_changes_the_object_as_it_was_read_and_only_where_it_differs() -> None:
    plan = {"where": "/spec/selector", "guarded": False, "alive": {"deployment": "s"}, "dead": {"deployment": "s"}}
    paths, pulse = ("/lease", "/shared", "/deployments"), Pulse(0.0)
    cluster = Recorded("a", {"selector": {"pool": "yes"}}, plan)
    assert look(cluster, pulse, *paths)
    test, replaced = cluster.patches[0][1]
    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert replaced == {"op": "replace", "path": "/spec/selector", "value": {"deployment": "s"}}
    same = Recorded("a", {"selector": {"deployment": "s"}}, plan)
    assert not look(same, pulse, *paths) and not same.patches
    assert not look(Recorded("a", {"selector": {}}, None), pulse, *paths), "nothing was planned"


def test_a_look_takes_a_backend_out_whose_pods_are_not_ready() -> None:
    plan = {"where": "/spec/rules/0/backendRefs", "guarded": False, "alive": WITH, "dead": WITHOUT}
    cluster = Recorded("a", {"rules": [{"backendRefs": [{**one, "port": 80} for one in WITH]}]}, plan)
    assert look(cluster, Pulse(0.0), "/lease", "/shared", "/deployments")
    assert cluster.patches[0][1][1]["value"] == WITHOUT
