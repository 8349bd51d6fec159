"""What the proxy is told."""

from __future__ import annotations

from pathlib import Path

from infra.haproxy import control
from tests.infra.engines.states import slot, state

TABLE = Path("/tmp/tiny/guards.map")


def server(name: str, weight: int) -> control.Server:
    return control.Server(name=name, up=True, passed=True, weight=weight, current=0, requests=0, errors=0, last_check="L7OK")


def test_a_proxy_that_agrees_is_told_nothing() -> None:
    running = state(stable=slot("s", share=1.0), canary=slot("c", guarded=True))
    assert control.differences(running, {"s": server("s", 256), "c": server("c", 0)}, {"c"}) == []


def test_a_new_server_has_its_weight_and_is_down_before_it_is_enabled() -> None:
    told = control.differences(state(stable=slot("s", share=1.0)), {}, set())
    assert told[0].startswith("add server releases/s 127.0.0.1:21000 weight 256 check ")
    assert told[1:] == ["enable health releases/s", "set server releases/s health down", "enable server releases/s"]


def test_weights_are_raised_before_others_are_lowered() -> None:
    running = state(stable=slot("s"), canary=slot("c", share=1.0))
    told = control.differences(running, {"s": server("s", 256), "c": server("c", 0)}, set())
    assert told == ["set server releases/c weight 256", "set server releases/s weight 0"]


def test_guards_are_added_and_removed() -> None:
    running = state(stable=slot("s", share=1.0), canary=slot("c", "d", guarded=True))
    servers = {"s": server("s", 256), "c": server("c", 0), "d": server("d", 0)}
    told = control.differences(running, servers, {"s", "d"})
    assert told == [f"add map {TABLE} c 1", f"del map {TABLE} s"]


def test_servers_that_leave_are_left_alone() -> None:
    running = state(stable=slot("s", share=1.0))
    assert control.differences(running, {"s": server("s", 256), "old": server("old", 256)}, {"old"}) == []


def test_a_server_is_removed_gently_or_by_force() -> None:
    gentle = ["set server releases/s state maint", "del server releases/s"]
    assert control.removal("s", False) == gentle
    assert control.removal("s", True) == [gentle[0], "shutdown sessions server releases/s", gentle[1]]
