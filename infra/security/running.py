"""Run the scanners side by side, and decide: one that breaks leaves a gap, never a pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from gateline.contracts.digest import of_file, of_value
from gateline.contracts.verdict import Plot, Verdict
from infra.security import (
    code,
    digests,
    dockerfile,
    image_policy,
    image_sbom,
    locks,
    model_file,
    sbom,
    secrets,
    suppressions,
    vulnerabilities,
    workflow,
)
from infra.security.finding import Scan, Scanner, ScannerFailed, judge
from infra.security.subject import Subject

SCANNERS: dict[str, Scanner] = {
    "vulnerabilities": vulnerabilities.scan,
    "secrets": secrets.scan,
    "code": code.scan,
    "workflow": workflow.scan,
    "dockerfile": dockerfile.scan,
    "image_policy": image_policy.scan,
    "digest": digests.scan,
    "unsafe_load": model_file.scan,
    "locks": locks.scan,
    "sbom": sbom.scan,
    "image_sbom": image_sbom.scan,
}
"""One scanner a rule."""
OF_IMAGES = {"image_policy", "image_sbom"}


def of(rules: Iterable[str], subject: Subject) -> dict[str, Scanner]:
    """Return the scanners of these rules; an image is judged where an environment runs containers."""
    return {name: SCANNERS[name] for name in rules if name not in OF_IMAGES or subject.in_containers}


def run_all(
    subject: Subject, scanners: Mapping[str, Scanner], say: Callable[[str], None] = lambda line: None
) -> dict[str, Scan]:
    """Return each scanner's answer, in the order of `scanners`; `say` gets a line as each one ends."""
    with ThreadPoolExecutor(max_workers=max(1, len(scanners))) as pool:
        pending: dict[Future[Scan], str] = {
            pool.submit(attempt, scanner, subject): name for name, scanner in scanners.items()
        }
        done: dict[str, Scan] = {}
        for future in as_completed(pending):
            name = pending[future]
            done[name] = future.result()
            say(f"{len(done)} of {len(pending)} {name}: {done[name].looked_at} {done[name].unit}")
    return {name: done[name] for name in scanners}


def attempt(scanner: Scanner, subject: Subject) -> Scan:
    """Run one scanner; whatever it raises becomes the reason why its rule cannot judge."""
    try:
        return scanner(subject)
    except ScannerFailed as error:
        return Scan(0, "things", (), gaps=(str(error),))
    except ImportError as error:
        return Scan(0, "things", (), gaps=(f"{error.name or error} is not installed here",))
    except Exception as error:  # a scanner's crash is a gap in this one rule, not the end of the others
        return Scan(0, "things", (), gaps=(f"the scanner crashed: {type(error).__name__}: {error}",))


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
