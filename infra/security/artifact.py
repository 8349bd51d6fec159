"""Rules `digest` and `unsafe_load`: the artifact is what was built, and nothing in it could run code when it is loaded."""

import io
import logging
import os
import zipfile
from collections.abc import Iterator

from pydantic import ValidationError

from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE, Manifest
from gateline.registry import trusted
from infra.security.finding import Finding, Scan
from infra.security.subject import Subject

UNIT = "artifact files"
UNSEEN = "unsafe_load: types and functions are judged, not numbers: a forged tree can crash a process, or answer wrongly"


def digest(subject: Subject) -> Scan:
    """The release and its artifact are, byte for byte, what was built and recorded."""
    wrong = [*subject.refusals, *(_unlike_manifest(subject) if subject.artifact else ())]
    unknown = subject.artifact and subject.recorded_manifest is None
    gaps = ("the registry has no record of this artifact to compare its manifest with",) if unknown else ()
    findings = tuple(Finding("gateline", "digest", message) for message in wrong)
    return Scan(len(subject.artifact) or len(wrong), UNIT, ("gateline",), findings, gaps)


def _unlike_manifest(subject: Subject) -> Iterator[str]:
    """Yield the files that are missing, added or changed since the artifact was written, and what its manifest has wrong."""
    raw = subject.artifact.get(MANIFEST_FILE)
    if raw is None:
        yield f"the artifact has no {MANIFEST_FILE}"
        return
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        yield f"{MANIFEST_FILE} is unreadable: {error.errors()[0]['msg']}"
        return
    for name, recorded in manifest.files.items():
        data = subject.artifact.get(name)
        if data is None:
            yield f"{name} is missing"
        elif (seen := of_bytes(data)) != recorded:
            yield f"{name} has SHA-256 {seen[:12]}, recorded was {recorded[:12]}"
    for name in sorted(set(subject.artifact) - set(manifest.files) - {MANIFEST_FILE}):
        yield f"{name} is no file of the artifact"
    if subject.release and subject.release.artifact != manifest.identity:
        yield f"the release names artifact {subject.release.artifact[:12]}, it carries {manifest.identity[:12]}"
    if subject.recorded_manifest not in (None, raw):
        yield f"{MANIFEST_FILE} of {manifest.version} is not the one that the registry recorded"


def unsafe_load(subject: Subject) -> Scan:
    """Nothing in the artifact could run code when it is loaded. Nothing is loaded to find out."""
    tools = ("picklescan", "skops")
    if not subject.artifact:
        return Scan(0, UNIT, tools)
    logging.getLogger("picklescan").setLevel(logging.CRITICAL)
    findings = [finding for name, data in subject.artifact.items() for finding in _pickles(name, data)]
    findings += _types(subject)
    for name in sorted({*subject.bundle_trusted} - {*subject.trusted}):
        told = f"the release would load {name} too, which [model] trusted does not name here"
        findings.append(Finding("skops", "type", told))
    return Scan(len(subject.artifact), UNIT, tools, tuple(findings), notes=(UNSEEN,))


def _pickles(name: str, data: bytes) -> Iterator[Finding]:
    """Every global that a pickle in the file would import; an artifact holds no pickle, so that any one is a finding."""
    from picklescan.scanner import scan_bytes

    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            trusted.sizes(data)
    except Exception as error:  # as below; picklescan unpacks anything an archive holds
        yield Finding("picklescan", "archive", f"{name} is an archive that no training writes ({error}); it was not opened")
        return
    result = scan_bytes(io.BytesIO(data), name, os.path.splitext(name)[1])
    for entry in sorted(result.globals, key=lambda entry: (entry.module, entry.name)):
        imported = f"{entry.module}.{entry.name} ({entry.safety.value})"
        yield Finding("picklescan", "pickle", f"{name} holds a pickle that imports {imported}; it was not loaded")
    if result.scan_err and not result.globals:
        yield Finding("picklescan", "pickle", f"{name} holds a broken pickle; it was not loaded")


def _types(subject: Subject) -> Iterator[Finding]:
    """By the list that the loader goes by, and the `model/` that the release carries; the manifest's own says nothing."""
    data = subject.artifact.get(MODEL_FILE)
    if data is None:
        yield Finding("skops", "model", f"the artifact has no {MODEL_FILE}")
        return
    try:
        named = trusted.types_of(data)
    except Exception as error:  # no matter what a hostile file makes the reader raise, it is no model
        yield Finding("skops", "model", f"{MODEL_FILE} is no skops file ({type(error).__name__}); it was not loaded")
        return
    for name in trusted.strangers(named, trusted.own_names(subject.own_code), subject.trusted):
        told = f"{MODEL_FILE} names {name}, which may not be loaded; it was not loaded. {trusted.advice([name])}"
        yield Finding("skops", "type", told)
