"""Rule `sbom`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateline.contracts.release import Release
from gateline.settings import Service
from infra.security import sbom
from infra.security.locks import Locked, read
from tests.infra.security.projects import LOCK, subject

RELEASE = Release(
    digest="ab" * 32,
    version="20260101-abc1234",
    artifact="c",
    project="small",
    lock="d",
    python="3.11",
    service=Service(),
)


def test_every_locked_package_is_in_the_bill_with_its_hashes(root: Path) -> None:
    scan = sbom.sbom(replace(subject(root), release=RELEASE))
    bill = json.loads((root / sbom.PATH).read_text())
    assert (scan.looked_at, scan.findings) == (2, ())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {entry["purl"] for entry in bill["components"]} == {"pkg:pypi/alpha@1.0", "pkg:pypi/beta@2.5"}
    assert all(entry["hashes"][0]["alg"] == "SHA-256" for entry in bill["components"])
    model = bill["metadata"]["component"]
    assert (model["type"], model["version"]) == ("machine-learning-model", RELEASE.version)
    assert model["hashes"] == [{"alg": "SHA-256", "content": RELEASE.digest}]


def test_the_bill_names_no_address(root: Path) -> None:
    sbom.sbom(subject(root))
    text = (root / sbom.PATH).read_text()
    assert text.count("://") == 1 and "http://cyclonedx.org/schema" in text


def test_an_address_in_a_bill_is_found() -> None:
    packages, _ = read(LOCK)
    bill = json.dumps({
        "components": [{"name": each.name, "version": each.version} for each in packages],
        "externalReferences": [{"url": "https://host.example/simple"}],
    })  # fmt: skip
    assert sbom.faults(bill, packages) == ["the bill names an address (https://…)"]


def test_a_package_that_is_not_in_the_bill_is_found() -> None:
    assert sbom.faults("{}", [Locked("alpha", "1.0", "", (), 1)]) == ["alpha 1.0 is locked, but not in the bill"]


@pytest.mark.parametrize("lock", ["", "# nothing\n"])
def test_no_lock_is_nothing_looked_at_and_no_bill(root: Path, lock: str) -> None:
    assert sbom.sbom(replace(subject(root), service_lock=lock)).looked_at == 0
    assert not (root / sbom.PATH).exists()
