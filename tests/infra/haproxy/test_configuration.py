"""The proxy's configuration and weights."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateline.settings.errors import OutsideError
from infra.haproxy import configuration as haproxy
from tests.infra.engines.states import slot, state


@pytest.mark.parametrize(
    ("shares", "counts"),
    [
        ({"stable": 1.0}, {"stable": 1}),
        ({"stable": 1.0, "previous": 0.0}, {"stable": 3, "previous": 2}),
        ({"stable": 0.9, "canary": 0.1}, {"stable": 2, "canary": 1}),
        ({"stable": 0.9, "canary": 0.1}, {"stable": 1, "canary": 5}),
        ({"stable": 0.75, "canary": 0.25}, {"stable": 3, "canary": 2}),
        ({"stable": 0.99, "canary": 0.01}, {"stable": 2, "canary": 1}),
        ({"stable": 0.95, "canary": 0.05}, {"stable": 4, "canary": 1}),
        ({"stable": 0.5, "canary": 0.5}, {"stable": 7, "canary": 1}),
    ],
)
def test_weights_give_every_slot_its_share(shares: dict[str, float], counts: dict[str, int]) -> None:
    found = haproxy.weights(shares, counts)
    total = sum(found[name] * counts[name] for name in found)
    assert {name: found[name] * counts[name] / total for name in found} == pytest.approx(shares)
    assert all(0 <= weight <= haproxy.HEAVIEST for weight in found.values())


def test_weights_are_the_largest_that_fit() -> None:
    """Small weights get less than their part in HAProxy's round robin."""
    assert haproxy.weights({"stable": 0.9, "canary": 0.1}, {"stable": 2, "canary": 1}) == {"stable": 252, "canary": 56}


def test_an_uneven_share_is_met_as_nearly_as_weights_allow() -> None:
    found = haproxy.weights({"stable": 0.9371, "canary": 0.0629}, {"stable": 3, "canary": 2})
    assert 2 * found["canary"] / (3 * found["stable"] + 2 * found["canary"]) == pytest.approx(0.0629, abs=0.0005)


def test_a_tiny_share_is_never_none_and_no_share_is_none() -> None:
    assert haproxy.weights({"stable": 0.9999, "canary": 0.0001}, {"stable": 1, "canary": 1})["canary"] == 1
    assert haproxy.weights({"stable": 0.0}, {"stable": 2}) == {"stable": 0}
    assert haproxy.weights({}, {}) == {}


def test_the_configuration_is_accepted_and_holds_every_server(tmp_path: Path) -> None:
    running = state(stable=slot("s1", "s2", share=0.9), canary=slot("c1", share=0.1, guarded=True))
    running = running.model_copy(update={"runtime": tmp_path})
    running.guards.write_text(haproxy.guards_file(running))
    config = tmp_path / "haproxy.cfg"
    config.write_text(haproxy.config(running))
    subprocess.run([haproxy.binary(), "-c", "-f", str(config)], check=True, capture_output=True)
    assert running.guards.read_text() == "c1 1\n"
    servers = [line.split()[1:5] for line in config.read_text().splitlines() if line.startswith("  server ")]
    assert servers == [
        ["s1", "127.0.0.1:21000", "weight", "252"],
        ["s2", "127.0.0.1:21001", "weight", "252"],
        ["c1", "127.0.0.1:21000", "weight", "56"],
    ]


def test_without_a_wheel_haproxy_is_taken_from_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haproxy, "WHEEL", "no_such_wheel")
    own = tmp_path / "haproxy"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert haproxy.binary() == str(own)


def test_without_haproxy_the_way_to_install_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haproxy, "WHEEL", "no_such_wheel")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutsideError, match=r"HAProxy is not installed.*\n  next: install it: `brew install haproxy`"):
        haproxy.binary()
