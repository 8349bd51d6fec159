"""Read hash-locked requirements files, and judge them: every requirement pinned and hashed, and no address in a lock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from infra.security.finding import Finding, Scan
from infra.security.subject import LOCKS, Subject

HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})(?=\s|$)")
COMMENT = re.compile(r"(^|\s)#.*$")
CONSTRAINTS = f"{LOCKS}/constraints.txt"
"""Holds versions for `nox -s lock` to agree on; nothing is installed from it, so it carries no hashes."""


@dataclass(frozen=True)
class Locked:
    """One locked package."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    line: int

    @property
    def applies(self) -> bool:
        """Whether the package is installed on this machine."""
        return not self.marker or Marker(self.marker).evaluate()

    @property
    def pin(self) -> str:
        """`name==version ; marker`, as a requirements file says it."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")


@dataclass(frozen=True)
class Problem:
    """A line that has no place in a lock."""

    line: int
    message: str


def scan(subject: Subject) -> Scan:
    """Every requirement pinned and hashed, and no address in a lock."""
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


def read(text: str) -> tuple[list[Locked], list[Problem]]:
    """Return the packages of a lock, and every line that is no hash-locked package or names an address."""
    addresses = [Problem(number, "names an address") for number, line in enumerate(text.splitlines(), 1) if "://" in line]
    entries = [_parse(number, line) for number, line in _logical_lines(text)]
    packages = [entry for entry in entries if isinstance(entry, Locked)]
    return packages, addresses + [entry for entry in entries if isinstance(entry, Problem)]


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join continued lines, drop comments, and number each by its first line."""
    held, start = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        part = COMMENT.sub("", line).rstrip()
        start = start if held else number
        held += part.removesuffix("\\").rstrip() + " "
        if not part.endswith("\\"):
            if held.strip():
                yield start, held.strip()
            held = ""


def _parse(number: int, line: str) -> Locked | Problem:
    wanted, *options = re.split(r"\s+(?=--)", line)
    if wanted.startswith("-"):
        return Problem(number, f"is an option, not a package: {wanted.split('=')[0].split()[0]}")
    try:
        requirement = Requirement(wanted)
    except InvalidRequirement:
        return Problem(number, "is not a package with a version")
    pins = [(clause.operator, clause.version) for clause in requirement.specifier]
    if len(pins) != 1 or pins[0][0] != "==" or "*" in pins[0][1] or requirement.url:
        return Problem(number, f"{requirement.name} is not pinned to one version")
    hashes = tuple(HASH.findall(" ".join(options)))
    if not hashes or len(hashes) != len(options):
        told = f"{requirement.name} {pins[0][1]} carries {len(hashes)} SHA-256 hashes in {len(options)} options"
        return Problem(number, told)
    name, version = canonicalize_name(requirement.name), str(Version(pins[0][1]))
    return Locked(name, version, str(requirement.marker or ""), hashes, number)
