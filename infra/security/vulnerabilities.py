"""Rule `vulnerabilities`: known holes in the locked packages.

pip-audit ends with 0 when no database answers. So a package that is known to be vulnerable is asked about as well: only an
answer that names it is an answer of a database.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.security import tool
from infra.security.finding import Finding, Scan
from infra.security.locks import Locked, read
from infra.security.subject import LOCKS, Subject

CONTROL = ("jinja2", "2.4.1")
"""Carries PYSEC-2014-8 and later ones, in every database."""
DEV_LOCK = f"{LOCKS}/dev.txt"
TOOLS = ("pip-audit",)
PIP_AUDIT = (
    "pip-audit", "--format", "json", "--no-deps", "--disable-pip", "--progress-spinner", "off", "--timeout", "8",
)  # fmt: skip
SECONDS = 45.0
"""A database that hangs may cost no more than this a lock: the rule is not required unless the settings say so."""
SILENT = "no vulnerability database answered: nothing is said of a package that is known to be vulnerable"


def scan(subject: Subject) -> Scan:
    """Vulnerabilities of the locked packages beyond `accepted_vulnerabilities` (pip-audit, or `osv_url`).

    Both the release's lock and the development lock are asked about.
    """
    locked = {subject.lock_path: read(subject.service_lock)[0], DEV_LOCK: read(subject.locks.get(DEV_LOCK, ""))[0]}
    count = sum(len(packages) for packages in locked.values())
    if count == 0:
        return Scan(0, "locked packages", TOOLS)
    control = _audit(subject, ["==".join(CONTROL)])
    if not any(entry.get("vulns") for entry in control):
        return Scan(0, "locked packages", TOOLS, gaps=(SILENT,))
    findings: list[Finding] = []
    unknown: set[str] = set()
    for path, packages in locked.items():
        answers = {(each["name"], each.get("version")): each for each in _audit(subject, [each.pin for each in packages])}
        for package in packages:
            holes = answers.get((package.name, package.version), {}).get("vulns")
            findings += [_finding(path, package, hole) for hole in holes or ()]
            if holes is None and package.applies:
                unknown.add(package.name)
    gaps = (f"{len(unknown)} packages are not in the database: {', '.join(sorted(unknown)[:5])}",) if unknown else ()
    return Scan(count, "locked packages", TOOLS, tuple(findings), gaps)


def _audit(subject: Subject, pins: list[str]) -> list[dict[str, Any]]:
    """Ask pip-audit about pins; they are handed over without hashes, because only versions matter here."""
    if not pins:
        return []
    with tempfile.TemporaryDirectory(prefix="gateline-audit-") as scratch:
        path = Path(scratch) / "pins.txt"
        path.write_text("\n".join(pins) + "\n", encoding="utf-8")
        argv = [*PIP_AUDIT, "--requirement", str(path)]
        if subject.gate.osv_url:
            argv += ["--vulnerability-service", "osv", "--osv-url", subject.gate.osv_url, "--cache-dir", scratch]
        for accepted in subject.gate.accepted_vulnerabilities:
            argv += ["--ignore-vuln", accepted]
        answer = json.loads(tool.run(argv, subject.root, output="{", seconds=SECONDS))
        found: list[dict[str, Any]] = answer["dependencies"]
        return found


def _finding(path: str, package: Locked, hole: Mapping[str, Any]) -> Finding:
    """One vulnerability, at the line that locks the package."""
    fixed = ", ".join(hole["fix_versions"])
    cure = f"fixed in {fixed}: nox -s lock -- --upgrade" if fixed else "no fixed version is known"
    message = f"{package.name} {package.version} has {hole['id']}; {cure}"
    return Finding("pip-audit", hole["id"], message, path, package.line)
