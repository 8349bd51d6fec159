"""Rule `dockerfile`."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.security import linters
from tests.infra.security.projects import subject, write

GOOD = "FROM python:3.11@sha256:" + "a" * 64 + '\nCOPY x /x\nUSER 65532\nENTRYPOINT ["/x"]\n'
PLANTED = [
    ("@sha256:" + "a" * 64, "", None),
    (":3.11@sha256:" + "a" * 64, "", "DL3006"),
    ("USER 65532", "USER root", "DL3002"),
]


def test_a_good_one_passes_and_none_is_no_pass(root: Path) -> None:
    assert linters.dockerfile(subject(root)).looked_at == 0
    write(root, "infra/releases/image/Dockerfile", GOOD)
    scan = linters.dockerfile(subject(root))
    assert (scan.looked_at, scan.findings, scan.gaps) == (1, (), ())


@pytest.mark.parametrize(("good", "bad", "code"), PLANTED)
def test_a_planted_fault_is_found(root: Path, good: str, bad: str, code: str | None) -> None:
    write(root, "proxy.Dockerfile", GOOD.replace(good, bad))
    found = {finding.code: finding for finding in linters.dockerfile(subject(root)).findings if finding.blocks}
    assert set(found) == ({code} if code else set())
    assert all(finding.path == "proxy.Dockerfile" for finding in found.values())


def test_our_own_dockerfiles_pass() -> None:
    scan = linters.dockerfile(subject(Path(__file__).parents[3]))
    assert scan.looked_at == 2 and not [finding for finding in scan.findings if finding.blocks]
