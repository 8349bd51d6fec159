"""The releases of a registry with their verdicts, and plots over them; what cannot be read is said, and stops nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateline.contracts.manifest import Manifest
from gateline.contracts.release import Release
from gateline.contracts.verdict import Plot, Series, Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.report import words
from gateline.report.history import COLUMNS, Judgement
from gateline.report.words import WORDS, plural
from gateline.settings.errors import GatelineError, GateRefused, first_line
from infra.rollout.evidence import subject, subject_key

SHOWN = 40
"""Releases along an axis: more would not be read."""
CANARIES = 10


@dataclass
class Registry:
    """What was read of a registry: releases oldest first, manifests by identity, verdicts that count by stage."""

    releases: list[Release] = field(default_factory=list)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    quarantine: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read(store: Store) -> Registry:
    """Read everything that the pages tell of releases; one that cannot be reached ends the reading, and that is told."""
    found = Registry()
    releases, verdicts = Releases(store), Verdicts(store)
    try:
        for name in store.names("releases"):
            if name.endswith(".json"):
                _add(found, releases, Artifacts(store), name.removesuffix(".json"))
        found.releases.sort(key=lambda release: release.created)
        for digest in store.names("quarantine"):
            found.quarantine[digest] = releases.quarantined(digest) or ""
        for stage in COLUMNS:
            found.verdicts[stage] = verdicts.counting(stage)
    except (GatelineError, OSError) as error:
        found.faults.append(first_line(error))
    return found


def _add(found: Registry, releases: Releases, artifacts: Artifacts, digest: str) -> None:
    """A spoilt record must not hide the others."""
    try:
        release = releases.get(digest)
        found.releases.append(release)
        if release.artifact not in found.manifests:
            found.manifests[release.artifact] = artifacts.manifest(release.artifact)
    except (GateRefused, FileNotFoundError) as error:
        found.faults.append(first_line(error))


def index(found: Registry) -> dict[tuple[str, str], list[Verdict]]:
    """Return the verdicts by stage and by what they are about, oldest first."""
    by: dict[tuple[str, str], list[Verdict]] = {}
    for stage, verdicts in found.verdicts.items():
        for verdict in verdicts:
            by.setdefault((stage, subject_key(stage, verdict.judged)), []).append(verdict)
    return by


def judgements(found: Registry, release: Release, index: Mapping[tuple[str, str], list[Verdict]]) -> list[Judgement]:
    """Return the newest verdict of each stage and environment on a release, in the order of the pipeline."""
    manifest = found.manifests.get(release.artifact)
    inputs = manifest.inputs if manifest else {}
    listed: list[Judgement] = []
    for stage in COLUMNS:
        about = subject_key(stage, subject(stage, release, inputs))
        newest = {verdict.judged.get("environment", ""): verdict for verdict in index.get((stage, about), ())}
        listed += [
            Judgement(
                stage=verdict.stage,
                outcome=verdict.outcome,
                reason=words.headline(verdict),
                created=verdict.created,
                environment=environment,
                rehearsal=verdict.rehearsal,
                metrics=verdict.metrics,
            )
            for environment, verdict in newest.items()
        ]
    return listed


def trends(found: Registry, index: Mapping[tuple[str, str], list[Verdict]], metric: str) -> tuple[Plot, ...]:
    """Return the plots for which there is something to draw; releases stand from old to new, the newest 40."""
    shown = found.releases[-SHOWN:]

    def newest(stage: str, subjects: Iterable[str]) -> list[Verdict | None]:
        listed = (index.get((stage, subject)) for subject in subjects)
        return [verdicts[-1] if verdicts else None for verdicts in listed]

    model = newest("validate_model", (release.artifact for release in shown))
    load, live = (newest(stage, (release.digest for release in shown)) for stage in ("benchmark", "canary"))
    measured = [verdict.metrics.get(metric) if verdict else None for verdict in model]
    drawn = (
        _over(shown, f"{metric} on the test rows", metric, measured, _figures(model, "limit", "limits", metric)),
        _over(shown, "Latency under load, p95", "ms", _figures(load, "observed", "p95"), _figures(load, "limit", "p95")),
        _over(
            shown, "Canary: time taken, against stable's", "ratio",
            _figures(live, "observed", "latency"), _figures(live, "limit", "latency"),
        ),
        canaries(found),
    )  # fmt: skip
    return tuple(plot for plot in drawn if plot is not None)


def canaries(found: Registry) -> Plot | None:
    """Return the table of canaries, newest first: which release, what came of it, when, in what time, on how many requests."""
    verdicts = found.verdicts.get("canary", [])
    if not verdicts:
        return None
    older = len(verdicts) - CANARIES
    return Plot(
        title="Canaries, newest first",
        kind="table",
        columns=("release", "outcome", "judged", "seconds", "requests"),
        cells=tuple(_row(verdict) for verdict in verdicts[: -CANARIES - 1 : -1]),
        note=f"{plural(older, 'older one')} not shown; each stands on its release's page." if older > 0 else "",
    )


def _row(verdict: Verdict) -> tuple[float | str, ...]:
    digest = verdict.judged.get("release", "")
    return (
        digest[:8],
        WORDS[verdict.outcome],
        verdict.created[:16].replace("T", " "),
        round(verdict.metrics["seconds"]) if "seconds" in verdict.metrics else "–",
        verdict.metrics.get("canary_requests", "–"),
    )


def _over(
    shown: Sequence[Release], title: str, unit: str, values: Iterable[float | None], limits: Iterable[float | None]
) -> Plot | None:
    """Releases without such a verdict have no place along the axis: a line across them would be a guess."""
    judged = [row for row in zip(shown, values, limits, strict=True) if row[1] is not None]
    if not judged:
        return None
    names = tuple(release.digest[:8] for release, _, _ in judged)
    series = [Series(name="release", x=names, y=tuple(value for _, value, _ in judged))]
    allowed = tuple(limit for _, _, limit in judged)
    if any(limit is not None for limit in allowed):
        series.append(Series(name="limit", x=names, y=allowed))
    left_out = len(shown) - len(judged)
    note = f"{left_out} of {len(shown)} releases have no such verdict and are left out." if left_out else ""
    return Plot(title=title, kind="line", x_label="release, old to new", y_label=unit, series=tuple(series), note=note)


def _figures(verdicts: Iterable[Verdict | None], field: str, name: str, subject: str = "") -> list[float | None]:
    """Return a number, `observed` or `limit`, of one rule of each verdict."""
    found = list[float | None]()
    for verdict in verdicts:
        rules = verdict.rules if verdict else ()
        rule = next((rule for rule in rules if rule.name == name and rule.subject == subject), None)
        value = getattr(rule, field, None)
        found.append(float(value) if isinstance(value, int | float) else None)
    return found
