"""`invoke sign` and `invoke verify`."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.markup import escape

from gateline.contracts.digest import short
from gateline.contracts.event import SIGNED
from gateline.contracts.manifest import MANIFEST_FILE
from gateline.contracts.release import Release
from gateline.contracts.statement import PAYLOAD_TYPE
from gateline.contracts.verdict import Verdict
from gateline.registry.releases import Releases
from gateline.registry.signatures import Signatures
from gateline.registry.store import Store
from gateline.settings import Settings, load
from gateline.settings.errors import ExitCode, GateRefused, UsageError
from gateline.settings.shown import one_line, tell
from gateline.settings.terminal import Terminal
from gateline.stages import REQUIRABLE
from infra.commands import vouching
from infra.commands.building import build_recorder
from infra.host.actor import acting
from infra.host.bundle import checked
from infra.releases.signing import keys, model_signature
from infra.releases.signing.checking import Claim, checks
from infra.releases.signing.envelope import seal
from infra.releases.signing.keys import public_keys
from infra.releases.signing.provenance import Check, provenance
from infra.releases.signing.trust import Trust
from infra.rollout.evidence import newest
from infra.rollout.target import Target

ROOT = Path(".")


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
    found = vouching.gather(settings, store, reference, given)
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

    With an environment, what lies on its host and runs there is asked by the keys it keeps, and no registry is.
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
    verdicts = _verdicts(settings, store, release)
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
    console.print("verified: what lies there and runs is as it was let in")
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


def _verdicts(settings: Settings, store: Store, release: Release) -> dict[str, Verdict | None]:
    return {stage: newest(store, release, stage, settings.runs_containers) for stage in REQUIRABLE}


def _told(verdicts: Mapping[str, Verdict]) -> str:
    said = [f"{stage} {verdict.outcome}" for stage, verdict in verdicts.items()]
    missing = [stage for stage in REQUIRABLE if stage not in verdicts]
    return f"its verdicts ({', '.join(said) or 'none'})" + (f"; not judged: {', '.join(missing)}" if missing else "")
