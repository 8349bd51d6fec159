"""What up, down, status and smoke print, and how they end."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Outcome
from gateline.settings.errors import OutsideError, UsageError
from gateline.settings.front_door import front_door
from infra import commands
from infra.engines.process.engine import ProcessEngine
from infra.engines.process.record import read_record
from infra.rollout.journal import Entry
from tests.infra.rollout.faults import registry_gone, stop_at
from tests.infra.tiny_project import Site

Capture = pytest.CaptureFixture[str]


def status(capsys: Capture, name: str = "production") -> dict[str, Any]:
    """Return what `status --json` prints of one environment."""
    capsys.readouterr()
    assert commands.status(name, False, True) == 0
    body: dict[str, Any] = json.loads(capsys.readouterr().out)[name]
    return body


def test_up_without_a_release_names_the_next_step(site: Site, capsys: Capture) -> None:
    assert commands.up("staging", False, 1.0) == 0
    said = capsys.readouterr().out
    assert "no release is deployed yet. next: invoke deploy --env=staging" in said
    assert site.events()[-1].data["change"] == "up"


def test_down_and_up_bring_back_what_ran(site: Site, capsys: Capture) -> None:
    release = site.release()
    site.put(stable=release)
    assert commands.down("production", False, 1.0) == 0
    assert "`invoke up --env=production` brings it back as it was" in capsys.readouterr().out
    seen = status(capsys)
    assert not seen["proxy_alive"] and not seen["slots"]["stable"]["replicas"][0]["alive"]
    assert seen["warnings"] == ["proxy and supervisor not running. next: invoke up --env=production"]
    assert commands.up("production", False, 1.0) == 0
    said = capsys.readouterr().out
    assert release.name in said and "100%" in said and "1 of 1 alive" in said
    assert [event.data["change"] for event in site.events()] == ["down", "up"]


def test_an_environment_elsewhere_is_left_alone_from_a_laptop(site: Site) -> None:
    site.put("staging", stable=site.release())
    site.change({"environments.staging.local": False})
    for command in (commands.down, commands.up):
        with pytest.raises(UsageError, match="--from-laptop"):
            command("staging", False, 1.0)
    assert site.target("staging").engine.status().proxy_alive and site.events() == []
    assert commands.up("staging", True, 1.0) == 0
    assert site.events()[-1].data["from_laptop"] is True


def test_status_tells_what_runs(site: Site, capsys: Capture) -> None:
    one, two = site.release("1"), site.release("2")
    site.put(stable=two, previous=one)
    seen = status(capsys)
    assert seen["url"] == site.url and seen["proxy_alive"] and seen["supervised"]
    stable = seen["slots"]["stable"]
    assert (stable["release"], stable["version"], stable["share"]) == (two.digest, "2", 1.0)
    assert seen["slots"]["previous"]["share"] == 0.0
    assert stable["replicas"][0]["alive"] and seen["rollout"] is None and seen["warnings"] == []
    assert (stable["scorer"], stable["scorer_reason"]) == ("scikit-learn", "")
    assert commands.status("", False, False) == 0
    said = capsys.readouterr().out
    assert "staging" in said and f"production  {site.url}" in said and two.name in said
    assert "production  stable: scikit-learn scores\n" in said
    assert "no release runs here. next: invoke deploy --env=staging, or invoke up" in said


def test_status_of_an_unknown_environment(site: Site) -> None:
    with pytest.raises(UsageError, match="did you mean 'staging'"):
        commands.status("stagin", False, False)


def test_an_environment_that_cannot_be_reached_does_not_hide_the_others(site: Site, capsys: Capture) -> None:
    site.put(stable=site.release())
    site.change({"environments.staging.engine": "docker", "environments.staging.docker.host": "tcp://127.0.0.1:1"})
    assert commands.status("", False, False) == 4
    said = capsys.readouterr().out
    assert "staging  cannot be reached" in said and f"production  {site.url}" in said and "100%" in said
    assert commands.status("", False, True) == 4
    body = json.loads(capsys.readouterr().out)
    assert body["production"]["slots"]["stable"]["share"] == 1.0
    assert body["staging"]["unreachable"].startswith("no Docker daemon answers at tcp://127.0.0.1:1")
    assert "docker.host" in body["staging"]["next_step"]


def test_status_counts_restarts(site: Site, capsys: Capture) -> None:
    engine = site.put(stable=site.release())
    (replica,) = engine.status().slots[Slot.STABLE].replicas
    os.kill(read_record(site.target().folder / "supervisor.json").replicas[replica.name].pid, signal.SIGKILL)
    while not engine.status().slots[Slot.STABLE].replicas[0].restarts:
        pass
    engine.wait_ready(Slot.STABLE, 20.0)
    assert commands.status("production", False, False) == 0
    assert "1 of 1 alive, 1 restart(s)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("no [/traffic]", "a canary is held: no [/traffic]. next: invoke canary --env="),
        ("", "a canary is under way since 12:00 (process 7 on here, phase 'watch')"),
    ],
)
def test_status_tells_what_is_under_way(site: Site, capsys: Capture, held: str, words: str) -> None:
    site.put(stable=site.release())
    entry = Entry(kind="canary", phase="watch", release="a", started="12:00", pid=7, host="here", held=held)
    site.target().journal.write(entry)
    with site.target().exclusively("invoke canary", 0.0):
        assert status(capsys)["warnings"][0].startswith(words)
        assert status(capsys)["rollout"]["phase"] == "watch"
        commands.status("production", False, False)
    assert words in capsys.readouterr().out.replace("\n", " ")


def test_status_tells_what_waits_for_the_registry(site: Site, capsys: Capture) -> None:
    site.put(stable=site.release())
    with registry_gone(site):
        commands.up("production", False, 1.0)
        assert status(capsys)["warnings"] == ["1 audit event(s) wait for the registry"]


def test_status_shows_the_end_of_the_logs(site: Site, capsys: Capture) -> None:
    engine = site.put(stable=site.release())
    (replica,) = engine.status().slots[Slot.STABLE].replicas
    log = site.target().folder / "logs" / f"{replica.name}.log"
    log.write_text("".join(f"line {number} [/x]\x1b[2J\n" for number in range(100)))
    assert commands.status("production", True, False) == 0
    said = capsys.readouterr().out
    assert f"{replica.name}.log" in said and "line 99 [/x]" in said and "line 79 " not in said and "\x1b" not in said


@pytest.mark.slow
def test_no_command_touches_what_serves_without_its_state(site: Site, capsys: Capture) -> None:
    release = site.release()
    site.put("staging", stable=release)
    shutil.rmtree(site.target("staging").folder)
    port = site.target("staging").environment.port
    changes: list[Callable[[], int]] = [
        lambda: commands.up("staging", False, 1.0),
        lambda: commands.deploy("staging", release.digest, commands.DeployOptions(), 1.0),
        lambda: commands.canary("staging", release.digest, commands.CanaryOptions(), 1.0),
        lambda: commands.promote("staging", False, 1.0),
        lambda: commands.rollback("staging", "", "why", False, 1.0),
    ]
    for change in changes:
        with pytest.raises(OutsideError, match=rf"port {port} is held by this project's own environment staging"):
            change()
    assert httpx.get(f"http://127.0.0.1:{port}/health/ready").json()["release"] == release.digest
    assert f"port {port} is held by" in status(capsys, "staging")["warnings"][0]
    assert commands.down("staging", False, 1.0) == 0
    assert commands.deploy("staging", release.digest, commands.DeployOptions(), 1.0) == 0


def test_a_smoke_test_passes_and_is_recorded(site: Site, capsys: Capture) -> None:
    release = site.release()
    site.put(stable=release)
    assert commands.smoke("production") == 0
    recorded = site.target().verdicts.about("smoke", "release", release.digest)
    assert recorded is not None and recorded.judged["environment"] == "production"
    assert {rule.name for rule in recorded.rules} == {"ready_early", "contract", "golden"}
    assert (site.root / "reports" / "smoke" / "verdict.json").exists()
    assert "smoke" in capsys.readouterr().out.lower()


@pytest.mark.parametrize(("failures", "code"), [(1, 0), (2, 4)])
def test_up_waits_once_more_for_a_stable_replica_that_hung_till_now(
    site: Site, monkeypatch: pytest.MonkeyPatch, failures: int, code: int
) -> None:
    site.put(stable=site.release())
    for number in range(1, failures + 1):
        stop_at(monkeypatch, "wait_ready", number, OutsideError("it ended instead of getting ready"))
    assert front_door(lambda: commands.up("production", False, 1.0)) == code


def test_a_registry_that_is_not_mounted_is_not_made_by_a_verdict_or_a_deploy(site: Site, capsys: Capture) -> None:
    site.put(stable=site.release())
    assert commands.up("production", False, 1.0) == 0
    registry = site.root / ".gateline/registry"
    registry.rename(site.root / "away")
    assert commands.smoke("production") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "registry cannot be reached" in said and "reports/smoke alone" in said and not registry.exists()
    with pytest.raises(OutsideError, match="emptied, or is not mounted"):
        commands.deploy("production", "", commands.DeployOptions(), 1.0)
    (site.root / "away").rename(registry)


def test_a_smoke_test_names_the_replica_that_fails(site: Site) -> None:
    engine = site.put(stable=site.release(off=0.3))
    (replica,) = engine.status().slots[Slot.STABLE].replicas
    assert commands.smoke("production") == 1
    recorded = site.target().verdicts.all("smoke")[-1]
    assert recorded.outcome is Outcome.FAIL
    assert [(rule.name, rule.subject) for rule in recorded.failed] == [("golden", replica.address)]


def test_a_smoke_test_of_nothing(site: Site) -> None:
    with pytest.raises(UsageError, match="nothing runs in staging") as caught:
        commands.smoke("staging")
    assert "invoke deploy --env=staging" in caught.value.next_step


def test_what_serves_without_its_state_is_not_said_to_be_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProcessEngine, "orphaned", lambda _: "port 1 is held by this project's own environment staging")
    asks: tuple[Callable[[], int], ...] = (
        lambda: commands.smoke("staging"),
        lambda: commands.drift("staging"),
        lambda: commands.rollback_plan("staging", ""),
    )
    for ask in asks:
        with pytest.raises(OutsideError, match="port 1 is held") as caught:
            ask()
        assert "invoke down --env=staging" in caught.value.next_step


def test_a_command_that_is_in_the_way_is_named(site: Site) -> None:
    with site.target().exclusively("invoke canary", 0.0), pytest.raises(OutsideError, match="`invoke canary` of"):
        commands.up("production", False, 0.2)
