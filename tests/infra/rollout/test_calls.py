"""How often a change asks the engine what runs: once per decision, and never while it watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from infra import commands
from infra.commands import CanaryOptions, DeployOptions
from infra.engines.process.engine import ProcessEngine
from infra.rollout import canary as module
from tests.infra.tiny_project import BODY, Site
from tests.traffic import Traffic

Count = Callable[[Callable[[], int]], Counter[str]]


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Return what counts the calls of the real engine during one command."""
    counted: Counter[str] = Counter()

    def counting(name: str) -> None:
        original = getattr(ProcessEngine, name)

        def call(*arguments: object) -> object:
            counted[name] += 1
            return original(*arguments)

        monkeypatch.setattr(ProcessEngine, name, call)

    def run(command: Callable[[], int]) -> Counter[str]:
        counted.clear()
        command()
        return counted

    for name in ("status", "up", "metrics"):
        counting(name)
    monkeypatch.setattr(module, "COUNT_SECONDS", 0.1)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.2)
    return run


def test_a_deploy_a_held_canary_and_a_promotion_ask_once_a_decision(site: Site, count: Count) -> None:
    site.put(stable=site.release("1"))
    second, third = site.release("2"), site.release("3")
    site.change({"environments.production.soak_seconds": 1.0})
    past = DeployOptions(skip_canary=True)
    seen = count(lambda: commands.deploy("production", second.digest, past, 5.0))
    assert (seen["up"], seen["status"]) == (1, 4), "as found; smoke; as settled; what is said"
    assert seen["metrics"] >= 4, "a soak goes by what the replicas answer"
    seen = count(lambda: commands.canary("production", third.digest, CanaryOptions(seconds=0.5), 5.0))
    assert (seen["up"], seen["status"]) == (1, 5), "before it waits; as found; smoke; as it is shared; as it is held"
    seen = count(lambda: commands.promote("production", False, 5.0))
    assert (seen["up"], seen["status"]) == (1, 5), "before it waits; as found; smoke; as settled; what is said"
    seen = count(lambda: commands.rollback("production", "", "by hand", False, 5.0, began=commands.Moment.now()))
    assert (seen["up"], seen["status"]) == (1, 3), "before it waits; as found; as settled"


@pytest.mark.slow
def test_a_canary_that_is_promoted_asks_no_more_the_longer_it_is_watched(site: Site, count: Count) -> None:
    site.put(stable=site.release("1"))
    second = site.release("2")
    site.change({"environments.production.soak_seconds": 2.0})
    with Traffic(site.url, body=BODY) as traffic:
        traffic.wait_for(20)
        seen = count(lambda: commands.canary("production", second.digest, CanaryOptions(), 5.0))
    assert (seen["up"], seen["status"]) == (1, 7), "before it waits; found; smoke, twice; as shared; as settled; what is said"
    assert seen["metrics"] >= 10 and not traffic.lost
