"""Rule `digest`: the release and its artifact are, byte for byte, what was built and recorded."""

from __future__ import annotations

from pydantic import ValidationError

from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import MANIFEST_FILE, Manifest
from infra.security.finding import Finding, Scan
from infra.security.subject import Subject

TOOLS = ("gateline",)


def scan(subject: Subject) -> Scan:
    """Return every file that is missing, added or changed since the artifact was written, and what the bundle refused."""
    wrong = list(subject.refusals)
    gaps: tuple[str, ...] = ()
    if subject.artifact:
        wrong += _against_manifest(subject)
        if subject.recorded_manifest is None:
            gaps = ("the registry has no record of this artifact to compare its manifest with",)
    findings = tuple(Finding("gateline", "digest", message) for message in wrong)
    return Scan(len(subject.artifact) or len(wrong), "artifact files", TOOLS, findings, gaps)


def _against_manifest(subject: Subject) -> list[str]:
    raw = subject.artifact.get(MANIFEST_FILE)
    if raw is None:
        return [f"the artifact has no {MANIFEST_FILE}"]
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        return [f"{MANIFEST_FILE} is unreadable: {error.errors()[0]['msg']}"]
    wrong = [message for name, digest in manifest.files.items() for message in _against_digest(subject, name, digest)]
    extra = sorted(set(subject.artifact) - set(manifest.files) - {MANIFEST_FILE})
    wrong += [f"{name} is no file of the artifact" for name in extra]
    if subject.release and subject.release.artifact != manifest.identity:
        wrong.append(f"the release names artifact {subject.release.artifact[:12]}, it carries {manifest.identity[:12]}")
    if subject.recorded_manifest not in (None, raw):
        wrong.append(f"{MANIFEST_FILE} of {manifest.version} is not the one that the registry recorded")
    return wrong


def _against_digest(subject: Subject, name: str, recorded: str) -> list[str]:
    data = subject.artifact.get(name)
    if data is None:
        return [f"{name} is missing"]
    seen = of_bytes(data)
    return [] if seen == recorded else [f"{name} has SHA-256 {seen[:12]}, recorded was {recorded[:12]}"]
