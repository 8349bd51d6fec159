"""Read a hash-locked requirements file, and say where it is not one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})(?=\s|$)")
COMMENT = re.compile(r"(^|\s)#.*$")


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
        marker = Marker(self.marker) if self.marker else None
        return marker is None or marker.evaluate()

    @property
    def pin(self) -> str:
        """`name==version ; marker`, as a requirements file says it."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")


@dataclass(frozen=True)
class Problem:
    """A line that has no place in a lock."""

    line: int
    message: str


def read(text: str) -> tuple[list[Locked], list[Problem]]:
    """Return the packages of a lock, and every line that is no hash-locked package or names an address."""
    problems = [
        Problem(number, "names an address") for number, line in enumerate(text.splitlines(), 1) if "://" in line
    ]
    packages = []
    for number, line in _logical_lines(text):
        entry = _parse(number, line)
        if isinstance(entry, Problem):
            problems.append(entry)
        else:
            packages.append(entry)
    return packages, problems


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
        return Problem(
            number, f"{requirement.name} {pins[0][1]} carries {len(hashes)} SHA-256 hashes in {len(options)} options"
        )
    name, version = canonicalize_name(requirement.name), str(Version(pins[0][1]))
    return Locked(name, version, str(requirement.marker or ""), hashes, number)
