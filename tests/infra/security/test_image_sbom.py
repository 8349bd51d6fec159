"""The bill of an image names what lies in it, and no address."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateline.contracts.release import Image
from infra.releases.image.listing import Entry
from infra.security import sbom
from infra.security.finding import ScannerFailed, judge
from infra.security.sbom import image_faults, without_addresses
from infra.security.running import of
from infra.security.subject import Subject
from tests.infra.engines.docker.conftest import DockerEnvironment, daemon, environment
from tests.infra.security.test_image_policy import built

__all__ = ["daemon", "environment"]
SITE = "opt/gateline/site/"


def installed(*names: str) -> list[Entry]:
    """Return the entries of installed libraries."""
    return [Entry(f"{SITE}{name}.dist-info/METADATA", "file", 0o644, "0:0", "0" * 64, 1) for name in names]


def test_a_library_that_is_not_in_the_bill_is_named() -> None:
    bill = {"components": [{"name": "Typing.Extensions", "version": "4.1"}, {"name": "base-files", "version": "12"}]}
    assert image_faults(bill, installed("typing_extensions-4.1")) == []
    assert image_faults(bill, installed("typing_extensions-4.2", "skops-0.1")) == [
        "skops 0.1 is in the image, but not in the bill",
        "typing_extensions 4.2 is in the image, but not in the bill",
    ]


def test_addresses_are_taken_out_and_one_that_is_left_is_found() -> None:
    told = {
        "components": [{"name": "a", "version": "1", "externalReferences": [{"url": "https://x"}], "licenses": ["b"]}]
    }
    assert without_addresses(told) == {"components": [{"name": "a", "version": "1"}]}
    assert image_faults({"components": [{"name": "a", "version": "1", "x": "https://y"}]}, installed("a-1")) == [
        "the bill names an address (https://…)"
    ]


def test_it_runs_only_where_an_environment_runs_containers() -> None:
    assert set(of(("image_sbom", "sbom"), Subject(Path()))) == {"sbom"}
    assert set(of(("image_sbom", "sbom"), Subject(Path(), in_containers=True))) == {"sbom", "image_sbom"}


def test_without_an_image_it_cannot_judge() -> None:
    with pytest.raises(ScannerFailed, match="the release has no image"):
        sbom.image_sbom(Subject(Path(), in_containers=True))


def with_library(environment: DockerEnvironment, folder: Path) -> Image:
    """Return the record of an image in which one library lies."""
    image = built(environment)
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\nHome-page: https://x.example\n"
    )
    (folder / "Dockerfile").write_text(f"FROM {image.id}\nCOPY METADATA /{SITE}six-1.16.0.dist-info/METADATA\n")
    made, _ = environment.client.images.build(rm=True, path=str(folder), labels={"gateline.project": environment.name})
    return image.model_copy(update={"id": made.id})


@pytest.mark.slow
def test_a_real_image_has_a_bill(environment: DockerEnvironment, tmp_path: Path) -> None:
    scan = sbom.image_sbom(replace(Subject(tmp_path, in_containers=True), image=with_library(environment, tmp_path)))
    assert [finding.message for finding in scan.findings] == []
    assert judge("image_sbom", scan, True).outcome == "pass"
    bill = json.loads((tmp_path / sbom.IMAGE_PATH).read_text())
    named = {component["name"] for component in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX" and {"debian", "python", "six"} <= named


@pytest.mark.slow
def test_what_syft_misses_is_told(environment: DockerEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = with_library(environment, tmp_path)
    monkeypatch.setenv("SYFT_SELECT_CATALOGERS", "dpkg")
    (tmp_path / "pipeline.toml").write_text('[variables]\npass = ["SYFT_SELECT_CATALOGERS"]\n')
    monkeypatch.chdir(tmp_path)
    scan = sbom.image_sbom(replace(Subject(tmp_path, in_containers=True), image=image))
    assert [finding.message for finding in scan.findings] == ["six 1.16.0 is in the image, but not in the bill"]


@pytest.mark.slow
def test_an_image_without_libraries_is_not_judged(environment: DockerEnvironment, tmp_path: Path) -> None:
    scan = sbom.image_sbom(replace(Subject(tmp_path, in_containers=True), image=built(environment)))
    assert judge("image_sbom", scan, True).outcome == "inconclusive"
