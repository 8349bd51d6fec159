"""Scan dependencies, secrets, code, workflow, model file and locks, and judge what was found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from contracts.digest import of_file, of_value
from contracts.plot import Plot
from contracts.verdict import Verdict
from infra.scan import running, sarif
from infra.scan.finding import Scan
from infra.scan.gathering import gather
from infra.scan.scanner import Scanner, judge
from infra.scan.subject import Subject
from registry.store import Store
from registry.verdicts import Verdicts
from report import write
from settings import DEFAULT_PATH, load
from settings.errors import front_door

EXAMPLES = """examples:
  python -m infra.scan                        judge the tree and the release built last
  python -m infra.scan --release 3f2a9c1d     judge another release of the registry
  python -m infra.scan --release ./bundle     judge a release bundle that lies in a folder

It always scans: an earlier verdict is never reused. It writes reports/security/: verdict.json, index.html,
results.sarif and sbom.cdx.json. Exit codes: 0 pass, 1 something was found, 2 bad usage, 3 a scanner could not judge."""


def main() -> int:
    """Scan, write the reports, record the verdict, and return the exit code."""
    options = _parser().parse_args()
    settings = load(options.config)
    subject = gather(settings, Path.cwd(), options.release)
    print(f"scanning {_named(subject)}", flush=True)
    scanners: dict[str, Scanner] = {name: running.SCANNERS[name] for name in settings.gates.security.rules}
    scans = running.run_all(subject, scanners, lambda line: print(f"  {line}", flush=True))
    sarif.write(scans.values(), subject.root)
    verdict = decide(subject, scans)
    write(verdict)
    Verdicts(Store.of(settings)).record(verdict)
    return verdict.exit_code


def decide(subject: Subject, scans: Mapping[str, Scan]) -> Verdict:
    """Return the verdict on what the scanners brought back."""
    required = subject.gate.required
    return Verdict.of(
        "security",
        [judge(name, scan, name in required) for name, scan in scans.items()],
        judged=_judged(subject),
        plots=[_table(scans)] if any(scan.findings for scan in scans.values()) else [],
        notes=[note for scan in scans.values() for note in scan.notes],
    )


def _judged(subject: Subject) -> dict[str, str]:
    """The release where there is one, and always the tree, so that another tree is another verdict."""
    tree = of_value({name: of_file(subject.root / name) for name in subject.files})
    return ({"release": subject.release.digest, "artifact": subject.release.artifact} if subject.release else {}) | {
        "tree": tree
    }


def _table(scans: Mapping[str, Scan]) -> Plot:
    found = [(name, finding) for name, scan in scans.items() for finding in scan.findings]
    return Plot(
        title="Findings",
        kind="table",
        rows=tuple(str(number) for number in range(1, len(found) + 1)),
        columns=("rule", "tool", "check", "where", "what"),
        cells=tuple((name, entry.tool, entry.code, entry.where, entry.message) for name, entry in found),
    )


def _named(subject: Subject) -> str:
    if subject.release:
        return f"{len(subject.files)} files and release {subject.release.name}"
    return (
        f"{len(subject.files)} files and the candidate"
        if subject.artifact
        else f"{len(subject.files)} files; there is no model yet"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.scan",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--release", default="", help="digest, name, version or bundle folder; the one built last if not given"
    )
    parser.add_argument("--config", default=str(DEFAULT_PATH), help="settings file (pipeline.toml)")
    return parser


if __name__ == "__main__":
    sys.exit(front_door(main))
