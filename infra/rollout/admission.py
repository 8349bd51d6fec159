"""Whether a release may enter an environment at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.digest import short
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Outcome, Verdict
from gateline.registry.artifacts import CANDIDATE
from gateline.registry.releases import Releases
from gateline.settings.errors import GateRefused, Inconclusive
from gateline.settings.shown import one_line
from infra.releases.signing.checking import Claim
from infra.releases.signing.checking import require as require_signed
from infra.rollout.earlier import last_change
from infra.rollout.evidence import newest
from infra.rollout.keeping import keep, refuse_older
from infra.rollout.target import Target

MODEL_STAGE = "validate_model"
COMPARED = "noninferiority"
"""The rule of that stage that compares."""


@dataclass(frozen=True)
class Admitted:
    """The verdicts a release was let in by; `unjudged` where someone chose to do without."""

    verdicts: dict[str, str]
    unjudged: bool = False
    lifts: bool = False
    """Whether it is in quarantine, and leaves it once it serves."""


def admit(
    target: Target, release: Release, *, unjudged: bool = False, lift_quarantine: bool = False, by_digest: bool = False
) -> Admitted:
    """Let a release in, or refuse it: quarantine first, then the stages that the environment requires, then signatures.

    Who vouches for it is kept with the environment: later starts ask no registry. `by_digest`: somebody gave its whole digest,
    so that it may be older than what serves.

    Raises GateRefused for a quarantined, failed or unsigned release, Inconclusive where a required verdict is missing or
    cannot know.
    """
    reason = target.quarantine.reason(release.digest)
    if reason is not None and not lift_quarantine:
        raise GateRefused(
            f"{release.name} was left by a rollback ({one_line(reason)})",
            "deploy another release, or add --lift-quarantine if you know that it is good", rule="quarantine",
        )
    in_containers = target.environment.runs_containers
    seen: dict[str, Verdict | None] = {
        stage: newest(target.store, release, stage, in_containers) for stage in target.environment.requires
    }
    if not unjudged:
        _require_all(target, seen, release)
        _require_compared(target, seen.get(MODEL_STAGE), release)
    require_signed(Claim(target.settings, Path("."), target.store, release, {} if unjudged else seen))
    keep(target, release)
    if not by_digest:
        refuse_older(target, release)
    outcomes = {stage: verdict.outcome if verdict else "missing" for stage, verdict in seen.items()}
    return Admitted(outcomes, unjudged, lifts=reason is not None)


def _require_all(target: Target, seen: Mapping[str, Verdict | None], release: Release) -> None:
    for stage, verdict in seen.items():
        if verdict is not None:
            _require(stage, verdict, release)
    missing = [stage for stage, verdict in seen.items() if verdict is None]
    if missing:
        raise Inconclusive(
            f"{', '.join(missing)}: {release.name} has not been judged",
            f"judge it: {_judge_it(target, missing, release)}; or add --unjudged (recorded so)",
        )


def _require_compared(target: Target, verdict: Verdict | None, release: Release) -> None:
    """Raise Inconclusive where a release was compared with something else than what served in production then, or nothing.

    Which model is the champion, the gate learns from an alias of the registry, which others may write or lose. The environment
    knows what serves. A verdict from before it served stands: it was compared with what served then.
    """
    if verdict is None or not any(rule.name == COMPARED for rule in verdict.rules):
        return
    stable, last = target.engine.status().release_in(Slot.STABLE), last_change(target)
    champion = verdict.judged.get("champion")
    if stable is None or last is None or champion is None or not target.is_production or target.rehearsal:
        return
    since = datetime.fromtimestamp(last.moved.wall, UTC)
    if champion == stable.artifact or release.artifact == stable.artifact or _is_before(verdict.created, since):
        return
    other = "no model" if champion == "none" else f"model {short(champion)}"
    raise Inconclusive(
        f"{MODEL_STAGE}: {release.name} was compared with {other} as the champion, though {stable.name} "
        f"({short(stable.artifact)}) has served in {target.name} since {since:%Y-%m-%d %H:%M:%S} UTC: "
        "the registry's alias was changed or lost",
        f"the alias names what serves again; judge it anew: {_judge_it(target, [MODEL_STAGE], release)}; "
        "or add --unjudged (recorded so)",
    )


def _is_before(time: str, moment: datetime) -> bool:
    """Say whether a verdict says that it is older; one that says no time is not."""
    try:
        return datetime.fromisoformat(time) < moment
    except (ValueError, TypeError):
        return False


def _judge_it(target: Target, missing: Sequence[str], release: Release) -> str:
    """Return the commands that judge this release: by themselves, stages judge the candidate, or the release built last."""
    built_last = Releases(target.store).is_chosen(release.digest)
    commands = [] if built_last else [f"invoke build --model={release.version}"]
    if MODEL_STAGE in missing and target.artifacts.alias(CANDIDATE) != release.artifact:
        missing = [stage for stage in missing if stage != MODEL_STAGE]
        commands.append(f"nox -s {MODEL_STAGE} -- --model {release.version}")
    return ", then ".join(commands + ([f"nox -s {' '.join(missing)}"] if missing else []))


def _require(stage: str, verdict: Verdict, release: Release) -> None:
    if verdict.outcome is Outcome.PASS:
        return
    reasons = [rule.reason for rule in verdict.failed] or [f"not judged: {', '.join(verdict.not_judged) or 'nothing'}"]
    kind = GateRefused if verdict.outcome is Outcome.FAIL else Inconclusive
    raise kind(
        f"{stage}: {release.name} has the verdict {verdict.outcome}: {reasons[0]}", f"see reports/{stage}/index.html"
    )
