"""What `invoke sign` may vouch for: what this machine made, or what somebody names by its whole digest.

Whoever can write the registry decides what its aliases, versions and records name. So none of them chooses here: what was
built and judged is told by digests that were kept outside, or that the jobs of one CI run passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.digest import WHOLE, short
from gateline.contracts.manifest import MANIFEST_FILE, Manifest
from gateline.contracts.release import Image, Release
from gateline.contracts.statement import Statement
from gateline.contracts.verdict import Verdict
from gateline.registry.made import BY_DIGEST, MODEL, RELEASE, Made, content_of, of_image, of_stage
from gateline.registry.releases import Releases
from gateline.registry.signatures import Signatures
from gateline.registry.store import Store
from gateline.settings import Settings
from gateline.settings.errors import GateRefused, UsageError, did_you_mean
from gateline.stages import REQUIRABLE
from infra.host.actor import NO_GIT, acting, commit
from infra.host.bundle import artifact_in, checked
from infra.releases.signing.keys import public_keys
from infra.releases.signing.provenance import Unsigned, built_as, is_about, opened
from infra.rollout.evidence import about, subject

HERE, NAMED, BEFORE = "made on this machine", "named by its digest", "signed before"


@dataclass(frozen=True)
class Vouched:
    """A release, and what of it may be signed, read once; `how` says by what each is known."""

    release: Release
    files: Mapping[str, bytes]
    """Those of its artifact, as they are in the release."""
    images: tuple[Image, ...]
    verdicts: Mapping[str, Verdict]
    how: Mapping[str, str]
    left_out: tuple[str, ...]

    @property
    def manifest(self) -> Manifest:
        """The artifact's manifest."""
        return Manifest.model_validate_json(self.files[MANIFEST_FILE])

    def lines(self) -> Iterator[str]:
        """Say what is signed, a line each."""
        yield f"  release          {self.release.digest}  {self.how['release']}"
        yield f"  built            {self.release.created}, from commit {self.release.commit or 'none'}"
        yield f"  artifact         {content_of(self.files)}  {self.how['artifact']}"
        for image in self.images:
            yield f"  image            {image.id.removeprefix('sha256:')}  {image.platform}, {self.how[image.id]}"
        for stage, verdict in self.verdicts.items():
            yield f"  {stage:<16} {verdict.digest}  {verdict.outcome}, {self.how[stage]}"
        yield from self.left_out


def gather(settings: Settings, store: Store, reference: str, given: str) -> Vouched:
    """Return what may be signed of the release that was built here last, or of the one that is named.

    `given` names verdicts, as `stage=digest` with blanks or commas between; without it, those reached here count. Raises
    UsageError for a release or a verdict that is not named as it must be, GateRefused (rule `signature`, `digest`) for one
    that was not made here and is not named by its digest, or that the registry does not hold.
    """
    made, releases = Made.of(settings), Releases(store)
    digest = made.release(releases, reference)
    try:
        archive = releases.archive(digest)
    except FileNotFoundError:
        raise GateRefused(f"the registry does not hold release {short(digest)}", "invoke build", rule="signature") from None
    packed, files = checked(archive, digest), artifact_in(archive)
    before = _before(settings, store, packed)
    release = _as_built(packed, made.as_built(digest) or (built_as(before) if before else {}))
    how = {"release": HERE if digest in made.all(RELEASE) else NAMED}
    how["artifact"] = HERE if [content_of(files)] == made.all(MODEL)[-1:] else "as it is in the release"
    if reference != digest and how["artifact"] != HERE:
        raise GateRefused(
            f"{release.name} was built here, but its model is not the one that was trained here last: whoever can "
            "write the registry may have put it in its place",
            f"nox -s train, which trains it here, then judge and build again; or, {BY_DIGEST} --release={digest}",
            rule="signature",
        )
    known = releases.images(digest)
    built = {image.id for image in known if before and before.names(image.id.removeprefix("sha256:"))}
    images = tuple(image for image in known if image.id in {*built, *made.all(of_image(digest))})
    left_out = [
        f"  left out: the image for {image.platform}, which was not built on this machine: invoke build"
        for image in known if image not in images
    ]  # fmt: skip
    wanted = _parsed(given) or {stage: _known(made, before, stage) for stage in REQUIRABLE}
    verdicts, others = _verdicts(settings, store, (release, files, images), wanted, strictly=bool(given.strip()))
    here = {stage: verdict.digest in made.all(of_stage(stage)) for stage, verdict in verdicts.items()}
    how |= {stage: NAMED if given.strip() else HERE if here[stage] else BEFORE for stage in verdicts}
    how |= {image.id: HERE if image.id in made.all(of_image(digest)) else BEFORE for image in images}
    return Vouched(release, files, images, verdicts, how, (*left_out, *others))


