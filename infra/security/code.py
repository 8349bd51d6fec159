"""Rule `code`: unsafe calls in Python."""

import json
from dataclasses import replace
from pathlib import Path, PurePath

from infra.security import tool
from infra.security.finding import Finding, Scan
from infra.security.subject import Subject, as_utf8, laid_out

UNSEEN = "code: not looked at: tests/, the locked libraries, and what is no Python"


def scan(subject: Subject) -> Scan:
    """Unsafe calls in the Python of the project and of the release (bandit, from medium severity on).

    Of the release, that is what it carries instead of the tree's. Tests are not scanned: they assert and start processes.
    """
    tree = _looked_at(subject.root, [name for name in subject.named("*.py") if not name.startswith("tests/")])
    foreign = subject.foreign
    names = sorted(name for name in foreign if name.endswith(".py"))
    with laid_out(foreign, names) as folder:
        carried = _looked_at(folder, names)
    findings = (*tree.findings, *(released(finding) for finding in carried.findings))
    gaps = (*tree.gaps, *(f"in the release, {gap}" for gap in carried.gaps))
    notes = [UNSEEN]
    if foreign:
        listed = ", ".join(sorted(foreign))
        notes.append(f"the release carries what the tree does not hold, judged as it is there: {listed}")
    unread = sorted(name for name, data in subject.bundle.items() if b"\0" in (as_utf8(data) or b"\0"))
    if unread:
        notes.append(f"code: the release carries what no rule here can read: {', '.join(unread)}")
    return Scan(tree.looked_at + carried.looked_at, "Python files", ("bandit",), findings, gaps, tuple(notes))


def released(finding: Finding) -> Finding:
    """Return a finding in a file that the release carries and the tree does not: it has no place in the tree."""
    return replace(finding, message=f"{finding.where} of the release: {finding.message}", path="", line=1)


def _looked_at(root: Path, names: list[str]) -> Scan:
    if not names:
        return Scan(0, "Python files", ("bandit",))
    argv = ["bandit", "--quiet", "--format", "json", "--severity-level", "medium", *names]
    report = json.loads(tool.run(argv, root, output="{"))
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
