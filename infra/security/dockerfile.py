"""Rule `dockerfile`: how images are built (hadolint, offline)."""

from __future__ import annotations

import json
from typing import Any

from infra.security import tool
from infra.security.finding import Finding, Scan
from infra.security.sarif import finding_of
from infra.security.subject import Subject

TOOL = "Hadolint"
"""As it calls itself in its SARIF."""
DOCKERFILES = ("Dockerfile", "*/Dockerfile", "*.Dockerfile")


def scan(subject: Subject) -> Scan:
    """Return what hadolint reports. Raises ScannerFailed."""
    names = subject.named(*DOCKERFILES)
    if not names:
        return Scan(0, "Dockerfiles", (TOOL,))
    told = tool.run(["hadolint", "--no-fail", "--no-color", "--format", "sarif", *names], subject.root, (0,), "{")
    runs: list[dict[str, Any]] = json.loads(told)["runs"]
    findings: list[Finding] = [finding_of(TOOL, result) for run in runs for result in run["results"]]
    return Scan(len(names), "Dockerfiles", (TOOL,), tuple(findings), runs=tuple(runs))
