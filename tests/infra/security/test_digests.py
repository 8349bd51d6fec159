"""Rule `digest`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE
from infra.security import artifact as scanner
from infra.security.subject import Subject
from tests.infra.security.projects import artifact, subject


@pytest.fixture
def whole(root: Path) -> Subject:
    """An artifact that is what was recorded."""
    manifest, files = artifact(b"a model", trusted=[])
    raw = manifest.model_dump_json(indent=2).encode()
    return replace(subject(root, files | {MANIFEST_FILE: raw}), recorded_manifest=raw)


def messages(changed: Subject) -> list[str]:
    """Return what the scanner says."""
    return [finding.message for finding in scanner.digest(changed).findings]


def test_an_untouched_artifact_passes(whole: Subject) -> None:
    scan = scanner.digest(whole)
    assert (scan.looked_at, scan.findings, scan.gaps) == (6, (), ())


def test_one_changed_byte_is_found(whole: Subject) -> None:
    changed = replace(whole, artifact={**whole.artifact, MODEL_FILE: b"b model"})
    assert len(messages(changed)) == 1 and messages(changed)[0].startswith("model.skops has SHA-256 ")


def test_a_missing_file_is_found(whole: Subject) -> None:
    changed = replace(whole, artifact={name: data for name, data in whole.artifact.items() if name != MODEL_FILE})
    assert messages(changed) == ["model.skops is missing"]


def test_an_added_file_is_found(whole: Subject) -> None:
    assert messages(replace(whole, artifact={**whole.artifact, "more.bin": b"x"})) == [
        "more.bin is no file of the artifact"
    ]


def test_a_forged_manifest_is_found_although_it_fits_its_files(whole: Subject) -> None:
    forged = artifact(b"b model", trusted=[])
    raw = forged[0].model_dump_json(indent=2).encode()
    changed = replace(whole, artifact=forged[1] | {MANIFEST_FILE: raw})
    assert messages(changed) == ["manifest.json of 20260101-abc1234 is not the one that the registry recorded"]


@pytest.mark.parametrize(("raw", "said"), [(None, "has no manifest.json"), (b"{}", "manifest.json is unreadable")])
def test_a_missing_or_unreadable_manifest_is_found(whole: Subject, raw: bytes | None, said: str) -> None:
    files = {name: data for name, data in whole.artifact.items() if name != MANIFEST_FILE}
    changed = replace(whole, artifact=files if raw is None else files | {MANIFEST_FILE: raw})
    assert said in messages(changed)[0]


def test_what_the_registry_refused_is_a_finding_even_without_files(root: Path) -> None:
    refused = replace(subject(root), refusals=("the archive is damaged",))
    assert messages(refused) == ["the archive is damaged"]


def test_an_artifact_that_the_registry_does_not_know_is_a_gap(whole: Subject) -> None:
    assert scanner.digest(replace(whole, recorded_manifest=None)).gaps != ()


def test_no_artifact_is_nothing_looked_at(root: Path) -> None:
    assert scanner.digest(subject(root)).looked_at == 0
