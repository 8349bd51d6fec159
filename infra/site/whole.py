"""The whole site: what the registry, the audit log and the engines say, as pages beside those of the stages."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.event import Event, Head
from gateline.contracts.files import PARTIAL
from gateline.contracts.release import Release
from gateline.registry.audit import AuditLog
from gateline.registry.store import Store
from gateline.report import write_site
from gateline.report.history import Change, History, Past, Serving
from gateline.report.words import moment, plural
from gateline.settings import Settings
from gateline.settings.errors import GatelineError, UsageError, first_line
from infra.rollout.target import audit_key
from infra.site import past
from infra.site.changes import Tenure, changes, tenures
from infra.site.environments import environments, places
from infra.site.last_changes import bring_up_to_date
from infra.site.trends import trends

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
        plots=trends(found, past.index(found), settings.metrics.primary),
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
    return tuple(
        Past(
            digest=release.digest,
            name=release.name,
            version=release.version,
            artifact=release.artifact,
            commit=release.commit,
            created=release.created,
            primary=_primary(settings, found, release),
            trained=_trained(found, release),
            judgements=tuple(past.judgements(found, release, index)),
            changes=tuple(_in_time(done.get(release.digest, []))),
            now=tuple(running.get(release.digest, ())),
            before=tuple(_told(tenure) for tenure in held if tenure.release == release.digest and tenure.until),
            quarantine=found.quarantine.get(release.digest),
        )
        for release in reversed(found.releases)
    )


def _primary(settings: Settings, found: past.Registry, release: Release) -> float | None:
    manifest = found.manifests.get(release.artifact)
    return manifest.metrics.get(settings.metrics.primary) if manifest else None


def _trained(found: past.Registry, release: Release) -> str:
    manifest = found.manifests.get(release.artifact)
    if manifest is None:
        return ""
    period = f" of {' to '.join(map(moment, manifest.train_period))}" if manifest.train_period else ""
    return f"trained {moment(manifest.created)} on {plural(manifest.train_rows, 'row')}{period}"


def _in_time(listed: list[Change]) -> list[Change]:
    """An event that waited for the registry is chained late; its time is when it happened."""
    return sorted(listed, key=lambda change: change.time)


def _told(tenure: Tenure) -> str:
    return f"{tenure.environment} until {moment(tenure.until)}"


def publish(reports: Path, target: Path) -> Path:
    """Copy the reports into `target` and return it; an earlier copy there is replaced.

    Raises UsageError for a folder that holds something else, or that lies inside the reports.
    """
    _refuse(reports, target)
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


def _refuse(reports: Path, target: Path) -> None:
    if target.resolve() == reports.resolve() or reports.resolve() in target.resolve().parents:
        raise UsageError(f"--output: {target} lies in {reports} itself", "name a folder outside of it")
    if not target.exists():
        return
    if not target.is_dir() or (any(target.iterdir()) and not _is_copy(target)):
        raise UsageError(
            f"--output: {target} is there already and is no earlier copy of the site", "name a new or an empty folder"
        )


def _is_copy(target: Path) -> bool:
    try:
        return MARK in (target / "index.html").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
