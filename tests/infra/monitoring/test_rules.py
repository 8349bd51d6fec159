"""Each alert goes off where it should, and stays silent where it should not: Prometheus's own promtool says so."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateline.settings import Settings
from gateline.settings.errors import UsageError
from infra.commands.monitoring import files
from infra.engines.kubernetes.names import DOMAIN, Names
from infra.monitoring.dashboard import dashboard
from infra.monitoring.rules import objectives, rules
from tests.docs.blocks import blocks
from tests.infra.monitoring.promql import expressions, program

SETTINGS: dict[str, Any] = {
    "project": {"name": "tiny"},
    "data": {"target": "late"},
    "monitoring": {"max_held_hours": 2.0, "max_drift_days": 0.1},
    "environments": {"production": {"port": 8100, "replicas": 2, "canary_seconds": 600.0}},
}
HERE = 'project="tiny",environment="production"'
STABLE = f'{HERE},slot="stable",replica="1"'
UP, SHARE = f"gateline_environment_up{{{HERE}}}", f'gateline_slot_share{{{HERE},slot="stable",release="r"}}'
CHAMPION, SUPERVISOR = f"gateline_replica_up{{{STABLE}}}", f"gateline_supervisor_up{{{HERE}}}"
RESTARTS, LOST = f"gateline_replica_restarts_total{{{STABLE}}}", f"gateline_log_failures_total{{{STABLE}}}"
GOOD, BAD = (f'gateline_proxy_answers_total{{{HERE},status="{status}"}}' for status in ("2xx", "5xx"))
FAILED, ANSWERED = (f'gateline_requests_total{{{STABLE},status="{status}"}}' for status in ("5xx", "2xx"))
EMPTY, COUNT = f"gateline_empty_answers_total{{{STABLE}}}", f"gateline_request_seconds_count{{{STABLE}}}"
FAST, MIDDLE = (f'gateline_request_seconds_bucket{{{STABLE},le="{bound}"}}' for bound in ("0.2", "0.5"))
JUDGED = f'gateline_drift_judged_timestamp_seconds{{{HERE},outcome="pass"}}'
DRIFTED = JUDGED.replace("pass", "fail")
BEGUN = f'gateline_rollout_started_timestamp_seconds{{{HERE},kind="canary",phase="watch",state="STATE"}}'
RATE = 600
"""Requests a minute where all is well."""
WELL = {
    UP: "1x900", SHARE: "1x900", CHAMPION: "1x900", SUPERVISOR: "1x900", f"gateline_proxy_up{{{HERE}}}": "1x900",
    RESTARTS: "0x900", LOST: "0x900", JUDGED: "0+60x900",
    GOOD: f"0+{RATE}x900", BAD: "0x900", ANSWERED: f"0+{RATE}x900", FAILED: "0x900", EMPTY: "0x900",
    COUNT: f"0+{RATE}x900", FAST: f"0+{RATE}x900", MIDDLE: f"0+{RATE}x900",
}  # fmt: skip
"""Fifteen hours, a sample a minute."""
PAGE, TICKET = ({"severity": severity} for severity in ("page", "ticket"))


def settings(**changes: Any) -> Settings:
    """Return the settings with some tables replaced."""
    return Settings.model_validate(SETTINGS | changes)


def firing(folder: Path, series: Mapping[str, str | None], at: str, expected: list[dict[str, str]]) -> str:
    """Let promtool compare what fires at a moment with what is expected; return what it complains of."""
    for name, text in files(settings()).items():
        (folder / name).write_text(text, encoding="utf-8")
    present = {name: values for name, values in {**WELL, **series}.items() if values is not None}
    labels = [",".join(f'{key}="{value}"' for key, value in sorted(each.items())) for each in expected]
    asked = {
        "expr": 'sum by (alertname, severity, objective) (ALERTS{alertstate="firing"})', "eval_time": at,
        "exp_samples": [{"labels": f"{{{each}}}", "value": 1} for each in labels],
    }  # fmt: skip
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "10m" if at.endswith(("h", "0m")) else "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in present.items()],
                "promql_expr_test": [asked],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test), encoding="utf-8")
    done = subprocess.run([program("promtool"), "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def alert(name: str, severity: dict[str, str], objective: str = "") -> dict[str, str]:
    """Return the labels of an alert."""
    return {"alertname": name, **severity, **({"objective": objective} if objective else {})}


def burns(objective: str, *severities: dict[str, str]) -> list[dict[str, str]]:
    """Return the alerts of one objective."""
    return [alert("GatelineBudgetBurns", severity, objective) for severity in severities]


@pytest.mark.parametrize(
    ("series", "at", "expected"),
    [
        pytest.param({}, "10h", [], id="all is well"),
        pytest.param({BAD: "0+12x900"}, "7h", burns("errors", PAGE, TICKET), id="2 % fail"),
        pytest.param({BAD: "0+12x900"}, "1h", burns("errors", PAGE, TICKET), id="2 % have failed for an hour"),
        pytest.param({BAD: "0+3x900"}, "7h", burns("errors", TICKET), id="0.5 % fail"),
        pytest.param({BAD: "0+3x420 1260x480"}, "14h", [], id="0.5 % failed until 7 hours ago"),
        pytest.param({BAD: "0+300x360 108000x540"}, "6h40m", burns("errors", TICKET), id="half failed until 40 minutes ago"),
        pytest.param(
            {GOOD: "0+1x900", ANSWERED: "0+1x900", COUNT: "0+1x900", FAST: "0+1x900", MIDDLE: "0+1x900", BAD: "0x417 1x483"},
            "7h", [], id="one of a few fails",
        ),
        pytest.param({EMPTY: "0+12x900"}, "7h", burns("errors", PAGE, TICKET), id="2 % are answered without a prediction"),
        pytest.param(
            {GOOD: None, BAD: None, FAILED: "0+12x900"}, "7h", burns("errors", PAGE, TICKET), id="no proxy of ours counts"
        ),
        pytest.param({FAILED: "0+12x900"}, "7h", [], id="the proxy replayed what failed"),
        pytest.param(
            {FAST: f"0+{RATE // 5}x900"}, "7h", burns("slow_p95", PAGE, TICKET), id="80 % are slower than 200 ms"
        ),
        pytest.param(
            {FAST: f"0+{RATE - 12}x900", MIDDLE: f"0+{RATE - 12}x900"}, "7h", burns("slow_p99", TICKET),
            id="2 % are slower than 500 ms",
        ),
        pytest.param({GOOD: "0x900", ANSWERED: "0x900", COUNT: "0x900"}, "7h", [], id="nobody asks"),
        pytest.param({SHARE: "1x60 0x840"}, "62m", [alert("GatelineNoChampion", PAGE)], id="stable gets nothing"),
        pytest.param({SHARE: None}, "2m", [alert("GatelineNoChampion", PAGE)], id="nothing was ever deployed"),
        pytest.param({UP: None}, "6m", [alert("GatelineUnwatched", PAGE)], id="nothing is known"),
        pytest.param({UP: "0x900"}, "6m", [alert("GatelineEnvironmentUnreachable", PAGE)], id="the engine is gone"),
        pytest.param({CHAMPION: "1x60 0x840"}, "64m", [], id="a replica is away for a moment"),
        pytest.param({CHAMPION: "1x60 0x840"}, "67m", [alert("GatelineReplicaDown", TICKET)], id="a replica is down"),
        pytest.param({RESTARTS: "0x60 2x840"}, "80m", [], id="two restarts"),
        pytest.param({RESTARTS: "0+1x900"}, "80m", [alert("GatelineReplicaRestarts", TICKET)], id="restart after restart"),
        pytest.param({SUPERVISOR: "0x900"}, "6m", [alert("GatelineNotSupervised", TICKET)], id="nothing supervises"),
        pytest.param({BEGUN.replace("STATE", "held"): "0x900"}, "1h", [], id="held for an hour"),
        pytest.param(
            {BEGUN.replace("STATE", "held"): "0x900"}, "121m", [alert("GatelineCanaryHeld", TICKET)], id="held too long"
        ),
        pytest.param({BEGUN.replace("STATE", "running"): "0x900"}, "1h", [], id="a change runs"),
        pytest.param(
            {BEGUN.replace("STATE", "running"): "0x900"}, "71m", [alert("GatelineChangeLasts", TICKET)], id="a change lasts"
        ),
        pytest.param(
            {BEGUN.replace("STATE", "abandoned"): "60x900"}, "4m", [alert("GatelineChangeLeft", PAGE)], id="a change was left"
        ),
        pytest.param(
            {JUDGED: None, DRIFTED: "60+60x900"}, "10m", [alert("GatelineDrift", TICKET)], id="the last verdict is drift"
        ),
        pytest.param({JUDGED: "0x900"}, "9h", [alert("GatelineDriftNotJudged", TICKET)], id="drift is not judged any more"),
        pytest.param({JUDGED: None}, "7h", [alert("GatelineDriftNotJudged", TICKET)], id="drift was never judged"),
        pytest.param({LOST: "0x60 5x840"}, "80m", [alert("GatelineLogLosesLines", TICKET)], id="the log loses lines"),
    ],
)  # fmt: skip
def test_what_fires(tmp_path: Path, series: dict[str, str | None], at: str, expected: list[dict[str, str]]) -> None:
    assert firing(tmp_path, series, at, expected) == ""


def test_a_case_that_does_not_hold_is_complained_of(tmp_path: Path) -> None:
    assert "FAILED" in firing(tmp_path, {SHARE: None}, "2m", [])


def test_the_files_and_every_expression_of_the_dashboard_are_promql(tmp_path: Path) -> None:
    for name, text in files(settings()).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    drawn = [{"record": f"drawn:{place}", "expr": each} for place, each in enumerate(expressions(dashboard(settings())))]
    body = yaml.safe_dump({"groups": [{"name": "dashboard", "rules": drawn}]})
    (tmp_path / "drawn.yml").write_text(body, encoding="utf-8")
    for argv in (["check", "config", "prometheus.yml"], ["check", "rules", "drawn.yml"]):
        done = subprocess.run([program("promtool"), *argv], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_job_that_the_page_shows_for_pods_selects_by_labels_that_pods_have(tmp_path: Path) -> None:
    [shown] = [block.text for block in blocks("docs/monitoring.md") if block.language == "yaml"]
    known = shown.replace("kubernetes_sd_configs: [{role: pod}]", "static_configs: [{targets: ['pod:8000']}]")
    assert known != shown, "Debian's Prometheus is built without Kubernetes"
    (tmp_path / "prometheus.yml").write_text(known, encoding="utf-8")
    prefix = "__meta_kubernetes_pod_label_"
    read = set(re.findall(rf"{prefix}(\w+)", shown))
    assert read == {re.sub(r"\W", "_", name) for name in Names("tiny", "production").labels("service") if DOMAIN in name}
    argv = [program("promtool"), "check", "config", "prometheus.yml"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_limits_are_the_settings() -> None:
    changed = settings(gates={"benchmark": {"max_p95_ms": 250.0, "max_p99_ms": 1000.0}}, monitoring={"min_answered": 0.99})
    held_to = objectives(changed, "")
    assert [each.promise for each in held_to] == [
        "99.00% of requests answered without an error",
        "95% of requests answered within 300 ms",
        "99% of requests answered within 1000 ms",
    ], "the histogram has no bound at 250 ms"
    assert [each.budget for each in held_to] == [0.01, 0.05, 0.01]
    assert "gateline:errors:ratio_rate1h{" in str(rules(changed)) and "> 0.144 and" in str(rules(changed))


def test_a_limit_beyond_the_histogram_is_refused() -> None:
    with pytest.raises(UsageError, match=r"max_p99_ms is 20000: the service's histogram ends at 10000 ms"):
        rules(settings(gates={"benchmark": {"max_p99_ms": 20_000.0}}))


def test_every_alert_says_what_next_and_in_which_environment() -> None:
    for rule in (rule for group in rules(settings())["groups"] for rule in group["rules"] if "alert" in rule):
        assert set(rule["labels"]) <= {"severity", "objective"} and rule["labels"]["severity"] in ("page", "ticket")
        about = rule["annotations"]
        assert about["summary"].startswith("{{ $labels.project }} {{ $labels.environment }}: ") and about["next"]
        assert "ENV" not in about["next"] and about["docs"] == "docs/monitoring.md"
