"""A release is let in as it was signed, and refused after any change: each case names what does not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateline.contracts.digest import of_bytes
from gateline.contracts.manifest import GOLDEN_FILE, MANIFEST_FILE
from gateline.contracts.release import Image, Release
from gateline.contracts.verdict import Outcome
from gateline.registry.made_here import Made, of_image
from gateline.registry.releases import Releases, Signatures
from gateline.settings.errors import GateRefused
from infra.releases.signing.keys import new_pair
from infra.rollout.admission import admit
from tests.infra.releases.signing.conftest import Signed, sign, switch_on

pytestmark = pytest.mark.slow
REASON = {
    "unsigned": ("statement", "is not signed"),
    "a key that is taken out of the settings": ("statement", "not signed by a key of the settings"),
    "the statement of another release": ("release", "is not the release that was signed"),
    "an unsigned artifact": ("artifact", "is not signed"),
    "the signature of another artifact": ("artifact", "is not of these files and keys"),
    "a flipped byte in the artifact": ("artifact", "digest: golden.json"),
    "another model under the same version": ("artifact", "is not the one that was signed"),
    "a forged verdict": ("validate_model", "its verdict is not the one that was signed"),
    "a verdict that came later": ("security", "its verdict came after the signature"),
    "another image": ("image linux/amd64", "was not signed"),
}


def image(release: Release, mark: str) -> Image:
    """Return the record of an image."""
    return Image(
        release=release.digest, platform="linux/amd64", id=f"sha256:{mark * 64}", files=mark * 64, base="base",
        base_id=f"sha256:{'0' * 64}", dockerfile=mark, tags=(), builder="test", size=2, base_size=1, created="2026-01-01",
    )  # fmt: skip


def artifact_folder(signed: Signed, release: Release) -> Path:
    """Return where the registry keeps the files of a release's artifact."""
    return signed.site.root / ".gateline/registry/tiny/artifacts" / release.artifact


def unsigned(signed: Signed, release: Release, other: Release) -> None:
    """Take the statement away."""
    next((signed.site.root / ".gateline/registry/tiny/signatures/releases").glob(f"{release.digest}*")).unlink()


def rotated(signed: Signed, release: Release, other: Release) -> None:
    """Let another key count, and no longer the one that signed."""
    switch_on(signed.site, str(new_pair(signed.private.with_name(f"new {signed.private.name}"), signed.site.root)[1]))


def borrowed_statement(signed: Signed, release: Release, other: Release) -> None:
    """Pass the signed statement of another release off as this one's."""
    found = Signatures(signed.site.store).release(other.digest)
    Signatures(signed.site.store).add_release(release.digest, found or b"")


def unsigned_artifact(signed: Signed, release: Release, other: Release) -> None:
    """Take the artifact's signature away."""
    next((signed.site.root / ".gateline/registry/tiny/signatures/artifacts").glob(f"{release.artifact}*")).unlink()


def borrowed_signature(signed: Signed, release: Release, other: Release) -> None:
    """Pass the signature of another artifact off as this one's."""
    found = Signatures(signed.site.store).artifact(other.artifact)
    Signatures(signed.site.store).add_artifact(release.artifact, found or b"")


def flipped_byte(signed: Signed, release: Release, other: Release) -> None:
    """Change one byte of the artifact in the registry."""
    path = artifact_folder(signed, release) / GOLDEN_FILE
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)


def other_model(signed: Signed, release: Release, other: Release) -> None:
    """Change a file of the artifact, and every digest in the registry that would tell."""
    folder = artifact_folder(signed, release)
    (folder / GOLDEN_FILE).write_text('{"rows": [], "scores": []}')
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    manifest["files"][GOLDEN_FILE] = of_bytes((folder / GOLDEN_FILE).read_bytes())
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    record = folder.parents[1] / "versions" / f"{release.version}.json"
    digest = of_bytes((folder / MANIFEST_FILE).read_bytes())
    record.write_text(json.dumps({"identity": release.artifact, "manifest": digest}))


def forged_verdict(signed: Signed, release: Release, other: Release) -> None:
    """Write a better verdict over the one that was signed."""
    signed.site.judge("validate_model", Outcome.PASS, artifact=release.artifact, champion="none")


def later_verdict(signed: Signed, release: Release, other: Release) -> None:
    """Judge a stage that had not been judged when it was signed."""
    signed.site.judge("security", Outcome.PASS, release=release.digest)


def other_image(signed: Signed, release: Release, other: Release) -> None:
    """Let the registry name another image for the release."""
    Releases(signed.site.store).add_image(image(release, "b"))


CASES: dict[str, Callable[[Signed, Release, Release], None]] = dict(
    zip(
        REASON,
        (
            unsigned, rotated, borrowed_statement, unsigned_artifact, borrowed_signature,
            flipped_byte, other_model, forged_verdict, later_verdict, other_image,
        ),
        strict=True,
    )
)  # fmt: skip


def pair(signed: Signed) -> tuple[Release, Release]:
    """Return two signed releases; the first one's model failed its gate."""
    release, other = signed.site.release("1", judged=Outcome.FAIL), signed.site.release("2")
    Releases(signed.site.store).add_image(image(release, "a"))
    Made.of(signed.settings, signed.site.root).add(of_image(release.digest), image(release, "a").id)
    sign(release)
    sign(other)
    return release, other


@pytest.mark.parametrize("case", CASES)
def test_every_change_is_refused_by_name(signed: Signed, case: str) -> None:
    release, other = pair(signed)
    stages = ("validate_model", "security") if case == "a verdict that came later" else ("validate_model",)
    assert not signed.refused(release, "validate_model"), "as signed, everything holds"
    CASES[case](signed, release, other)
    subject, words = REASON[case]
    refused = signed.refused(release, *stages)
    assert next(iter(refused)) == subject and words in refused[subject]
    signed.site.judge("validate_model", Outcome.PASS, artifact=release.artifact, champion="another")
    switched = {"environments.production.requires": list(stages)}
    signed.site.change({"signing.keys": list(signed.settings.signing.keys)} | switched)
    with pytest.raises(GateRefused, match=f"signature: 1.*{subject if subject != 'security' else 'validate_model'}"):
        admit(signed.site.target(), release, signed.site.running())


def test_a_signed_release_is_let_in_and_an_unsigned_one_is_not(signed: Signed) -> None:
    release = signed.site.release()
    with pytest.raises(GateRefused, match=r"signature: 1\+\w+: statement: .* is not signed") as caught:
        admit(signed.site.target(), release, signed.site.running())
    assert "invoke sign" in caught.value.next_step
    sign(release)
    assert admit(signed.site.target(), release, signed.site.running()).verdicts == {"validate_model": "pass"}


def test_where_signing_is_off_nothing_is_asked(signed: Signed) -> None:
    release = signed.site.release()
    switch_on(signed.site)
    assert admit(signed.site.target(), release, signed.site.running()).verdicts == {"validate_model": "pass"}
