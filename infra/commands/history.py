"""`invoke audit`, `invoke report` and `invoke drift`: what was done and judged."""

import json
import os
import shlex
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from gateline.contracts.digest import short
from gateline.contracts.event import Event, Head
from gateline.contracts.files import place
from gateline.contracts.layout import BUILD
from gateline.contracts.manifest import Manifest
from gateline.contracts.shaping import leaves
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.audit import AuditLog, Finding
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.report.history import outcome, who
from gateline.settings import Settings, load
from gateline.settings.errors import ExitCode, GateRefused, OutsideError, UsageError
from gateline.settings.variables import is_sample
from gateline.settings.shown import in_json, one_line, tell
from gateline.settings.terminal import Terminal
from gateline.stages import JUDGING, judges
from infra.commands.building import build_recorder
from infra.releases.signing import heads, keys
from infra.rollout.recorder import Recorder
from infra.rollout.target import Target, audit_key
from infra.site.writing import publish, write

WIDTH = 500
REPORTS = Path("reports")


@dataclass
class Kept:
    """What was seen of the log by those who keep its head: builds, and each environment."""

    heads: dict[str, Head] = field(default_factory=dict)
    """By who keeps it."""
    unreadable: list[Finding] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    """Whose head could not be asked for, and why."""
    elsewhere: list[str] = field(default_factory=list)
    """Whose head is of another log."""
    adopted: set[str] = field(default_factory=set)
    """The events, by digest, by which a person went on with a broken log from here."""


def audit(trace: str, export: str, against: str = "", keep: str = "", accept: bool = False, reason: str = "") -> int:
    """Print the log, verify it, and say which edits would go unseen; 1 where the chain does not hold.

    With `accept`, a person goes on with the log as it is: recorded with the reason, who and what was found. Ends with 4
    where the log holds as far as could be told, and an environment that keeps a head of it cannot be reached.
    """
    settings = load()
    log = AuditLog(Store.of(settings), audit_key())
    if trace:
        tell(*trace_back(settings, trace))
        return 0
    given = compared(settings, Path(against)) if against else {}
    if accept or reason:
        _accept(settings, log, accept, reason, {against: head for head in given})
    kept = kept_heads(settings)
    seen = (*kept.heads.values(), *given)
    events, (findings, accepted) = log.events(), log.judge(seen, kept.adopted, given)
    findings = kept.unreadable + findings
    _print(events)
    _print_verification(log, events, findings, accepted, f" --against={against}" if against else "")
    for line in kept.unreachable + kept.elsewhere:
        tell(f"[not compared] {line}")
    if export:
        _export(Path(export), events, findings)
    if keep and findings:
        tell(f"next: find out what happened to the log; {keep} was not written")
    elif keep:
        write_head(settings, log.head(), Path(keep))
    return int(ExitCode.FAIL if findings else ExitCode.OUTSIDE if kept.unreachable else ExitCode.PASS)


def report(open: bool, output: str) -> int:
    """Write the pages, say where they are, how many and what they could not tell, and show them if asked."""
    settings = load()
    kept = kept_heads(settings)
    faults = [*(finding.reason for finding in kept.unreadable), *kept.unreachable]
    written = write(settings, REPORTS, tuple(kept.heads.values()), faults)
    way_in = written.pages[0]
    if output:
        way_in = publish(REPORTS, Path(output)) / way_in.relative_to(REPORTS)
    tell(f"{way_in}: {len(written.pages)} pages", *(f"  {line}" for line in written.missing))
    shown = not open
    with suppress(webbrowser.Error):
        shown = shown or webbrowser.open(way_in.resolve().as_uri())
    if not shown:
        tell(f"no browser here: open {way_in.resolve().as_uri()}")
    return 0


def drift(env: str) -> int:
    """Judge drift in one environment."""
    from infra.drift.judging import judge_environment

    return judge_environment(env)


