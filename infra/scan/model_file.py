"""Rule `unsafe_load`: nothing in the artifact could run code when it is loaded. Nothing is loaded to find out."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator

from contracts.manifest import MANIFEST_FILE, MODEL_FILE
from infra.scan.finding import Finding, Scan
from infra.scan.subject import Subject

TOOLS = ("picklescan", "skops")


def scan(subject: Subject) -> Scan:
    """Return every pickle, every type that training did not record, and every recorded type that runs code."""
    logging.getLogger("picklescan").setLevel(logging.CRITICAL)
    findings = [finding for name, data in subject.artifact.items() for finding in _pickles(name, data)]
    if subject.artifact:
        findings += _types(subject)
    return Scan(len(subject.artifact), "artifact files", TOOLS, tuple(findings))


def _pickles(name: str, data: bytes) -> Iterator[Finding]:
    """Every global that a pickle in the file would import; an artifact holds no pickle, so that any one is a finding."""
    from picklescan.scanner import scan_bytes

    result = scan_bytes(io.BytesIO(data), name, os.path.splitext(name)[1])
    for entry in sorted(result.globals, key=lambda entry: (entry.module, entry.name)):
        message = (
            f"{name} holds a pickle that imports {entry.module}.{entry.name} ({entry.safety.value}); it was not loaded"
        )
        yield Finding("picklescan", "pickle", message)
    if result.scan_err and not result.globals:
        yield Finding("picklescan", "pickle", f"{name} holds a broken pickle; it was not loaded")


def _types(subject: Subject) -> Iterator[Finding]:
    from registry.loaded import untrusted_types

    data = subject.artifact.get(MODEL_FILE)
    if data is None:
        yield Finding("skops", "model", f"the artifact has no {MODEL_FILE}")
        return
    try:
        named = untrusted_types(data)
    except Exception as error:  # whatever a hostile file makes the reader raise, it is no model
        yield Finding("skops", "model", f"{MODEL_FILE} is no skops file ({type(error).__name__}); it was not loaded")
        return
    recorded = _recorded(subject)
    for name in named:
        if name not in recorded:
            yield Finding(
                "skops", "type", f"{MODEL_FILE} names {name}, which training did not record; it was not loaded"
            )
    for name in sorted({*named, *recorded}):
        if _runs_code(name):
            yield Finding("skops", "type", f"{MODEL_FILE} may name {name}, which runs code; it was not loaded")


def _recorded(subject: Subject) -> set[str]:
    """The types that training recorded; an unreadable manifest records none, and rule `digest` says so."""
    try:
        manifest = json.loads(subject.artifact[MANIFEST_FILE])
        return {str(name) for name in manifest["trusted_types"]}
    except (KeyError, TypeError, ValueError):
        return set()


def _runs_code(name: str) -> bool:
    """Whether picklescan calls this name dangerous: it is asked about a pickle that would import it."""
    from picklescan.scanner import SafetyLevel, scan_pickle_bytes

    module, _, attribute = name.rpartition(".")
    result = scan_pickle_bytes(io.BytesIO(f"c{module}\n{attribute}\n.".encode()), name)
    return any(entry.safety is SafetyLevel.Dangerous for entry in result.globals)
