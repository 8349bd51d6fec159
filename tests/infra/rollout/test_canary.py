"""A canary under live traffic is promoted, rolled back or held; stable loses nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateline.contracts.event import FINISHED, ROLLED_BACK, UPGRADED
from gateline.contracts.slots import Slot, SlotMetrics
from gateline.contracts.verdict import Outcome, Verdict
from gateline.registry.artifacts import CHAMPION
from gateline.settings.errors import GateRefused, OutsideError, UsageError
from infra.engines.process.engine import ProcessEngine
from infra.engines.process.record import StateFile
from infra.rollout import canary as module
from infra.rollout import watch as watching
from infra.rollout.canary import CanaryOptions, canary
from infra.rollout.rollback import rollback
from infra.rollout.watch import Heartbeat, Step, Watch
from tests.infra.tiny_project import BODY, Site
from tests.traffic import Traffic

REAL = CanaryOptions()
AT_ONCE = CanaryOptions(seconds=0.1)
ERRORS = {f"gates.canary.{key}": ["traffic", "identity", "errors"] for key in ("rules", "required")}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count and look more often than once a second."""
    monkeypatch.setattr(module, "COUNT_SECONDS", 0.1)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.2)


def listening(site: Site, changes: dict[str, Any] | None = None) -> Callable[[], list[tuple[str, list[str]]]]:
    """Let every message be kept; return what reads event and reasons of each."""
    keep = "import sys, pathlib; pathlib.Path('told.jsonl').open('a').write(sys.stdin.read() + chr(10))"
    site.change({"notify.command": [sys.executable, "-c", keep]} | (changes or {}))
    path = site.root / "told.jsonl"
    path.unlink(missing_ok=True)

    def told() -> list[tuple[str, list[str]]]:
        lines = path.read_text().splitlines() if path.exists() else []
        return [(body["event"], body.get("reasons", [])) for body in map(json.loads, lines)]

    return told


@pytest.mark.slow
def test_a_good_one_is_promoted(site: Site) -> None:
    told = listening(site)
    first, second = site.release("1"), site.release("2")
    site.put(stable=first)
    with Traffic(site.url, body=BODY) as traffic:
        traffic.wait_for(20)
        ended = canary(site.target(), second, REAL)
        traffic.wait_for(20)
    assert ended is not None and (ended.step, ended.verdict.outcome) == (Step.PROMOTE, Outcome.PASS)
    assert not traffic.lost and set(traffic.releases) == {first.digest, second.digest}
    assert site.seen() == {"stable": ("2", 1.0), "previous": ("1", 0.0)}
    assert site.target().artifacts.alias(CHAMPION) == second.artifact
    begun, done = site.events()
    assert begun.data["verdicts"] == {"validate_model": "pass"} and begun.data["stable"] == first.digest
    assert (done.type, done.data["decision"], done.data["outcome_of_canary"]) == (UPGRADED, "promote", "pass")
    assert told() == [("canary promote", [])]


@pytest.mark.slow
def test_one_that_fails_live_is_rolled_back_and_people_are_told(site: Site) -> None:
    write = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())"
    site.change(ERRORS | {"notify.command": [sys.executable, "-c", write]})
    first, second = site.release("1"), site.release("2", fail_every=2)
    site.put(stable=first)
    with Traffic(site.url, body=BODY) as traffic:
        ended = canary(site.target(), second, REAL)
        lost = len(traffic.lost)
        traffic.wait_for(50)
    assert ended is not None and ended.step is Step.ROLL_BACK
    assert len(traffic.lost) == lost
    assert site.seen() == {"stable": ("1", 1.0)}
    why = site.target().quarantine.reason(second.digest)
    assert why is not None and why.startswith("canary: the canary fails ")
    done = site.events()[-1]
    assert (done.type, done.data["decision"]) == (ROLLED_BACK, "roll back") and "fails" in done.data["reasons"][0]
    told = json.loads((site.root / "told.json").read_text())
    assert told["event"] == "canary roll back" and told["reasons"] == done.data["reasons"]


