"""Whether a release is what somebody with a key of the settings vouched for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateline.contracts.digest import of_bytes, short
from gateline.contracts.manifest import MANIFEST_FILE
from gateline.contracts.release import Release, Statement
from gateline.contracts.verdict import Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.releases import Releases, Signatures
from gateline.registry.store import Store
from gateline.settings import Settings
from gateline.settings.errors import GateRefused
from infra.releases.signing import model_signature
from infra.releases.signing.keys import PublicKey, public_keys
from infra.releases.signing.provenance import UNSIGNED, byproduct, is_about, opened
from infra.releases.signing.trust import Check


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
    release, signatures = claim.release, Signatures(claim.store)
    try:
        statement, key = opened(signatures.release(release.digest), claim.keys, release.name)
    except GateRefused as error:
        yield Check("statement", False, error.reason)
        return
    yield Check("statement", True, f"signed by {key.name}")
    about = is_about(statement, release.digest)
    said = ", as signed" if about else " is not the release that was signed"
    yield Check("release", about, short(release.digest) + said)
    yield _artifact(claim, signatures, statement)
    for image in Releases(claim.store).images(release.digest):
        identity = image.id.removeprefix("sha256:")
        named = statement.names(identity)
        yield Check(f"image {image.platform}", named, short(identity) + (", as signed" if named else " was not signed"))
    for stage, verdict in claim.verdicts.items():
        yield _verdict(stage, verdict, statement)


def _artifact(claim: Claim, signatures: Signatures, statement: Statement) -> Check:
    """The statement names the manifest; the artifact's own signature covers every file."""
    identity = claim.release.artifact
    try:
        files = Artifacts(claim.store).files(identity)
    except GateRefused as error:
        return Check("artifact", False, error.message)
    if not statement.names(of_bytes(files[MANIFEST_FILE])):
        return Check("artifact", False, f"the manifest of {short(identity)} is not the one that was signed")
    signature = signatures.artifact(identity)
    if signature is None:
        return Check("artifact", False, f"{short(identity)} is not signed")
    for key in claim.keys:
        if model_signature.holds(files, signature, key, claim.root):
            return Check("artifact", True, f"{len(files)} files of {short(identity)}, signed by {key.name}")
    return Check("artifact", False, f"the signature of {short(identity)} is not of these files and keys")


def _verdict(stage: str, verdict: Verdict | None, statement: Statement) -> Check:
    signed = statement.byproduct(f"verdict/{stage}")
    if verdict is None:
        return Check(stage, False, "has not been judged")
    if signed is None:
        return Check(stage, False, "its verdict came after the signature: sign again")
    same = signed.digest == byproduct(verdict).digest
    return Check(stage, same, f"{verdict.outcome}, as signed" if same else "its verdict is not the one that was signed")
