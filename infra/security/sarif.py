"""One SARIF 2.1.0 file of all scanners: the runs that tools wrote themselves, and one run for each other tool."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.security.finding import Finding, Level, Scan

PATH = Path("reports/security/results.sarif")
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
NOWHERE = "pipeline.toml"
"""Where a finding is shown that is in no file of the tree: code scanning takes no result without a place."""


def write(scans: Iterable[Scan], root: Path) -> Path:
    """Write the file below `root` and return its path."""
    target = root / PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(merge(list(scans)), indent=1) + "\n", encoding="utf-8")
    return target


def merge(scans: list[Scan]) -> dict[str, Any]:
    """Return the log. A tool that found nothing has a run all the same: that is what closes its earlier alerts."""
    own = [run for scan in scans for run in scan.runs]
    written = {run["tool"]["driver"]["name"] for run in own}
    tools = sorted({tool for scan in scans for tool in scan.tools} - written)
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [*(_run(tool, scans) for tool in tools), *own]}


def _run(tool: str, scans: list[Scan]) -> dict[str, Any]:
    looked = [scan for scan in scans if tool in scan.tools]
    findings = [finding for scan in looked for finding in scan.findings if finding.tool == tool]
    codes = sorted({finding.code for finding in findings})
    return {
        "tool": {"driver": {"name": tool, "rules": [{"id": code} for code in codes]}},
        "invocations": [{"executionSuccessful": not any(scan.gaps for scan in looked)}],
        "results": [_result(finding) for finding in findings],
    }


def _result(finding: Finding) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": finding.path or NOWHERE}, "region": {"startLine": max(1, finding.line)}}
    return {
        "ruleId": finding.code,
        "level": finding.level,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
    }


def finding_of(tool: str, result: Mapping[str, Any]) -> Finding:
    """Return a result that a tool wrote in SARIF as a finding; only errors and warnings fail a rule."""
    place = result["locations"][0]["physicalLocation"]
    level: Level = "error" if result["level"] in ("error", "warning") else "note"
    path, line = place["artifactLocation"]["uri"], place["region"]["startLine"]
    return Finding(tool, result["ruleId"], result["message"]["text"], path, line, level)
