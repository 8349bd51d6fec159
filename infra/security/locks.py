"""Rule `locks`: every requirement pinned and hashed, and no address in a lock."""

from __future__ import annotations

from infra.security.finding import Finding, Scan
from infra.security.lockfile import read
from infra.security.subject import LOCKS, Subject

CONSTRAINTS = f"{LOCKS}/constraints.txt"
"""Holds versions for `nox -s lock` to agree on; nothing is installed from it, so it carries no hashes."""


def scan(subject: Subject) -> Scan:
    """Return every line of a lock that does not pin and hash a package, or that names an address."""
    findings = []
    count = 0
    for path, text in subject.locks.items():
        packages, problems = read(text)
        count += len(packages) + len(problems)
        kept = [problem for problem in problems if path != CONSTRAINTS or "address" in problem.message]
        findings += [Finding("gateline", "unhashed-lock", problem.message, path, problem.line) for problem in kept]
        if not packages and path != CONSTRAINTS:
            findings.append(Finding("gateline", "empty-lock", "locks no package", path))
    return Scan(count, "locked requirements", ("gateline",), tuple(findings))
