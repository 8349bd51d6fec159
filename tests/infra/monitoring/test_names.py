"""Dashboard and rules read what a running service and a running environment really export, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from gateline.contracts.verdict import Outcome, Rule, Verdict
from infra.drift.window import Window
from infra.monitoring.dashboard import dashboard
from infra.monitoring.exporter import OWN, Exporter
from infra.monitoring.rules import rules
from infra.rollout import phases
from tests.infra.monitoring.promql import Labels, complaints, expressions, shown
from tests.infra.tiny_project import ROOT, Site
from tests.service import bundles
from tests.service.processes import service

ALERTS = {"alertname", "alertstate", "objective", "project", "environment"}
"""What Prometheus itself adds: one series for each alert, with the alert's labels."""


def served(tmp_path: Path) -> str:
    """Return the page of a real service that has answered."""
    bundles.write(tmp_path / "bundle")
    with service(tmp_path / "bundle", tmp_path, PYTHONPATH=str(ROOT)) as running:
        running.wait_for("/health/ready")
        return running.client.get("/metrics").text


@pytest.fixture
def known(site: Site, tmp_path: Path) -> Labels:
    """The metrics of a real environment with a change under way and a verdict on drift, and those of a real service in it."""
    release = site.release()
    engine = site.put(stable=release)
    target = site.target()
    phases.begin(target, "canary", release)
    rule = Rule(name="traffic", outcome=Outcome.PASS, reason="enough")
    judged = {"release": release.digest}
    Window(engine.notes, release.digest).tell(
        Verdict.of("drift", [rule], judged=judged, metrics={"rows": 500.0, "psi.size": 0.5})
    )
    found: dict[str, set[str]] = defaultdict(set)
    mine = {"project", "environment", "slot", "replica"}
    for name, labels in shown(served(tmp_path)).items():
        found[name] = labels | mine
    for name, labels in shown(generate_latest(Exporter([target]).registry).decode()).items():
        found[name] |= labels
    return found


def test_every_name_is_exported(site: Site, known: Labels) -> None:
    settings = site.target().settings
    groups = rules(settings)["groups"]
    written: list[dict[str, Any]] = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"]: {"project", "environment"} for rule in written if "record" in rule}
    everything = {**known, **recorded, "ALERTS": ALERTS}
    drawn = expressions(dashboard(settings))
    assert [*complaints([*drawn, *(rule["expr"] for rule in written)], everything)] == []
    unread = {name for name in OWN if not any(name in text for text in (*drawn, *(rule["expr"] for rule in written)))}
    assert unread == set(), "each of them is exported to be read"


def test_what_is_exported_nowhere_is_named() -> None:
    known = {"gateline_rows_total": {"project", "slot"}}
    summed = 'sum by (slot, day) (rate(gateline_rows_total{project="a",label="b"}[5m]))'
    wrong = [summed, 'gateline_row{project="a"}', "gateline_rows_total"]
    assert [text.partition(":")[0] for text in complaints(wrong, known)] == [
        "gateline_rows_total has no label label",
        "nothing has the label day",
        "gateline_row is exported nowhere",
        "gateline_rows_total is read of every project",
    ]
