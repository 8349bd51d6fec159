"""From what the scanners brought back to the one verdict of the stage."""

from __future__ import annotations

from collections.abc import Mapping

from gateline.contracts.digest import of_file, of_value
from gateline.contracts.plot import Plot
from gateline.contracts.verdict import Verdict
from infra.security import suppressions
from infra.security.finding import Scan
from infra.security.scanner import judge
from infra.security.subject import Subject


def decide(subject: Subject, scans: Mapping[str, Scan]) -> Verdict:
    """Return the verdict on what the scanners brought back."""
    required = subject.gate.required
    return Verdict.of(
        "security",
        [judge(name, scan, name in required) for name, scan in scans.items()],
        judged=_judged(subject),
        plots=[_table(scans)] if any(scan.findings for scan in scans.values()) else [],
        notes=[*(note for scan in scans.values() for note in scan.notes), *suppressions.told(subject, scans)],
    )


def _judged(subject: Subject) -> dict[str, str]:
    """The release where there is one, and always the tree, so that another tree is another verdict."""
    tree = of_value({name: of_file(subject.root / name) for name in subject.files})
    image = {"image": subject.image.id} if subject.image and subject.in_containers else {}
    return (
        image
        | ({"release": subject.release.digest, "artifact": subject.release.artifact} if subject.release else {})
        | {"tree": tree}
    )


def _table(scans: Mapping[str, Scan]) -> Plot:
    found = [(name, finding) for name, scan in scans.items() for finding in scan.findings]
    return Plot(
        title="Findings",
        kind="table",
        rows=tuple(str(number) for number in range(1, len(found) + 1)),
        columns=("rule", "tool", "check", "where", "what"),
        cells=tuple((name, entry.tool, entry.code, entry.where, entry.message) for name, entry in found),
    )
