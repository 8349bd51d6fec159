"""A real Prometheus scrapes `invoke monitor` of an environment that serves, and evaluates every rule and every panel."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateline.settings import Settings
from tests.acceptance.project import Project
from tests.acceptance.test_drift import send
from tests.infra.monitoring.promql import expressions, program
from tests.service.processes import free_port

SECONDS = 180.0


def until(holds: Callable[[], Any]) -> Any:
    """Return what a question answers once that is something."""
    deadline = time.monotonic() + SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def series(client: httpx.Client, expr: str) -> list[dict[str, Any]]:
    """Return what an expression is now."""
    body = client.get("/api/v1/query", params={"query": expr}).json()
    assert body["status"] == "success", body
    found: list[dict[str, Any]] = body["data"]["result"]
    return found


@pytest.fixture
def prometheus(project: Project, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a Prometheus that was given the files as they are written, but for how often it looks."""
    binary, port = program("prometheus"), free_port()
    project.change(monitoring__port=free_port())
    assert project.invoke("monitor", "--output=watched").code == 0
    path = project.path / "watched" / "prometheus.yml"
    path.write_text(path.read_text().replace("15s", "1s"))
    argv = [binary, f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path}"]
    with (tmp_path / "log").open("w") as log, project.start("monitor") as exporter:
        with subprocess.Popen(argv, stdout=log, stderr=log) as running:
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                    until(lambda: _answers(client) or running.poll() is not None)
                    yield client
            finally:
                running.terminate()
                exporter.send_signal(signal.SIGINT)
        assert exporter.wait(SECONDS) == 0, exporter.stdout.read() if exporter.stdout else ""


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_rules_and_panels_see_what_really_happens(project: Project, prometheus: httpx.Client) -> None:
    until(lambda: series(prometheus, "gateline_proxy_answers_total"))  # a rate is of what is counted from the first look on
    send(project, [project.row() for _ in range(600)])
    assert project.invoke("drift", "--env=production").code in (0, 1)
    settings: Settings = project.settings
    name = settings.project.name
    until(lambda: series(prometheus, f'gateline_drift_rows{{project="{name}"}}'))
    until(lambda: series(prometheus, f'gateline:errors:ratio_rate5m{{project="{name}",environment="production"}} == 0'))
    drawn = json.loads((project.path / "watched" / "dashboard.json").read_text())
    may_be_empty = ("gateline_rollout_started", "ALERTS{", " unless ")
    for expr in expressions(drawn):
        assert series(prometheus, expr) or any(part in expr for part in may_be_empty), expr
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    assert len(groups) == 2 and all(rule["health"] == "ok" for group in groups for rule in group["rules"])
    counted = series(prometheus, f'gateline_requests_total{{project="{name}",slot="stable",status="2xx"}}')
    proxied = series(prometheus, f'gateline_proxy_answers_total{{project="{name}",environment="production",status="2xx"}}')
    assert 600 <= sum(float(each["value"][1]) for each in counted) <= float(proxied[0]["value"][1]) + 100

    project.invoke("down", "--env=production")
    [pending] = until(lambda: series(prometheus, 'ALERTS{alertname="GatelineNoChampion"}'))
    assert pending["metric"]["environment"] == "production" and pending["metric"]["severity"] == "page"
    alerts = prometheus.get("/api/v1/alerts").json()["data"]["alerts"]
    [about] = [alert["annotations"] for alert in alerts if alert["labels"]["alertname"] == "GatelineNoChampion"]
    assert about["summary"].startswith(f"{name} production: No champion serves")
    assert about["next"] == "invoke up --env=production"
