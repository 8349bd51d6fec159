"""Whether a release is what somebody with a key of the settings vouched for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateline.contracts.digest import of_bytes, short
from gateline.contracts.manifest import MANIFEST_FILE
from gateline.contracts.release import Release
from gateline.contracts.statement import Statement
from gateline.contracts.verdict import Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.releases import Releases
from gateline.registry.signatures import Signatures
from gateline.registry.store import Store
from gateline.settings import Settings
from gateline.settings.errors import GateRefused
from infra.releases.signing import model_signature
from infra.releases.signing.keys import PublicKey, public_keys
from infra.releases.signing.provenance import UNSIGNED, Check, byproduct, is_about, opened


@dataclass(frozen=True)
class Claim:
    """A release, and what is said of it: the verdicts by stage that it is to be let in by."""

    settings: Settings
    root: Path
    store: Store
    release: Release
    verdicts: Mapping[str, Verdict | None]

    @property
    def keys(self) -> list[PublicKey]:
        """The keys that count."""
        return public_keys(self.settings, self.root)


def require(claim: Claim) -> None:
    """Raise GateRefused (rule `signature`) unless everything about a release is signed; where signing is off, ask nothing."""
    if not claim.settings.signing.keys:
        return
    for check in checks(claim):
        if not check.holds:
            raise GateRefused(f"{claim.release.name}: {check.subject}: {check.reason}", UNSIGNED, rule="signature")


def checks(claim: Claim) -> Iterator[Check]:
    """Ask about everything; the statement's own signature comes first, and without it nothing else is asked."""
    try:
        statement, key = opened(Signatures(claim.store).release(claim.release.digest), claim.keys, claim.release.name)
    except GateRefused as error:
        yield Check("statement", False, error.message.removeprefix("signature: "))
        return
    yield Check("statement", True, f"signed by {key.name}")
    yield _release(claim, statement)
    yield from _artifact(claim, statement)
    yield from _images(claim, statement)
    for stage, verdict in claim.verdicts.items():
        yield _verdict(stage, verdict, statement)


def _release(claim: Claim, statement: Statement) -> Check:
    digest = claim.release.digest
    signed = is_about(statement, digest)
    said = f"{short(digest)}, as signed" if signed else f"{short(digest)} is not the release that was signed"
    return Check("release", signed, said)


def _artifact(claim: Claim, statement: Statement) -> Iterator[Check]:
    """The statement names the manifest; the artifact's own signature covers every file."""
    identity = claim.release.artifact
    try:
        files = Artifacts(claim.store).files(identity)
    except GateRefused as error:
        yield Check("artifact", False, error.message)
        return
    if not statement.names(of_bytes(files[MANIFEST_FILE])):
        yield Check("artifact", False, f"the manifest of {short(identity)} is not the one that was signed")
        return
    signature = Signatures(claim.store).artifact(identity)
    if signature is None:
        yield Check("artifact", False, f"{short(identity)} is not signed")
        return
    key = next((key for key in claim.keys if model_signature.holds(files, signature, key, claim.root)), None)
    good = f"{len(files)} files of {short(identity)}, signed by {key.name}" if key else ""
    yield Check(
        "artifact", key is not None, good or f"the signature of {short(identity)} is not of these files and keys"
    )


def _images(claim: Claim, statement: Statement) -> Iterator[Check]:
    for image in Releases(claim.store).images(claim.release.digest):
        signed = statement.names(image.id.removeprefix("sha256:"))
        known = short(image.id.removeprefix("sha256:"))
        yield Check(f"image {image.platform}", signed, f"{known}, as signed" if signed else f"{known} was not signed")


def _verdict(stage: str, verdict: Verdict | None, statement: Statement) -> Check:
    signed = statement.byproduct(f"verdict/{stage}")
    if verdict is None:
        return Check(stage, False, "has not been judged")
    if signed is None:
        return Check(stage, False, "its verdict came after the signature: sign again")
    same = signed.digest == byproduct(verdict).digest
    said = f"{verdict.outcome}, as signed" if same else "its verdict is not the one that was signed"
    return Check(stage, same, said)
