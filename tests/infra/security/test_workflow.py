"""Rule `workflow`."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.security import linters
from tests.infra.security.projects import WORKFLOW, subject, write

PLANTED = [
    (
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "actions/checkout@v7",
        "zizmor/unpinned-uses",
    ),
    ("needs: first", "needs: nowhere", "job-needs"),
    ("permissions:\n      contents: read", "permissions: write-all", "zizmor/excessive-permissions"),
    ("\n        with:\n          persist-credentials: false", "", "zizmor/artipacked"),
    ("run: nox -s lint", "run: echo ${{ github.event.head_commit.message }}", "zizmor/template-injection"),
]


def test_a_clean_workflow_passes(root: Path) -> None:
    scan = linters.workflow(subject(root))
    assert (scan.looked_at, scan.findings, scan.gaps) == (1, (), ())
    assert [run["tool"]["driver"]["name"] for run in scan.runs] == ["zizmor"]


@pytest.mark.parametrize(("good", "bad", "code"), PLANTED, ids=[code for _, _, code in PLANTED])
def test_a_planted_fault_is_found(root: Path, good: str, bad: str, code: str) -> None:
    write(root, ".github/workflows/ci.yml", WORKFLOW.replace(good, bad))
    found = {finding.code: finding for finding in linters.workflow(subject(root)).findings}
    assert found[code].blocks
    assert found[code].path == ".github/workflows/ci.yml"


def test_a_local_action_is_scanned_too(root: Path) -> None:
    action = "name: x\ndescription: y\nruns:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v7\n"
    write(root, ".github/actions/setup/action.yml", action)
    scan = linters.workflow(subject(root))
    assert scan.looked_at == 2
    assert [finding.where for finding in scan.findings] == [".github/actions/setup/action.yml:6"]


def test_what_one_tool_cannot_read_the_other_still_judges(root: Path) -> None:
    write(root, ".github/workflows/ci.yml", "just text\n")
    scan = linters.workflow(subject(root))
    assert any(finding.tool == "actionlint" for finding in scan.findings)
    assert any("zizmor" in gap for gap in scan.gaps)


def test_no_workflow_is_nothing_looked_at(root: Path) -> None:
    (root / ".github/workflows/ci.yml").unlink()
    assert linters.workflow(subject(root)).looked_at == 0