def kept_heads(settings: Settings) -> Kept:
    """Return the log's heads as builds and environments last saw them, and which of them cannot be read or reached."""
    kept = Kept()
    for name, recorder in _recorders(settings).items():
        try:
            kept.heads |= {f"{name} {number}".removesuffix(" 1"): head for number, head in enumerate(recorder.heads(), 1)}
            kept.adopted |= recorder.adopted()
            kept.elsewhere += [f"the head that {name} keeps is of another log: {log}" for log in recorder.elsewhere()]
        except GateRefused as error:
            kept.unreadable.append(Finding(0, error.message))
        except OutsideError as error:
            kept.unreachable.append(f"the head that {name} keeps: {error.message}. next: {error.next_step}")
    return kept


def _recorders(settings: Settings) -> dict[str, Recorder]:
    environments = {} if is_sample() else {name: Target.open(name).recorder for name in settings.environments}
    return {BUILD: build_recorder(settings), **environments}


def _accept(settings: Settings, log: AuditLog, accept: bool, reason: str, given: dict[str, Head]) -> None:
    """Record that a person goes on with the log as it is; every keeper of a head that can be reached takes the new one.

    `given` are heads that were named, by where they are kept.
    """
    if not (accept and reason.strip()):
        raise UsageError(
            f"{'--accept-cut has no --reason' if accept else '--reason is given without --accept-cut'}: "
            "what is missing from the log is accepted by a person who says why",
            'invoke audit --accept-cut --reason="…"',
        )
    kept = kept_heads(settings)
    heads = kept.heads | given
    findings = kept.unreadable + log.judge(heads.values(), kept.adopted)[0]
    if not findings:
        tell("nothing to accept: the log holds")
        return
    lost = [finding.head for finding in findings if finding.head]
    recorders = _recorders(settings)
    head = recorders[BUILD].accept(reason, findings, {name: head for name, head in heads.items() if head in lost})
    tell(f"accepted as event {head.count}: {len(findings)} finding(s)")
    waited = 0
    for recorder in recorders.values():
        with suppress(OutsideError):  # who cannot be reached is named below, and has to be asked again
            waited += recorder.adopt(head)
    if waited:
        tell(f"{waited} event(s) that waited are in the log now")


