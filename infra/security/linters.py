"""Rules `workflow` and `dockerfile`: how CI and images are defined, by linters that need no network."""

import json
from typing import Any

from infra.security import tool
from infra.security.finding import Finding, Scan, ScannerFailed, finding_of
from infra.security.subject import Subject

WORKFLOWS = (".github/workflows/*.yml", ".github/workflows/*.yaml")
OTHERS = (".github/actions/*/action.yml", ".github/actions/*/action.yaml", ".github/dependabot.yml")
ACTIONLINT = ("actionlint", "-no-color", "-shellcheck=", "-pyflakes=", "-format", "{{json .}}")
ZIZMOR = ("zizmor", "--offline", "--quiet", "--no-progress", "--strict-collection", "--format", "sarif")
DOCKERFILES = ("Dockerfile", "*/Dockerfile", "*.Dockerfile")
HADOLINT = "Hadolint"
"""As it calls itself in its SARIF."""


def workflow(subject: Subject) -> Scan:
    """The CI definitions, for mistakes (actionlint) and for vulnerabilities (zizmor, offline).

    Where one of the two fails, what the other found still counts.
    """
    workflows, others = subject.named(*WORKFLOWS), subject.named(*OTHERS)
    tools = ("actionlint", "zizmor")
    if not workflows:
        return Scan(0, "workflow files", tools)
    findings: list[Finding] = []
    gaps: list[str] = []
    runs: list[dict[str, Any]] = []
    try:
        for entry in json.loads(tool.run([*ACTIONLINT, *workflows], subject.root, output="[") or "[]"):
            place = entry["filepath"], entry["line"]
            findings.append(Finding("actionlint", entry["kind"], entry["message"], *place))
    except ScannerFailed as error:
        gaps.append(str(error))
    try:
        runs, found = _sarif(subject, "zizmor", *ZIZMOR, *workflows, *others)
        findings += found
    except ScannerFailed as error:
        gaps.append(str(error))
    return Scan(len(workflows + others), "workflow files", tools, tuple(findings), tuple(gaps), runs=tuple(runs))


def dockerfile(subject: Subject) -> Scan:
    """How images are built (hadolint, offline)."""
    names = subject.named(*DOCKERFILES)
    if not names:
        return Scan(0, "Dockerfiles", (HADOLINT,))
    runs, found = _sarif(subject, HADOLINT, "hadolint", "--no-fail", "--no-color", "--format", "sarif", *names)
    return Scan(len(names), "Dockerfiles", (HADOLINT,), tuple(found), runs=tuple(runs))


def _sarif(subject: Subject, name: str, *argv: str) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return the SARIF runs that a tool writes, and their results. Raises ScannerFailed."""
    runs: list[dict[str, Any]] = json.loads(tool.run(argv, subject.root, good=(0,), output="{"))["runs"]
    return runs, [finding_of(name, result) for run in runs for result in run["results"]]
