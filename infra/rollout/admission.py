"""Whether a release may enter an environment at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.release import Release
from contracts.verdict import Outcome, Verdict
from infra.rollout.target import Target
from settings.errors import GateRefused, Inconclusive

ARTIFACT_STAGES = {"validate_model": "artifact"}
COMMANDS = {"validate_data": "nox -s validate_data", "security": "nox -s security"}


@dataclass(frozen=True)
class Admitted:
    """The verdicts a release was let in by; `unjudged` where someone chose to do without."""

    verdicts: dict[str, str]
    unjudged: bool = False


def admit(target: Target, release: Release, *, unjudged: bool = False, release_quarantine: bool = False) -> Admitted:
    """Let a release in, or refuse it: quarantine first, then the stages that the environment requires.

    Raises GateRefused for a quarantined or failed release, Inconclusive where a required verdict is missing or cannot know.
    """
    _pass_quarantine(target, release, release_quarantine)
    seen = dict(_verdicts(target, release))
    if not unjudged:
        for stage, verdict in seen.items():
            _require(stage, verdict, release)
    return Admitted({stage: verdict.outcome if verdict else "missing" for stage, verdict in seen.items()}, unjudged)


def _pass_quarantine(target: Target, release: Release, lift: bool) -> None:
    reason = target.quarantine.reason(release.digest)
    if reason is None:
        return
    if not lift:
        raise GateRefused(
            f"quarantine: {release.name} was left by a rollback ({reason})",
            "deploy another release, or add --release-quarantine if you know that it is good",
        )
    target.quarantine.lift(release.digest)
    target.say(f"[yellow]{release.name} is taken out of quarantine[/yellow] (it was there because: {reason})")


def _verdicts(target: Target, release: Release) -> Iterator[tuple[str, Verdict | None]]:
    for stage in target.environment.requires:
        about = ARTIFACT_STAGES.get(stage, "release")
        yield stage, target.verdicts.about(stage, about, release.artifact if about == "artifact" else release.digest)


def _require(stage: str, verdict: Verdict | None, release: Release) -> None:
    command = COMMANDS.get(stage, f"nox -s {stage}")
    if verdict is None:
        raise Inconclusive(
            f"{stage}: {release.name} has not been judged", f"run `{command}`, or add --unjudged (recorded so)"
        )
    if verdict.outcome is Outcome.PASS:
        return
    reasons = [rule.reason for rule in verdict.failed] or [f"not judged: {', '.join(verdict.not_judged) or 'nothing'}"]
    kind = GateRefused if verdict.outcome is Outcome.FAIL else Inconclusive
    raise kind(
        f"{stage}: {release.name} has the verdict {verdict.outcome}: {reasons[0]}", f"see reports/{stage}/index.html"
    )
