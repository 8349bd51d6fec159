"""The page shows what is really so in every environment, and one that cannot be asked hides no other."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Outcome, Rule, Verdict
from infra.drift.window import Window
from infra.monitoring.exporter import Exporter
from infra.rollout import phases
from infra.rollout.target import Target
from tests.infra.tiny_project import BODY, Site

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(exporter: Exporter) -> Samples:
    """Return the values on its page, by name and labels; those of `project` are left out, being the same everywhere."""
    found: Samples = {}
    for family in text_string_to_metric_families(generate_latest(exporter.registry).decode()):
        for sample in family.samples:
            assert sample.labels.pop("project") == "tiny"
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, "Prometheus refuses a page that shows one series twice"
            found[key] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float | None:
    """Return the value of the one series with these labels among others; None where there is none."""
    wanted = {"environment": "production"} | labels
    values = [each for (known, about), each in found.items() if known == name and wanted.items() <= set(about)]
    assert len(values) < 2, values
    return values[0] if values else None


@pytest.fixture
def release(site: Site) -> Release:
    """A release that is stable in production."""
    found = site.release()
    site.put(stable=found)
    return found


def test_what_runs_and_what_was_counted_by_slot(site: Site, release: Release) -> None:
    engine = site.put(canary=site.release("2"))
    engine.set_shares({Slot.STABLE: 0.75, Slot.CANARY: 0.25})
    exporter = Exporter([site.target(), site.target("staging")])
    before = samples(exporter)
    with httpx.Client(base_url=site.url) as client:
        for _ in range(20):
            assert client.post("/predict", content=BODY).status_code == 200
    found = samples(exporter)
    for slot, share, count, version in (("stable", 0.75, 15, release.version), ("canary", 0.25, 5, "2")):
        assert value(found, "gateline_slot_share", slot=slot, version=version) == pytest.approx(share, abs=0.01)
        grown = [value(each, "gateline_requests_total", slot=slot, status="2xx") or 0.0 for each in (before, found)]
        assert grown[1] - grown[0] == pytest.approx(count, abs=1)
        assert value(found, "gateline_request_seconds_bucket", slot=slot, le="+Inf") == grown[1]
        assert value(found, "gateline_replica_up", slot=slot) == 1
        assert value(found, "gateline_replica_restarts_total", slot=slot) == 0
    answers = [value(each, "gateline_proxy_answers_total", status="2xx") or 0.0 for each in (before, found)]
    assert answers[1] - answers[0] == 20
    for name in ("environment", "proxy", "supervisor"):
        assert value(found, f"gateline_{name}_up") == 1
    assert value(found, "gateline_environment_up", environment="staging") == 1
    assert value(found, "gateline_slot_share", environment="staging") is None


def test_what_is_down_is_shown_as_down(site: Site, release: Release) -> None:
    engine = site.target().engine
    engine.down()
    try:
        found = samples(Exporter([site.target()]))
    finally:
        engine.up()
    assert value(found, "gateline_environment_up") == 1, "it could be asked"
    assert value(found, "gateline_slot_share", slot="stable", release=release.digest) == 0
    for name in ("replica", "proxy", "supervisor"):
        assert value(found, f"gateline_{name}_up") == 0
    assert value(found, "gateline_requests_total") is None and value(found, "gateline_proxy_answers_total") is None


@pytest.mark.parametrize(
    ("state", "about"),
    [
        ("running", {}),
        ("held", {"held": "too little traffic"}),
        ("abandoned", {"pid": 2**22 + 1, "born": "1"}),
    ],
)
def test_a_change_is_shown_with_how_it_stands(site: Site, release: Release, state: str, about: dict[str, Any]) -> None:
    target = site.target()
    name = "gateline_rollout_started_timestamp_seconds"
    assert value(samples(Exporter([target])), name) is None
    phases.begin(target, "canary", release)
    entry = target.journal.entry().model_copy(update={"started": "2026-01-02T10:30:00+00:00", **about})
    target.journal.write(entry)
    found = samples(Exporter([target]))
    assert value(found, name, kind="canary", phase="begin", state=state) == 1_767_349_800


def test_the_last_verdict_on_drift_is_shown_while_its_release_serves(site: Site, release: Release) -> None:
    window = Window(site.target().engine.notes, release.digest)
    name = "gateline_drift_judged_timestamp_seconds"
    assert value(samples(Exporter([site.target()])), name) is None
    rule = Rule(name="traffic", outcome=Outcome.FAIL, reason="it moved")
    metrics = {"rows": 500.0, "psi.size": 0.5}
    verdict = Verdict.of("drift", [rule], judged={"release": release.digest}, metrics=metrics)
    window.tell(verdict.model_copy(update={"created": "2026-01-02T10:30:00+00:00"}))
    found = samples(Exporter([site.target()]))
    assert value(found, name, outcome="fail") == 1_767_349_800
    assert value(found, "gateline_drift_psi", column="size") == 0.5 and value(found, "gateline_drift_rows") == 500
    window.tell(verdict.model_copy(update={"judged": {"release": "f" * 64}}))
    assert value(samples(Exporter([site.target()])), name) is None


def test_a_damaged_note_of_drift_is_none(site: Site, release: Release) -> None:
    site.target().engine.notes.write("drift-verdict", '{"gate": ')
    assert value(samples(Exporter([site.target()])), "gateline_environment_up") == 1


def test_one_that_cannot_be_asked_hides_no_other_and_is_told_once(site: Site, release: Release) -> None:
    said: list[str] = []
    target = site.target()

    def say(where: Target, what: str) -> None:
        said.append(f"{where.name} {what}")

    exporter = Exporter([target, site.target("staging")], say)
    (target.folder / "rollout.json").write_text("{")
    for _ in range(2):
        found = samples(exporter)
        assert value(found, "gateline_environment_up") == 0
        assert value(found, "gateline_environment_up", environment="staging") == 1
        assert value(found, "gateline_replica_up", slot="stable") == 1, "what is known is shown"
    [told] = said
    assert told.startswith("production cannot be asked: ") and "is damaged" in told and "next: remove it" in told
    (target.folder / "rollout.json").unlink()
    assert value(samples(exporter), "gateline_environment_up") == 1
    assert said[1:] == ["production can be asked again"]