def _print(events: list[Event]) -> None:
    console = Terminal()
    if not console.is_terminal:
        console = Terminal(width=WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("#", "time", "who", "where", "what", "release", "outcome"):
        table.add_column(column, no_wrap=True, justify="right" if column == "#" else "left")
    for event in events:
        release = event.data.get("release") or {}
        row = (
            str(event.sequence),
            event.time[:19],
            who(event),
            event.source.rpartition("/")[2],
            str(event.data.get("change", "build")),
            f"{release.get('version', '')} {short(event.subject)}".strip(),
            outcome(event),
        )
        table.add_row(*map(one_line, row))
    console.print(table)


def _print_verification(
    log: AuditLog, events: list[Event], findings: list[Finding], accepted: Mapping[Finding, Event], against: str
) -> None:
    for finding, event in accepted.items():
        by, why = who(event), event.data.get("reason", "")
        tell(f"[accepted] {finding.reason} (event {event.sequence}, {by}: {why})")
    for finding in findings:
        tell(f"[broken] {finding.reason}")
    if findings:
        how = f"invoke audit --accept-cut --reason=WHY{against}"
        tell(f"next: find out who changed the log; to go on with it as it is: {how}")
    else:
        head, but = log.head(), f", but for {len(accepted)} accepted" if accepted else ""
        tell(f"verified: {len(events)} events, each follows the one before{but}; head {head.count} {head.digest}")
    unsealed = log.unsealed()
    if unsealed and audit_key() and not findings:
        tell(
            f"{unsealed} of {len(events)} events carry no HMAC: written before the key was set, or where it must not be "
            "(a release is packed in training); the sealed events after them vouch for them"
        )
    elif unsealed and not audit_key():
        tell(
            f"{unsealed} of {len(events)} events carry no HMAC: anyone who can write the registry and every kept head "
            "could rewrite the whole chain undetected. next: set GATELINE_AUDIT_KEY"
        )


def _export(path: Path, events: list[Event], findings: list[Finding]) -> None:
    body = {
        "verified": not findings,
        "findings": [finding.reason for finding in findings],
        "events": [event.model_dump(mode="json") for event in events],
    }
    place({path: in_json(json.dumps(body, indent=2, ensure_ascii=False))})
    tell(f"exported {len(events)} events to {path}")


def compared(settings: Settings, path: Path) -> dict[Head, datetime]:
    """Return the head in a file that `--keep` wrote, and when it was kept.

    Raises UsageError, and GateRefused for a file that was tampered with.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--against: {path} cannot be read: {error.strerror}", "invoke audit --keep=FILE writes one"
        ) from None
    note, key = heads.read(data, keys.public_keys(settings, Path(".")), settings.project.name, str(path))
    whose = f"signed by {key.name}" if key else "not signed"
    tell(f"compared with {path}: head {note.head.count} of {note.time}, {whose}")
    try:
        return {note.head: datetime.fromisoformat(note.time).astimezone(UTC)}
    except ValueError:
        raise GateRefused(f"{path} was kept at '{note.time}', which is no time", "name another file", rule="chain") from None


def write_head(settings: Settings, head: Head, path: Path) -> None:
    """Write the head, signed where there is a key to sign with."""
    able = bool(os.environ.get(keys.VARIABLE))
    counting = keys.public_keys(settings, Path("."))
    signer = keys.signer(keys.private_pem(), counting) if able else None
    note = heads.Note(project=settings.project.name, time=datetime.now(UTC).isoformat(timespec="seconds"), head=head)
    place({path: heads.written(note, signer)})
    refused = "; --against will refuse it" if counting else ""
    tell(f"kept head {head.count} in {path}, {'signed' if able else f'not signed ({keys.VARIABLE} is not set){refused}'}")
    tell(f"next: take it out of this machine's reach; later: invoke audit --against={shlex.quote(str(path))}")


def trace_back(settings: Settings, reference: str) -> list[str]:
    """Return an account, in lines, of one version or of what an environment runs: data, settings, commit and verdicts.

    Raises UsageError for an unknown one.
    """
    store = Store.of(settings)
    artifacts, releases = Artifacts(store), Releases(store).all()
    if reference in settings.environments:
        stable = Target.open(reference).engine.status().release_in(Slot.STABLE)
        if stable is None:
            raise UsageError(f"nothing runs in {reference}", f"invoke deploy --env={reference}")
        named: str | None = stable.artifact
    else:  # a release's name or digest is what `invoke status` and the answers of the service show
        named = next((release.artifact for release in releases if reference in (release.name, release.digest)), None)
    manifest = artifacts.manifest(named or artifacts.resolve(reference))
    period = f", {manifest.train_period[0]} to {manifest.train_period[1]}" if manifest.train_period else ""
    built = [release for release in releases if release.artifact == manifest.identity]
    lines = [
        manifest.version,
        f"  artifact   {manifest.identity}",
        f"  trained    {manifest.created} on {manifest.train_rows} rows{period}",
        f"  commit     {manifest.commit or 'none'}{' (with changes not committed)' if manifest.dirty else ''}",
    ]
    lines += [f"  {name:<10} {digest}" for name, digest in manifest.inputs.items()]
    lines += [f"  setting    {key} = {value}" for key, value in leaves(manifest.settings)]
    lines += [f"  metric     {name} {value:.4f}" for name, value in manifest.metrics.items()]
    lines += [f"  release    {one.digest} built {one.created}, commit {one.commit[:12]}" for one in built]
    for stage in JUDGING:
        for verdict in Verdicts(store).all(stage):
            if _is_about(verdict, manifest, {release.digest for release in built}):
                where = f" in {verdict.judged['environment']}" if "environment" in verdict.judged else ""
                lines.append(f"  verdict    {stage}{where}: {verdict.outcome} at {verdict.created}")
    return lines


def _is_about(verdict: Verdict, manifest: Manifest, releases: set[str]) -> bool:
    """What a verdict only compared its subject with (the champion, stable) is not what it is about."""
    judged = verdict.judged
    if judges(verdict.stage) == "data":
        return bool({judged.get("train"), judged.get("test")} & {manifest.inputs["train"], manifest.inputs["test"]})
    return judged.get("artifact") == manifest.identity or judged.get("release") in releases
