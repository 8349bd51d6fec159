"""What an environment gives its services besides the usual variables: names, the token, and the keys that they ask for."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from gateline.contracts.headers import KEYS_VARIABLE, TOKEN_VARIABLE, authorized
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, State, WantedSlot
from gateline.settings import Environment, Service
from gateline.settings.environments import DockerHost
from infra.engines.slots import given
from tests.infra.tiny_project import Site


@pytest.mark.parametrize(
    ("host", "docker", "names"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("ml.example", "", "ml.example"),
        ("0.0.0.0", "", f"0.0.0.0,{socket.gethostname()}"),
        ("::", "ssh://me@gpu.example:22", f"0.0.0.0,{socket.gethostname()},gpu.example"),
    ],
)
def test_what_an_environment_gives_its_services(host: str, docker: str, names: str) -> None:
    where = Environment(port=8100, host=host, docker=DockerHost(host=docker))
    first = given(where, before(), {"GATELINE_REDIS_URL": "redis://x", "AWS_SECRET_ACCESS_KEY": "no"})
    assert first == {
        "GATELINE_HOSTS": names,
        "GATELINE_SYNTHETIC_TOKEN": first["GATELINE_SYNTHETIC_TOKEN"],
        "GATELINE_REDIS_URL": "redis://x",
    }
    assert len(first["GATELINE_SYNTHETIC_TOKEN"]) == 32
    kept = before(stable={TOKEN_VARIABLE: "kept"})
    assert given(where, before(), {}) != first and given(where, kept, {})["GATELINE_SYNTHETIC_TOKEN"] == "kept"


def before(**slots: dict[str, str]) -> State:
    """Return the state of an environment whose slots were started with these variables."""
    release = Release(version="1", artifact="a", project="p", lock="l", python="3.11", service=Service())
    wanted = {Slot(name): WantedSlot(release=release, program="p", variables=one) for name, one in slots.items()}
    return State(project="p", environment="e", host="127.0.0.1", port=1, runtime=Path("."), slots=wanted)


OLD, NEW = "old-key-0123456789", "new-key-0123456789"


@pytest.mark.parametrize(
    ("now", "slots", "asked"),
    [
        ("", {}, None),
        (NEW, {}, NEW),
        (f" {NEW} ,{OLD}", {}, f"{NEW},{OLD}"),
        ("", {"stable": OLD}, OLD),
        ("", {"previous": OLD}, OLD),
        ("", {"stable": NEW, "previous": OLD}, NEW),
        (NEW, {"stable": OLD}, NEW),
        ("none", {"stable": OLD}, None),
        ("", {"previous": OLD, "stable": ""}, None),
    ],
)
def test_keys_are_asked_for_until_others_are_set(now: str, slots: dict[str, str], asked: str | None) -> None:
    state = before(**{name: {KEYS_VARIABLE: keys} if keys else {} for name, keys in slots.items()})
    assert given(Environment(port=8100), state, {KEYS_VARIABLE: now}).get(KEYS_VARIABLE) == asked


@pytest.mark.parametrize(
    ("slots", "key"),
    [
        ({}, ""),
        ({"stable": OLD, "canary": f"{NEW},{OLD}"}, OLD),
        ({"stable": f"{NEW},{OLD}", "canary": NEW}, NEW),
        ({"stable": OLD, "canary": NEW}, OLD),
        ({"stable": "", "canary": NEW}, NEW),
    ],
)
def test_what_asks_services_sends_a_key_that_all_of_them_take(slots: dict[str, str], key: str) -> None:
    state = before(**{name: {KEYS_VARIABLE: keys, TOKEN_VARIABLE: "t"} for name, keys in slots.items()})
    wanted = {TOKEN_VARIABLE: "t", KEYS_VARIABLE: key} if key else {}
    assert state.secrets == wanted and state.key == key
    assert authorized(state.secrets) == ({"Authorization": f"Bearer {key}"} if key else {})


def test_services_of_an_environment_are_asked_with_their_key(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS_VARIABLE, f"{NEW},{OLD}")
    release = site.release()
    engine = site.put(stable=release)
    monkeypatch.delenv(KEYS_VARIABLE)
    variables = httpx.get(f"{site.url}/health/ready").json()["variables"]
    assert variables[KEYS_VARIABLE] == f"{NEW},{OLD}"
    with engine.client(site.url, 10.0) as client:
        assert client.headers["authorization"] == f"Bearer {NEW}"
    site.put(stable=release)
    assert httpx.get(f"{site.url}/health/ready").json()["variables"] == variables
