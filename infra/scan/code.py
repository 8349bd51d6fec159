"""Rule `code`: unsafe calls in the project's own Python (bandit, from medium severity on)."""

from __future__ import annotations

import json
from pathlib import PurePath

from infra.scan import tool
from infra.scan.finding import Finding, Scan
from infra.scan.subject import Subject


def scan(subject: Subject) -> Scan:
    """Return what bandit reports in the rooms and the front doors; tests are not scanned, they assert and start processes."""
    names = [name for name in subject.named("*.py") if not name.startswith("tests/")]
    if not names:
        return Scan(0, "Python files", ("bandit",))
    argv = ["bandit", "--quiet", "--format", "json", "--severity-level", "medium", *names]
    report = json.loads(tool.run(argv, subject.root, output="{"))
    findings = tuple(
        Finding("bandit", entry["test_id"], entry["issue_text"], _posix(entry["filename"]), entry["line_number"])
        for entry in report["results"]
    )
    seen = {_posix(name) for name in report["metrics"]} - {"_totals"}
    gaps = [f"bandit could not read {_posix(entry['filename'])}: {entry['reason']}" for entry in report["errors"]]
    gaps += [f"bandit did not look at {name}" for name in sorted(set(names) - seen)]
    return Scan(len(seen), "Python files", ("bandit",), findings, tuple(gaps))


def _posix(name: str) -> str:
    return PurePath(name).as_posix()
