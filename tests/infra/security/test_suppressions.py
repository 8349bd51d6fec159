"""Whatever was excused by hand is named, by place and words; what no rule looks at is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateline.settings import SecurityGate
from infra.security.finding import Scan
from infra.security.running import LARGEST, decide, excused
from tests.infra.security.projects import released, subject, write

SCANS = {name: Scan(1, "files", ()) for name in ("code", "secrets", "workflow", "dockerfile", "vulnerabilities")}
NOSEC, ALLOWED = "# no" + "sec", "pragma: allow" + "list secret"


def test_a_clean_project_excuses_nothing(root: Path) -> None:
    assert list(excused(subject(root), SCANS)) == []


def test_marks_and_files_of_settings_are_named_in_the_verdict(root: Path) -> None:
    write(root, "room/code.py", f"exec(x)  {NOSEC} B102: told\nkey = 'x'  # {ALLOWED}\n")
    write(root, "tests/test_x.py", f"exec(x)  {NOSEC}\n")
    write(root, "infra/Dockerfile", "# hadolint ignore=DL3006\nFROM x\n")
    write(root, ".github/workflows/ci.yml", "on: push  # zizmor: ignore[unpinned-uses]\n")
    write(root, ".hadolint.yaml", "ignored: [DL3008]\n")
    gate = SecurityGate(accepted_vulnerabilities=("PYSEC-1",))
    other = {"service/x.py": f"exec(y)  {NOSEC}\n".encode()}
    judged = replace(subject(root, gate=gate), release=released(), bundle=other)
    assert list(excused(judged, SCANS)) == [
        f"code: excused by hand, 2 in all: room/code.py:1 ({NOSEC} B102: told), service/x.py:1 ({NOSEC}) of the release",
        f"secrets: excused by hand, 1 in all: room/code.py:2 ({ALLOWED})",
        "workflow: excused by hand, 1 in all: .github/workflows/ci.yml:1 (# zizmor: ignore[unpinned-uses])",
        "dockerfile: excused by hand, 2 in all: infra/Dockerfile:1 (# hadolint ignore=DL3006), "
        ".hadolint.yaml (a file of settings)",
        "vulnerabilities: accepted in pipeline.toml: PYSEC-1",
    ]
    assert any("excused by hand" in note for note in decide(judged, SCANS).notes)
    assert list(excused(judged, {})) == []


def test_rows_and_long_files_are_not_searched(root: Path) -> None:
    write(root, "data/train.csv", f"a,{ALLOWED}\n")
    write(root, "long.txt", ALLOWED + "x" * LARGEST)
    judged = replace(subject(root), rows=frozenset({"data/train.csv"}))
    assert list(excused(judged, SCANS)) == []