@pytest.mark.slow
def test_one_that_keeps_crashing_is_rolled_back(site: Site) -> None:
    rules = ["traffic", "identity", "restarts"]
    changes = {"gates.canary.rules": rules, "gates.canary.required": rules, "gates.canary.min_requests": 100_000}
    site.change(changes | {"environments.production.canary_seconds": 90.0})  # it ends with the second crash
    second = site.release("2", die_at=20)
    site.put(stable=site.release("1"))
    with Traffic(site.url, body=BODY):
        ended = canary(site.target(), second, REAL)
    assert ended is not None and ended.step is Step.ROLL_BACK
    assert [rule.name for rule in ended.verdict.failed] == ["restarts"]
    assert site.seen() == {"stable": ("1", 1.0)}
    assert str(site.target().quarantine.reason(second.digest)).startswith("canary: the canary crashed 2 times")


@pytest.mark.slow
def test_without_traffic_it_is_held_then_resumed_and_promoted(site: Site) -> None:
    first, second = site.release("1"), site.release("2")
    site.put(stable=first)
    ended = canary(site.target(), second, AT_ONCE)
    assert ended is not None and (ended.step, ended.verdict.outcome) == (Step.HOLD, Outcome.INCONCLUSIVE)
    assert site.seen() == {"stable": ("1", 1.0), "canary": ("2", 0.0)}
    entry = site.target().journal.read()
    assert entry is not None and "traffic" in entry.held
    assert site.events()[-1].data["decision"] == "hold" and site.events()[-1].type == FINISHED
    with pytest.raises(GateRefused, match=r"2\+\w+ is held as a canary here") as caught:
        canary(site.target(), site.release("3"), REAL)
    assert "--resume" in caught.value.next_step
    with Traffic(site.url, body=BODY) as traffic:
        resumed = canary(site.target(), first, CanaryOptions(resume=True))
    assert resumed is not None and (resumed.step, resumed.release) == (Step.PROMOTE, second)
    assert site.seen()["stable"] == ("2", 1.0) and not traffic.lost


def test_there_is_nothing_to_resume(site: Site) -> None:
    site.put(stable=site.release("1"))
    with pytest.raises(UsageError, match="no canary is held in production"):
        canary(site.target(), site.release("2"), CanaryOptions(resume=True))


def test_there_is_no_champion(site: Site) -> None:
    with pytest.raises(UsageError, match="no champion serves in production") as caught:
        canary(site.target(), site.release(), REAL)
    assert "invoke deploy --env=production" in caught.value.next_step


def test_stable_itself_is_not_judged(site: Site) -> None:
    release = site.release()
    site.put(stable=release)
    assert canary(site.target(), release, REAL) is None
    assert site.events() == []


def test_one_that_is_not_let_in_is_not_started(site: Site) -> None:
    site.put(stable=site.release("1"))
    with pytest.raises(GateRefused, match="validate_model"):
        canary(site.target(), site.release("2", judged=Outcome.FAIL), REAL)
    assert site.seen() == {"stable": ("1", 1.0)}


def test_one_that_does_not_come_up_is_stopped(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    told, first = listening(site), site.release("1")
    site.put(stable=first)
    with pytest.raises(GateRefused, match="smoke: golden"):
        canary(site.target(), site.release("2", off=0.2), REAL)
    assert site.seen() == {"stable": ("1", 1.0)} and site.target().journal.read() is None
    assert f"canary failed; {first.name} serves on" in capsys.readouterr().out
    ((event, (why,)),) = told()
    assert event == "canary failed" and why.startswith("smoke: golden")


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OutsideError("the engine [/is] gone\nmore")])
def test_interrupted_it_is_held(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failure: BaseException
) -> None:
    told = listening(site)
    site.put(stable=site.release("1"))

    def look(watch: Watch) -> None:
        assert site.seen()["canary"] == ("2", 0.5)
        assert guarded(site), "a dead controller takes the canary out"
        raise failure

    monkeypatch.setattr(Watch, "look", look)
    with pytest.raises(type(failure)):
        canary(site.target(), site.release("2"), REAL)
    assert site.seen() == {"stable": ("1", 1.0), "canary": ("2", 0.0)}
    assert not guarded(site)
    entry, why = site.target().journal.read(), "interrupted" if isinstance(failure, KeyboardInterrupt) else "the engine"
    assert entry is not None and entry.held.startswith(why)
    said = capsys.readouterr().out
    assert why in said and "invoke canary --env=production --resume" in said
    assert site.events()[-1].data["outcome"] == "failed"
    assert told() == [("canary hold", [entry.held.partition("\n")[0]])]


