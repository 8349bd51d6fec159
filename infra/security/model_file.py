"""Rule `unsafe_load`: nothing in the artifact could run code when it is loaded. Nothing is loaded to find out."""

from __future__ import annotations

import io
import logging
import os
import zipfile
from collections.abc import Iterator

from gateline.contracts.manifest import MODEL_FILE
from gateline.registry import trusted
from infra.security.finding import Finding, Scan
from infra.security.subject import Subject

TOOLS = ("picklescan", "skops")
UNSEEN = "unsafe_load: types and functions are judged, not numbers: a forged tree can crash a process, or answer wrongly"


def scan(subject: Subject) -> Scan:
    """Return every pickle, every type that is on no list of what may be loaded, and what the release would add to it."""
    logging.getLogger("picklescan").setLevel(logging.CRITICAL)
    findings = [finding for name, data in subject.artifact.items() for finding in _pickles(name, data)]
    if subject.artifact:
        findings += [*_types(subject), *_added(subject)]
    return Scan(len(subject.artifact), "artifact files", TOOLS, tuple(findings), notes=(UNSEEN,) if subject.artifact else ())


def _pickles(name: str, data: bytes) -> Iterator[Finding]:
    """Every global that a pickle in the file would import; an artifact holds no pickle, so that any one is a finding."""
    from picklescan.scanner import scan_bytes

    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            trusted.sizes(data)
    except Exception as error:  # as below; picklescan unpacks whatever an archive holds
        yield Finding("picklescan", "archive", f"{name} is an archive that no training writes ({error}); it was not opened")
        return
    result = scan_bytes(io.BytesIO(data), name, os.path.splitext(name)[1])
    for entry in sorted(result.globals, key=lambda entry: (entry.module, entry.name)):
        message = (
            f"{name} holds a pickle that imports {entry.module}.{entry.name} ({entry.safety.value}); it was not loaded"
        )
        yield Finding("picklescan", "pickle", message)
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
    except Exception as error:  # whatever a hostile file makes the reader raise, it is no model
        yield Finding("skops", "model", f"{MODEL_FILE} is no skops file ({type(error).__name__}); it was not loaded")
        return
    for name in trusted.strangers(named, trusted.own_names(subject.own_code), subject.trusted):
        told = f"{MODEL_FILE} names {name}, which may not be loaded; it was not loaded. {trusted.advice([name])}"
        yield Finding("skops", "type", told)


def _added(subject: Subject) -> Iterator[Finding]:
    for name in sorted({*subject.bundle_trusted} - {*subject.trusted}):
        yield Finding("skops", "type", f"the release would load {name} too, which [model] trusted does not name here")
