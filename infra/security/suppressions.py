"""What people excused by hand: lines marked for a scanner, and files that tell one what to leave out.

Whoever writes code in a pull request can write such a mark, too: a reviewer must let it through, so the verdict names all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.security.finding import Scan
from infra.security.subject import Subject

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


def told(subject: Subject, scans: Mapping[str, Scan]) -> Iterator[str]:
    """Yield one line for each rule that was judged and something was excused from: where, and by which words."""
    foreign = subject.foreign
    for mark in MARKS:
        if mark.rule not in scans:
            continue
        places = [place for name in subject.named(*mark.files) for place in _in_tree(subject, mark, name)]
        places += [f"{place} of the release" for name in sorted(foreign) for place in _places(mark, name, foreign[name])]
        places += [f"{name} (a file of settings)" for name in FILES.get(mark.rule, ()) if name in subject.files]
        if places:
            yield f"{mark.rule}: excused by hand, {len(places)} in all: {', '.join(places)}"
    accepted = subject.gate.accepted_vulnerabilities
    if accepted and "vulnerabilities" in scans:
        yield f"vulnerabilities: accepted in pipeline.toml: {', '.join(accepted)}"


def _in_tree(subject: Subject, mark: Mark, name: str) -> Iterator[str]:
    path = subject.root / name
    if name not in subject.rows and path.stat().st_size <= LARGEST:
        yield from _places(mark, name, path.read_bytes())


def _places(mark: Mark, name: str, data: bytes) -> Iterator[str]:
    if mark.beside and name.startswith(mark.beside):
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        found = mark.pattern.search(line)
        if found:
            yield f"{name}:{number} ({found[0].decode('utf-8', 'replace').strip()[:60]})"
