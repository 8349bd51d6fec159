"""The whole site: what the registry, the audit log and the engines say, as pages alongside those of the stages."""

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.event import Event, Head
from gateline.contracts.files import PARTIAL
from gateline.contracts.manifest import Manifest
from gateline.registry.audit import AuditLog
from gateline.registry.store import Store
from gateline.report import write_site
from gateline.report.history import History, Past, Serving
from gateline.report.words import moment, plural
from gateline.settings import Settings
from gateline.settings.errors import GatelineError, UsageError, first_line
from infra.rollout.target import audit_key
from infra.site import past
from infra.site.changes import bring_up_to_date, changes, tenures
from infra.site.environments import environments, places

MARK = '<meta name="generator" content="gateline report">'


@dataclass(frozen=True)
class Log:
    """The audit log as far as it could be read, what verifying it said, and where it does not hold."""

    events: list[Event]
    said: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """The pages, the way in first, and what they could not tell."""

    pages: list[Path]
    missing: tuple[str, ...]


def write(settings: Settings, reports: Path, heads: tuple[Head, ...], faults: Sequence[str]) -> Written:
    """Write every page below `reports`.

    `heads` were kept with the environments and show a log that was cut; `faults` are heads that could not be read.
    """
    log = _log(settings, heads)
    if log.events:
        bring_up_to_date(log.events, reports)
    found = past.read(Store.of(settings))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    running = environments(settings, log.events, {release.digest for release in found.releases})
    history = History(
        project=settings.project.name,
        metric=settings.metrics.primary,
        written=now,
        releases=_releases(settings, found, log.events, places(running)),
        plots=past.trends(found, past.index(found), settings.metrics.primary),
        audit=log.said,
        faults=tuple(dict.fromkeys((*faults, *log.faults, *found.faults))),
    )
    pages = write_site(history, Serving(settings.project.name, now, running), reports)
    away = tuple(f"{place.name}: not reachable: {place.unreachable}" for place in running if place.unreachable)
    return Written(pages, (*away, *history.faults))


def _log(settings: Settings, heads: tuple[Head, ...]) -> Log:
    try:
        log = AuditLog(Store.of(settings), audit_key())
        events, findings = log.events(), log.verify(heads)
    except (GatelineError, OSError) as error:
        return Log([], "The audit log cannot be read.", (first_line(error),))
    if findings:
        return Log(events, "The audit log does not hold.", tuple(finding.reason for finding in findings))
    if not events:
        return Log([], "The audit log is empty.")
    return Log(events, f"The audit log holds: {plural(len(events), 'event')}, each follows the one before.")


def _releases(
    settings: Settings, found: past.Registry, events: list[Event], running: dict[str, list[str]]
) -> tuple[Past, ...]:
    done, held, index = changes(events), tenures(events), past.index(found)
    listed = []
    for release in reversed(found.releases):
        manifest = found.manifests.get(release.artifact)
        own = (tenure for tenure in held if tenure.release == release.digest and tenure.until)
        listed.append(
            Past(
                digest=release.digest,
                name=release.name,
                version=release.version,
                artifact=release.artifact,
                commit=release.commit,
                created=release.created,
                primary=manifest.metrics.get(settings.metrics.primary) if manifest else None,
                trained=_trained(manifest) if manifest else "",
                judgements=tuple(past.judgements(found, release, index)),
                # An event that waited for the registry is chained late; its time is when it happened.
                changes=tuple(sorted(done.get(release.digest, []), key=lambda change: change.time)),
                now=tuple(running.get(release.digest, ())),
                before=tuple(f"{tenure.environment} until {moment(tenure.until)}" for tenure in own),
                quarantine=found.quarantine.get(release.digest),
            )
        )
    return tuple(listed)


def _trained(manifest: Manifest) -> str:
    period = f" of {' to '.join(map(moment, manifest.train_period))}" if manifest.train_period else ""
    return f"trained {moment(manifest.created)} on {plural(manifest.train_rows, 'row')}{period}"


def publish(reports: Path, target: Path) -> Path:
    """Copy the reports into `target` and return it; an earlier copy there is replaced.

    Raises UsageError for a folder that holds something else, or that is inside the reports.
    """
    if target.resolve() == reports.resolve() or reports.resolve() in target.resolve().parents:
        raise UsageError(f"--output: {target} is in {reports} itself", "name a folder outside of it")
    if target.exists() and not (target.is_dir() and (not any(target.iterdir()) or _is_copy(target))):
        raise UsageError(
            f"--output: {target} is there already and is no earlier copy of the site", "name a new or an empty folder"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    beside, before = (target.parent / f"{PARTIAL}{uuid.uuid4().hex}" for _ in range(2))
    try:
        shutil.copytree(reports, beside, ignore=shutil.ignore_patterns(f"{PARTIAL}*"))
        if target.exists():
            target.rename(before)
        beside.rename(target)
    finally:
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)
    return target


def _is_copy(target: Path) -> bool:
    try:
        return MARK in (target / "index.html").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
