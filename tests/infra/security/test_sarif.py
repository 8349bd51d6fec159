"""The one SARIF file of all scanners."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.security.finding import Finding, Scan, sarif, write_sarif
from infra.security.linters import workflow
from tests.infra.security.projects import WORKFLOW, subject, write

FOUND = Scan(3, "files", ("bandit",), (Finding("bandit", "B602", "a shell", "room/x.py", 7),))
CLEAN = Scan(3, "files", ("detect-secrets",))
BROKEN = Scan(0, "files", ("picklescan",), gaps=("crashed",))
NOWHERE = Scan(1, "files", ("gateline",), (Finding("gateline", "digest", "model.skops is missing", level="warning"),))


def by_tool(log: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the runs by tool; no two runs have one."""
    names = [run["tool"]["driver"]["name"] for run in log["runs"]]
    assert len(names) == len(set(names))
    return dict(zip(names, log["runs"]))


def test_a_finding_is_a_result_with_rule_level_and_place() -> None:
    run = by_tool(sarif([FOUND, CLEAN]))["bandit"]
    assert run["tool"]["driver"]["rules"] == [{"id": "B602"}]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"], result["message"]) == ("B602", "error", {"text": "a shell"})
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "room/x.py"},
        "region": {"startLine": 7},
    }


def test_a_tool_that_found_nothing_has_an_empty_run() -> None:
    run = by_tool(sarif([FOUND, CLEAN]))["detect-secrets"]
    assert run["results"] == [] and run["invocations"] == [{"executionSuccessful": True}]


def test_a_gap_is_no_success() -> None:
    assert by_tool(sarif([BROKEN]))["picklescan"]["invocations"] == [{"executionSuccessful": False}]


def test_a_finding_in_no_file_still_has_a_place() -> None:
    (result,) = by_tool(sarif([NOWHERE]))["gateline"]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "pipeline.toml"


def test_findings_of_one_tool_in_two_scans_are_one_run() -> None:
    assert len(by_tool(sarif([FOUND, FOUND]))["bandit"]["results"]) == 2


def test_a_run_that_a_tool_wrote_is_taken_as_it_is(root: Path) -> None:
    write(root, ".github/workflows/ci.yml", WORKFLOW.replace("needs: first", "needs: nowhere").replace("# v7.0.1", "#"))
    scan = workflow(subject(root))
    runs = by_tool(sarif([scan]))
    assert runs["zizmor"] == scan.runs[0]
    assert [result["ruleId"] for result in runs["actionlint"]["results"]] == ["job-needs"]


def test_the_file_is_a_sarif_2_1_0_log(tmp_path: Path) -> None:
    path = write_sarif([FOUND, CLEAN, NOWHERE], tmp_path)
    log = json.loads(path.read_text())
    assert path == tmp_path / "reports/security/results.sarif"
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    for run in log["runs"]:
        rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
        assert {result["ruleId"] for result in run["results"]} <= rules
        assert all(result["level"] in ("error", "warning", "note") for result in run["results"])
