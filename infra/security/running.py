"""Run the scanners side by side, and decide: one that breaks leaves a gap, never a pass.

What people excused by hand (lines marked for a scanner, files that tell one what to leave out) can be in a pull request
too, and a reviewer must let it through: so the verdict names all of it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from gateline.contracts.digest import of_file, of_value
from gateline.contracts.verdict import Plot, Verdict
from infra.security import artifact, code, image_policy, linters, locks, sbom, secrets, vulnerabilities
from infra.security.finding import Scan, Scanner, ScannerFailed, judge
from infra.security.subject import Subject

SCANNERS: dict[str, Scanner] = {
    "vulnerabilities": vulnerabilities.scan,
    "secrets": secrets.scan,
    "code": code.scan,
    "workflow": linters.workflow,
    "dockerfile": linters.dockerfile,
    "image_policy": image_policy.scan,
    "digest": artifact.digest,
    "unsafe_load": artifact.unsafe_load,
    "locks": locks.scan,
    "sbom": sbom.sbom,
    "image_sbom": sbom.image_sbom,
}
"""One scanner a rule."""
OF_IMAGES = {"image_policy", "image_sbom"}
LARGEST = 2**22
"""Bytes of a file that is searched for marks; longer ones are rows, or no text."""


@dataclass(frozen=True)
class Mark:
    """How a line is excused from a rule."""

    rule: str
    pattern: re.Pattern[bytes]
    files: tuple[str, ...]
    beside: str = ""
    """What begins the paths of files that the rule does not look at."""


MARKS = (
    Mark("code", re.compile(rb"#\s*nosec\b[^\n#]*", re.IGNORECASE), ("*.py",), beside="tests/"),
    Mark("secrets", re.compile(rb"pragma:\s*(?:allow|white)list[ -](?:nextline[ -])?secret"), ("*",)),
    Mark("workflow", re.compile(rb"#\s*zizmor:\s*ignore[^\n]*"), (".github/*",)),
    Mark("dockerfile", re.compile(rb"#\s*hadolint\s[^\n]*ignore[^\n]*"), ("Dockerfile", "*/Dockerfile", "*.Dockerfile")),
)
FILES = {
    "workflow": (".github/zizmor.yml", ".github/zizmor.yaml", ".github/actionlint.yaml", ".github/actionlint.yml"),
    "dockerfile": (".hadolint.yaml", ".hadolint.yml"),
}
"""Files of the tree that tell a scanner what to leave out."""


def of(rules: Iterable[str], subject: Subject) -> dict[str, Scanner]:
    """Return the scanners of these rules; an image is judged where an environment runs containers."""
    return {name: SCANNERS[name] for name in rules if name not in OF_IMAGES or subject.in_containers}


def run_all(
    subject: Subject, scanners: Mapping[str, Scanner], say: Callable[[str], None] = lambda line: None
) -> dict[str, Scan]:
    """Return each scanner's answer, in the order of `scanners`; `say` gets a line as each one ends."""
    with ThreadPoolExecutor(max_workers=max(1, len(scanners))) as pool:
        pending = {pool.submit(attempt, scanner, subject): name for name, scanner in scanners.items()}
        done: dict[str, Scan] = {}
        for future in as_completed(pending):
            name = pending[future]
            done[name] = future.result()
            say(f"{len(done)} of {len(pending)} {name}: {done[name].looked_at} {done[name].unit}")
    return {name: done[name] for name in scanners}


def attempt(scanner: Scanner, subject: Subject) -> Scan:
    """Run one scanner; an exception becomes the reason why its rule cannot judge, not the end of the others."""
    try:
        return scanner(subject)
    except ScannerFailed as error:
        reason = str(error)
    except ImportError as error:
        reason = f"{error.name or error} is not installed here"
    except Exception as error:
        reason = f"the scanner crashed: {type(error).__name__}: {error}"
    return Scan(0, "things", (), gaps=(reason,))


def decide(subject: Subject, scans: Mapping[str, Scan]) -> Verdict:
    """Return the verdict on what the scanners brought back, about the release where there is one, and always the tree."""
    judged = {"tree": of_value({name: of_file(subject.root / name) for name in subject.files})}
    if subject.release:
        judged = {"release": subject.release.digest, "artifact": subject.release.artifact} | judged
    if subject.image and subject.in_containers:
        judged = {"image": subject.image.id} | judged
    found = [(name, entry) for name, scan in scans.items() for entry in scan.findings]
    table = Plot(
        title="Findings",
        kind="table",
        rows=tuple(str(number) for number in range(1, len(found) + 1)),
        columns=("rule", "tool", "check", "where", "what"),
        cells=tuple((name, entry.tool, entry.code, entry.where, entry.message) for name, entry in found),
    )
    return Verdict.of(
        "security",
        [judge(name, scan, name in subject.gate.required) for name, scan in scans.items()],
        judged=judged,
        plots=[table] if found else [],
        notes=[*(note for scan in scans.values() for note in scan.notes), *excused(subject, scans)],
    )


def excused(subject: Subject, scans: Mapping[str, Scan]) -> Iterator[str]:
    """Yield one line for each rule that was judged and something was excused from: where, and by which words."""
    foreign = subject.foreign
    for mark in MARKS:
        if mark.rule not in scans:
            continue
        paths = {name: subject.root / name for name in subject.named(*mark.files) if name not in subject.rows}
        small = [name for name, path in paths.items() if path.stat().st_size <= LARGEST]
        places = [place for name in small for place in _places(mark, name, paths[name].read_bytes())]
        places += [f"{place} of the release" for name in sorted(foreign) for place in _places(mark, name, foreign[name])]
        places += [f"{name} (a file of settings)" for name in FILES.get(mark.rule, ()) if name in subject.files]
        if places:
            yield f"{mark.rule}: excused by hand, {len(places)} in all: {', '.join(places)}"
    accepted = subject.gate.accepted_vulnerabilities
    if accepted and "vulnerabilities" in scans:
        yield f"vulnerabilities: accepted in pipeline.toml: {', '.join(accepted)}"


def _places(mark: Mark, name: str, data: bytes) -> Iterator[str]:
    if mark.beside and name.startswith(mark.beside):
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        found = mark.pattern.search(line)
        if found:
            yield f"{name}:{number} ({found[0].decode('utf-8', 'replace').strip()[:60]})"
