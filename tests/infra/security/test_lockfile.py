"""A lock is read line by line, and every line that is none is named."""

from __future__ import annotations

import pytest

from infra.security.locks import Locked, read
from tests.infra.security.projects import HASH, LOCK


def test_packages_are_read_with_version_marker_hashes_and_line() -> None:
    packages, problems = read("# a comment\n" + LOCK)
    digest = HASH.removeprefix("--hash=")
    assert problems == []
    assert packages == [
        Locked("alpha", "1.0", "", (digest,), 2),
        Locked("beta", "2.5", 'python_full_version >= "3.11"', (digest, digest), 4),
    ]


def test_names_are_canonical() -> None:
    packages, _ = read(f"Zope.Interface[test]==1.0.0 {HASH}\n")
    assert (packages[0].name, packages[0].version) == ("zope-interface", "1.0.0")


def test_marker_says_whether_a_package_applies_here() -> None:
    packages, _ = read(f"a==1 ; python_version < '3' {HASH}\nb==1 ; python_version >= '3' {HASH}\nc==1 {HASH}\n")
    assert [package.applies for package in packages] == [False, True, True]
    assert packages[0].pin == 'a==1 ; python_version < "3"'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("alpha==1.0", "alpha 1.0 carries 0 SHA-256 hashes in 0 options"),
        ("alpha==1.0 --hash=md5:aa", "carries 0 SHA-256 hashes in 1 options"),
        (f"alpha==1.0 {HASH}ff", "carries 0 SHA-256 hashes"),
        (f"alpha==1.0 {HASH} --no-binary", "carries 1 SHA-256 hashes in 2 options"),
        (f"alpha>=1.0 {HASH}", "alpha is not pinned to one version"),
        (f"alpha==1.* {HASH}", "alpha is not pinned to one version"),
        (f"alpha {HASH}", "alpha is not pinned to one version"),
        ("-e ./alpha", "is an option, not a package: -e"),
        ("--pre", "is an option, not a package: --pre"),
        ("./alpha.whl", "is not a package with a version"),
    ],
)
def test_a_line_that_locks_nothing_is_named(line: str, said: str) -> None:
    packages, problems = read(f"{line}\nbeta==1 {HASH}\n")
    assert [package.name for package in packages] == ["beta"]
    assert [problem.line for problem in problems] == [1]
    assert said in problems[0].message


@pytest.mark.parametrize(
    "line", ["--index-url https://host.example/simple", "# from https://host.example", "a @ https://x/a.whl"]
)
def test_an_address_is_a_problem_wherever_it_stands(line: str) -> None:
    _, problems = read(LOCK + line + "\n")
    assert (6, "names an address") in [(problem.line, problem.message) for problem in problems]