def _as_built(packed: Release, facts: Mapping[str, str]) -> Release:
    """Return a release with the `facts` of its building, which no digest covers; without any, as the registry tells them.

    Raises GateRefused for a time in the future, and, in CI, where nobody reads what is printed, for another commit than the
    one that is checked out.
    """
    release = packed.model_copy(update=dict(facts))
    if release.created > datetime.now(UTC).isoformat():
        said = f"the registry says that {release.name} was built {release.created}, in the future"
        raise GateRefused(said, "invoke build, where its model was trained", rule="signature")
    here, there = (text.partition("-")[0] for text in (commit(), release.commit))
    if not facts and acting().kind == "ci" and here not in (NO_GIT, there):
        raise GateRefused(
            f"the registry says that {release.name} was built from commit {there or 'none'}, and {here} is checked "
            "out: whoever can write the registry may have said so",
            "invoke build before it in this job; or, if that is the commit, check it out and sign there", rule="signature",
        )
    return release


def _before(settings: Settings, store: Store, release: Release) -> Statement | None:
    """Return what a key that still counts has vouched for of this release, so that another key can take its place."""
    try:
        statement, _ = opened(Signatures(store).release(release.digest), public_keys(settings, Path(".")), release.name)
    except Unsigned:
        return None
    return statement if is_about(statement, release.digest) else None


def _known(made: Made, before: Statement | None, stage: str) -> list[str]:
    """Return the digests of a stage's verdicts that were signed before, then those that were reached here, the newest last."""
    signed = before.byproduct(f"verdict/{stage}") if before else None
    return [*(signed.digest.values() if signed else ()), *made.all(of_stage(stage))]


def _verdicts(
    settings: Settings, store: Store, found: tuple[Release, Mapping[str, bytes], tuple[Image, ...]],
    wanted: Mapping[str, list[str]], strictly: bool,
) -> tuple[dict[str, Verdict], list[str]]:  # fmt: skip
    """Return the verdict of each stage that is wanted last, and a line about each stage that only the registry tells of.

    `strictly`: one that is wanted must be there.
    """
    release, files, images = found
    inputs = Manifest.model_validate_json(files[MANIFEST_FILE]).inputs
    image = images[0].id if images and settings.runs_containers else ""
    chosen, left_out = {}, []
    for stage in REQUIRABLE:
        fitting = {
            verdict.digest: verdict
            for verdict in about(store, stage, subject(stage, release, inputs, image))
            if verdict.judged.get("artifact.files", content_of(files)) == content_of(files)
        }
        digests = wanted.get(stage, [])
        one = next((digest for digest in reversed(digests) if digest in fitting), "")
        if one:
            chosen[stage] = fitting[one]
        elif strictly and digests:
            raise GateRefused(
                f"{stage}: the registry holds no verdict {short(digests[0])} on {release.name}",
                f"find out who changed it; then nox -s {stage} -- --fresh", rule="signature",
            )
        elif fitting:
            last = list(fitting)[-1]
            left_out.append(
                f"  left out: {stage}: its verdict was reached on another machine: nox -s {stage}; or, if you know it: "
                f'--verdicts="{stage}={last}"'
            )
    return chosen, left_out


def _parsed(given: str) -> dict[str, list[str]]:
    """Return the digest of each verdict that is named, by stage."""
    named: dict[str, list[str]] = {}
    for pair in filter(None, re.split(r"[\s,]+", given)):
        stage, _, digest = pair.partition("=")
        stage = stage.replace("-", "_")
        if stage not in REQUIRABLE:
            raise UsageError(
                f"--verdicts names '{stage}', which is no stage{did_you_mean(stage, REQUIRABLE)}",
                f"one of: {', '.join(REQUIRABLE)}",
            )
        if digest and not WHOLE.fullmatch(digest):
            raise UsageError(
                f"--verdicts: {stage} is '{digest}'; it must be a whole digest (64 characters)", "--verdicts=STAGE=DIGEST"
            )
        named[stage] = [digest] if digest else []
    return named
