"""Rule `workflow`: the CI definitions, for mistakes (actionlint) and for holes (zizmor, offline)."""

from __future__ import annotations

import json
from typing import Any

from infra.security import tool
from infra.security.finding import Finding, Scan, ScannerFailed
from infra.security.sarif import finding_of
from infra.security.subject import Subject

WORKFLOWS = (".github/workflows/*.yml", ".github/workflows/*.yaml")
TOOLS = ("actionlint", "zizmor")
OTHERS = (".github/actions/*/action.yml", ".github/actions/*/action.yaml", ".github/dependabot.yml")


def scan(subject: Subject) -> Scan:
    """Return what both tools report; where one fails, what the other found still counts."""
    workflows, others = subject.named(*WORKFLOWS), subject.named(*OTHERS)
    if not workflows:
        return Scan(0, "workflow files", TOOLS)
    findings: list[Finding] = []
    gaps: list[str] = []
    runs: list[dict[str, Any]] = []
    try:
        findings += actionlint(subject, workflows)
    except ScannerFailed as error:
        gaps.append(str(error))
    try:
        runs = zizmor(subject, workflows + others)
        findings += [finding_of("zizmor", result) for run in runs for result in run["results"]]
    except ScannerFailed as error:
        gaps.append(str(error))
    return Scan(len(workflows + others), "workflow files", TOOLS, tuple(findings), tuple(gaps), runs=tuple(runs))


def actionlint(subject: Subject, names: list[str]) -> list[Finding]:
    """Return the mistakes actionlint sees. Raises ScannerFailed."""
    argv = ["actionlint", "-no-color", "-shellcheck=", "-pyflakes=", "-format", "{{json .}}", *names]
    entries = json.loads(tool.run(argv, subject.root, output="[") or "[]")
    return [
        Finding("actionlint", entry["kind"], entry["message"], entry["filepath"], entry["line"]) for entry in entries
    ]


def zizmor(subject: Subject, names: list[str]) -> list[dict[str, Any]]:
    """Return zizmor's own SARIF runs. Raises ScannerFailed."""
    argv = ["zizmor", "--offline", "--quiet", "--no-progress", "--strict-collection", "--format", "sarif", *names]
    runs: list[dict[str, Any]] = json.loads(tool.run(argv, subject.root, good=(0,), output="{"))["runs"]
    return runs
