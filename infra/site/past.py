"""The releases of a registry with their verdicts; what cannot be read is said, and stops nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateline.contracts.manifest import Manifest
from gateline.contracts.release import Release
from gateline.contracts.verdict import Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.report import words
from gateline.report.history import COLUMNS, Judgement
from gateline.settings.errors import GatelineError, GateRefused, first_line
from gateline.stages import judges

DATA = ("train", "test", "schema")


@dataclass
class Registry:
    """What was read of a registry: releases oldest first, manifests by identity, verdicts that count by stage."""

    releases: list[Release] = field(default_factory=list)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    quarantine: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read(store: Store) -> Registry:
    """Read everything that the pages tell of releases."""
    found = Registry()
    try:
        _fill(found, store)
    except (GatelineError, OSError) as error:
        found.faults.append(first_line(error))
    return found


def _fill(found: Registry, store: Store) -> None:
    releases, artifacts, verdicts = Releases(store), Artifacts(store), Verdicts(store)
    for name in store.names("releases"):
        if name.endswith(".json"):
            _add(found, releases, artifacts, name.removesuffix(".json"))
    found.releases.sort(key=lambda release: release.created)
    for digest in store.names("quarantine"):
        found.quarantine[digest] = releases.quarantined(digest) or ""
    for stage in COLUMNS:
        found.verdicts[stage] = verdicts.counting(stage)


def _add(found: Registry, releases: Releases, artifacts: Artifacts, digest: str) -> None:
    """A spoilt record must not hide the others; a registry that cannot be reached ends the reading."""
    try:
        release = releases.get(digest)
        found.releases.append(release)
        if release.artifact not in found.manifests:
            found.manifests[release.artifact] = artifacts.manifest(release.artifact)
    except (GateRefused, FileNotFoundError) as error:
        found.faults.append(first_line(error))


def judgements(found: Registry, release: Release, index: Mapping[tuple[str, str], list[Verdict]]) -> list[Judgement]:
    """Return the newest verdict of each stage and environment on a release, in the order of the line."""
    manifest = found.manifests.get(release.artifact)
    listed: list[Judgement] = []
    for stage in COLUMNS:
        subject = _subject(stage, release, manifest)
        newest = {verdict.judged.get("environment", ""): verdict for verdict in index.get((stage, subject), ())}
        listed += [_judgement(verdict) for verdict in newest.values()]
    return listed


def index(found: Registry) -> dict[tuple[str, str], list[Verdict]]:
    """Return the verdicts by stage and by what they are about, oldest first."""
    by: dict[tuple[str, str], list[Verdict]] = {}
    for stage, verdicts in found.verdicts.items():
        for verdict in verdicts:
            by.setdefault((stage, _about(verdict)), []).append(verdict)
    return by


def _about(verdict: Verdict) -> str:
    """What a verdict only compared its subject with (the champion, stable) is not what it is about."""
    if judges(verdict.stage) == "data":
        return " ".join(verdict.judged.get(name, "") for name in DATA)
    return verdict.judged.get(judges(verdict.stage), "")


def _subject(stage: str, release: Release, manifest: Manifest | None) -> str:
    if judges(stage) == "data":
        return " ".join(manifest.inputs.get(name, "") for name in DATA) if manifest else "unknown"
    return release.artifact if judges(stage) == "artifact" else release.digest


def _judgement(verdict: Verdict) -> Judgement:
    return Judgement(
        stage=verdict.stage,
        outcome=verdict.outcome,
        reason=words.headline(verdict),
        created=verdict.created,
        environment=verdict.judged.get("environment", ""),
        rehearsal=verdict.rehearsal,
        metrics=verdict.metrics,
    )