def test_one_that_another_command_takes_back_ends_as_such(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    told, first, second = listening(site), site.release("1"), site.release("2")
    site.put(stable=first)
    look = Watch.look

    def taken_back(watch: Watch) -> Verdict:
        if "canary" in site.seen():
            rollback(site.target(), reason="by a colleague")
        return look(watch)

    monkeypatch.setattr(Watch, "look", taken_back)
    with pytest.raises(GateRefused, match="canary: another command took 2.* back while it was watched"):
        canary(site.target(), second, REAL)
    assert site.seen() == {"stable": ("1", 1.0)} and site.target().journal.read() is None
    assert [event for event, _ in told()] == ["rollback"], "the command that took it back tells of it, once"


def guarded(site: Site) -> bool:
    """Say whether the canary's health hangs on the heartbeat."""
    state = StateFile(site.target().folder / "state.json").read()
    assert state is not None
    return state.slots[Slot.CANARY].guarded


@pytest.mark.slow
def test_a_promotion_that_fails_leaves_it_held(site: Site) -> None:
    site.change({"environments.production.soak_seconds": 20.0, "gates.canary.max_error_increase": 0.05})
    site.put(stable=site.release("1"))
    with Traffic(site.url, body=BODY) as traffic:
        with pytest.raises(GateRefused, match="soak: "):
            canary(site.target(), site.release("2", fail_every=3), REAL)
        lost = len(traffic.lost)
        traffic.wait_for(50)
    assert len(traffic.lost) == lost
    assert site.seen() == {"stable": ("1", 1.0), "canary": ("2", 0.0)}


@pytest.mark.slow
def test_a_rehearsal_drives_load_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    driven: list[tuple[Any, ...]] = []

    @contextmanager
    def threads(*arguments: Any) -> Iterator[None]:
        driven.append(arguments)
        with Traffic(site.url, body=BODY):
            yield

    monkeypatch.setattr(module, "synthetic", threads)
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    first, second = site.release("1"), site.release("2")
    site.put(stable=first)
    ended = canary(site.target(), second, CanaryOptions(rate=70.0))
    assert ended is not None and ended.step is Step.PROMOTE
    assert module.MADE_UP in ended.verdict.notes
    url, rate, seconds, *_ = driven[0]
    assert (url, rate, seconds) == (f"{site.url}/predict", 70.0, 80.0)
    assert site.target().artifacts.alias(CHAMPION) is None, "a rehearsal moves no alias"
    assert all(event.data["rehearsal"] for event in site.events())


def test_a_moment_without_figures_is_left_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.put(stable=site.release("1"), canary=site.release("2"), baseline=site.release("1"))
    original = ProcessEngine.metrics
    away = [True]

    def metrics(engine: ProcessEngine, slot: Slot) -> SlotMetrics:
        if away[0]:
            raise OutsideError("the replica gives no metrics")
        return original(engine, slot)

    monkeypatch.setattr(ProcessEngine, "metrics", metrics)
    with Heartbeat(lambda: None) as heartbeat, Watch(site.target(), site.release("2"), site.release("1"), heartbeat) as watch:
        heartbeat._last = 0.0
        assert watch.look().outcome is Outcome.INCONCLUSIVE and heartbeat.fresh
        watch.show(watch.look(), 1.0, 2.0)
        away[0] = False
        assert "identity" not in watch.look().not_judged
        away[0] = True
        assert "identity" not in watch.look().not_judged, "what was seen before still counts"
        monkeypatch.setattr(watching, "BLIND_SECONDS", 0.0)
        time.sleep(0.01)
        with pytest.raises(OutsideError, match="no metrics"):
            watch.look()
