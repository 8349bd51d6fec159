"""Where a release comes from, as SLSA provenance v1 (https://slsa.dev/spec/v1.0/provenance), in a signed statement."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from gateline.contracts.digest import of_bytes
from gateline.contracts.event import Actor
from gateline.contracts.manifest import Manifest
from gateline.contracts.release import PAYLOAD_TYPE, PROVENANCE, Image, Release, Resource, Statement
from gateline.contracts.verdict import Verdict
from gateline.settings.errors import GateRefused
from infra.releases.signing.keys import AGAIN, PublicKey, open_sealed

BUILD_TYPE = "urn:gateline:release:v1"
"""What `invoke build` does; docs/security.md tells what the parameters mean."""
TREE = "gateline-tree"
"""SHA-256 over paths and SHA-256 of every file: a release's digest is no file's."""
BUILT_FROM = "built from"
UNSIGNED = "sign it where it was built, with a key of the settings: invoke sign"


class Unsigned(GateRefused):
    """Nobody with a key that counts vouches for a release."""


def provenance(
    release: Release, manifest: Manifest, manifest_file: bytes, images: Iterable[Image],
    verdicts: Mapping[str, Verdict], builder: Actor,
) -> Statement:  # fmt: skip
    """Return the statement about a release, its artifact and its images; `verdicts` by stage."""
    images = tuple(images)
    plain = partial(Resource.model_dump, mode="json", exclude_defaults=True)
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"training": manifest.settings, "service": release.service.model_dump(mode="json")},
            "internalParameters": {"python": release.python, "libraries": manifest.libraries},
            "resolvedDependencies": [plain(one) for one in _dependencies(release, manifest, images)],
        },
        "runDetails": {
            "builder": {"id": builder.run or f"urn:gateline:{builder.kind}:{builder.name}@{builder.host}"},
            "metadata": {"invocationId": release.digest, "finishedOn": release.created},
            "byproducts": [plain(byproduct(verdict)) for verdict in verdicts.values()],
        },
    }
    subjects = [
        Resource(name=f"release/{release.name}", digest={TREE: release.digest}),
        Resource(name=f"artifact/{release.version}", digest={"sha256": of_bytes(manifest_file)}),
    ]
    for image in images:
        subjects.append(Resource(name=f"image/{image.platform}", digest={"sha256": image.id.removeprefix("sha256:")}))
        if image.pushed:
            name, _, digest = image.pushed.partition("@sha256:")
            subjects.append(Resource(name=name, digest={"sha256": digest}))
    return Statement(subject=tuple(subjects), predicate_type=PROVENANCE, predicate=predicate)


def opened(sealed: bytes | None, keys: list[PublicKey], name: str) -> tuple[Statement, PublicKey]:
    """Return the statement that was signed for the release `name`, and the key that signed it.

    Raises Unsigned (rule `signature`) where there is none, or where none of `keys` signed it.
    """
    if sealed is None:
        raise Unsigned(f"{name} is not signed", UNSIGNED, rule="signature")
    what = f"the statement of {name}"
    try:
        payload, key = open_sealed(sealed, PAYLOAD_TYPE, keys, what)
        statement = Statement.model_validate_json(payload)
    except GateRefused as error:
        raise Unsigned(error.reason, error.next_step, rule="signature") from None
    except ValueError:
        statement = None
    if statement is None or statement.predicate_type != PROVENANCE:
        raise Unsigned(f"{what} is signed, but is no provenance", AGAIN, rule="signature")
    return statement, key


def vouched(sealed: bytes | None, keys: list[PublicKey], release: Release) -> tuple[Statement, PublicKey]:
    """Return as `opened` does, of a statement that names this very release.

    Raises Unsigned (rule `signature`) for one that names another.
    """
    statement, key = opened(sealed, keys, release.name)
    if not is_about(statement, release.digest):
        raise Unsigned(f"the statement kept for {release.name} is about another release", UNSIGNED, rule="signature")
    return statement, key


def is_about(statement: Statement, digest: str) -> bool:
    """Say whether a statement names the release of this digest."""
    return any(subject.digest.get(TREE) == digest for subject in statement.subject)


def built_as(statement: Statement) -> dict[str, str]:
    """Return when a release was built and from which commit, by the names of its record, as a signed statement tells it."""
    told = statement.predicate
    listed = told.get("buildDefinition", {}).get("resolvedDependencies", [])
    found: Mapping[str, Any] = next((one for one in listed if one.get("name") == BUILT_FROM), {})
    commit = f"{found['digest']['gitCommit']}{'-dirty' if found.get('annotations') else ''}" if found else ""
    return {"created": str(told.get("runDetails", {}).get("metadata", {}).get("finishedOn", "")), "commit": commit}


def byproduct(verdict: Verdict) -> Resource:
    """Return a verdict as it stands in a statement: its outcome, and the digest of all it says."""
    about = {"outcome": str(verdict.outcome), "created": verdict.created}
    return Resource(name=f"verdict/{verdict.stage}", digest={"sha256": verdict.digest}, annotations=about)


def _dependencies(release: Release, manifest: Manifest, images: tuple[Image, ...]) -> Iterator[Resource]:
    for name, commit in (("trained from", manifest.commit), (BUILT_FROM, release.commit)):
        hexes, _, dirty = commit.partition("-")
        if hexes and hexes != "nogit":
            edited = dirty or (manifest.dirty and name != BUILT_FROM)
            changed = {"changed": "files that are not committed"} if edited else {}
            yield Resource(name=name, digest={"gitCommit": hexes}, annotations=changed)
    for name, digest in manifest.inputs.items():
        yield Resource(name=name, digest={"sha256": digest})
    yield Resource(name="service.txt", digest={"sha256": release.lock})
    for base, identity in sorted({(image.base, image.base_id) for image in images}):
        yield Resource(name=base, digest={"sha256": identity.removeprefix("sha256:")})
