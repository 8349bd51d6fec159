"""`invoke sign` and `invoke verify`: what may be vouched for is what this machine made, or somebody names by its whole digest.

Anyone who can write the registry decides what its aliases, versions and records name. So none of them chooses here: what was
built and judged is told by digests that were kept outside, or that the jobs of one CI run passed on.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from gateline.contracts.digest import WHOLE, short
from gateline.contracts.event import SIGNED
from gateline.contracts.manifest import MANIFEST_FILE, Manifest
from gateline.contracts.release import PAYLOAD_TYPE, Image, Release, Statement
from gateline.contracts.verdict import Verdict
from gateline.registry.made_here import BY_DIGEST, MODEL, RELEASE, Made, content_of, of_image, of_stage
from gateline.registry.releases import Releases, Signatures
from gateline.registry.store import Store
from gateline.settings import Settings, load
from gateline.settings.errors import ExitCode, GateRefused, UsageError, did_you_mean
from gateline.settings.shown import one_line, tell
from gateline.settings.terminal import Terminal
from gateline.stages import REQUIRABLE
from infra.commands.building import build_recorder
from infra.host.actor import NO_GIT, acting, commit
from infra.host.bundle import artifact_in, checked
from infra.releases.signing import keys, model_signature
from infra.releases.signing.checking import Claim, checks
from infra.releases.signing.keys import public_keys, seal
from infra.releases.signing.provenance import Unsigned, built_as, provenance, vouched
from infra.releases.signing.trust import Check, Trust
from infra.rollout.evidence import about, newest, subject
from infra.rollout.target import Target

ROOT = Path(".")
HERE, NAMED, BEFORE = "made on this machine", "named by its digest", "signed before"


def new_key(path: str) -> int:
    """Make a key pair and say what to do with each half."""
    private, public = keys.new_pair(Path(path), ROOT)
    tell(f"{private}: the private key; keep it where only who may release can read it")
    tell(f"{public}: the public key; commit it, and name it in pipeline.toml:")
    tell("", "  [signing]", f'  keys = ["{public}"]', "")
    tell(f"next: {keys.VARIABLE}={shlex.quote(str(private))} invoke sign")
    return 0


def sign(reference: str, given: str = "") -> int:
    """Sign what this machine built and judged, or what is named by its whole digest; `given` are verdicts by stage."""
    settings = load()
    accepted = _switched_on(settings)
    private = keys.private_pem()
    signer, store = keys.signer(private, accepted), Store.of(settings)
    found = gather(settings, store, reference, given)
    for line in found.lines():
        tell(line)
    statement = provenance(
        found.release, found.manifest, found.files[MANIFEST_FILE], found.images, found.verdicts, acting()
    )
    signatures, release = Signatures(store), found.release
    signatures.add_artifact(release.artifact, model_signature.sign(found.files, private, ROOT))
    sealed = seal(statement.model_dump_json(by_alias=True).encode(), PAYLOAD_TYPE, signer)
    signatures.add_release(release.digest, sealed)
    build_recorder(settings).record(
        SIGNED, release.digest, {"change": "sign", "release": release.model_dump(mode="json")}
    )
    tell(f"signed {release.name}, its artifact and {_told(found.verdicts)}")
    tell("next: invoke deploy --env=staging")
    return 0


def verify(reference: str, env: str) -> int:
    """Print what the signatures of a release say, one line a check; 1 where one does not hold.

    With an environment, what is on its host and runs there is asked by the keys it keeps, and no registry is.
    """
    settings = load()
    console = Terminal(markup=True, soft_wrap=True)
    if env:
        return _verify_running(Target.open(env), console)
    _switched_on(settings)
    store = Store.of(settings)
    record = Releases(store).resolve(reference)
    release, archive = _archive(Releases(store), record)
    console.print(f"[bold]{escape(release.name)}[/bold]  {release.digest}")
    verdicts = {stage: newest(store, release, stage, settings.runs_containers) for stage in REQUIRABLE}
    judged = {stage: verdict for stage, verdict in verdicts.items() if verdict}
    refused = _shown(console, [*archive, *checks(Claim(settings, ROOT, store, release, judged))])
    for stage in [stage for stage, verdict in verdicts.items() if verdict is None]:
        console.print(f"  [yellow]missing[/yellow] {stage:<16} has not been judged")
    console.print(f"{refused} refused: next: invoke sign, where it was built" if refused else "verified: all as signed")
    return int(ExitCode.FAIL) if refused else 0


def _archive(releases: Releases, record: Release) -> tuple[Release, list[Check]]:
    """Return a release as its archive says, if that holds, and whether archive and record are what was built."""
    try:
        release = checked(releases.archive(record.digest), record.digest)
    except GateRefused as error:
        return record, [Check("archive", False, error.message)]
    except FileNotFoundError:
        return record, [Check("archive", False, "is not in the registry")]
    other = [name for name, value in record if value != getattr(release, name)]
    said = f"{', '.join(other)}: not as in the archive, which alone decides" if other else "as in the archive"
    return release, [Check("archive", True, f"holds {short(record.digest)}"), Check("record", not other, said)]


def _verify_running(target: Target, console: Terminal) -> int:
    running = target.engine.status()
    if not running.slots:
        raise target.nothing_runs()
    keys, kept = public_keys(target.settings, ROOT), Trust(target.engine.notes).keys
    same = {key.pem for key in keys} == {key.pem for key in kept}
    names = ", ".join(key.name for key in kept) or "none: signing is off"
    refused = _shown(console, [Check("keys", same, f"kept here: {names}" + ("" if same else "; the settings name others"))])
    for slot, status in running.slots.items():
        console.print(f"[bold]{escape(status.release.name)}[/bold]  {status.release.digest}  ({slot})")
        refused += _shown(console, target.engine.evidence(slot))
    if refused:
        console.print(f"{refused} refused: next: invoke up --env={target.name}, or deploy another release")
        return int(ExitCode.FAIL)
    console.print("verified: what is stored there and runs is as it was let in")
    return 0


def _shown(console: Terminal, found: Iterable[Check]) -> int:
    """Print checks, a line each; return how many do not hold."""
    refused = 0
    for check in found:
        refused += not check.holds
        mark = "[green]ok     [/green]" if check.holds else "[red]REFUSED[/red]"
        console.print(f"  {mark} {escape(check.subject):<16} {escape(one_line(check.reason))}")
    return refused


def _switched_on(settings: Settings) -> list[keys.PublicKey]:
    accepted = keys.public_keys(settings, ROOT)
    if not accepted:
        raise UsageError("signing is off: pipeline.toml names no key in [signing] keys", keys.NEW)
    return accepted


def _told(verdicts: Mapping[str, Verdict]) -> str:
    said = [f"{stage} {verdict.outcome}" for stage, verdict in verdicts.items()]
    missing = [stage for stage in REQUIRABLE if stage not in verdicts]
    return f"its verdicts ({', '.join(said) or 'none'})" + (f"; not judged: {', '.join(missing)}" if missing else "")


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
            f"{release.name} was built here, but its model is not the one that was trained here last: anyone who can "
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
            "out: anyone who can write the registry may have said so",
            "invoke build before it in this job; or, if that is the commit, check it out and sign there", rule="signature",
        )
    return release


def _before(settings: Settings, store: Store, release: Release) -> Statement | None:
    """Return what a key that still counts has vouched for of this release, so that another key can take its place."""
    try:
        return vouched(Signatures(store).release(release.digest), public_keys(settings, Path(".")), release)[0]
    except Unsigned:
        return None


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
