"""Whether a release may enter an environment at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.markup import escape

from contracts.release import Release
from contracts.verdict import Outcome, Verdict
from infra.rollout.target import Target
from settings.errors import GateRefused, Inconclusive

DATA = ("train", "test", "schema")
"""The inputs of an artifact that `validate_data` judges."""


@dataclass(frozen=True)
class Admitted:
    """The verdicts a release was let in by; `unjudged` where someone chose to do without."""

    verdicts: dict[str, str]
    unjudged: bool = False


def admit(target: Target, release: Release, *, unjudged: bool = False, release_quarantine: bool = False) -> Admitted:
    """Let a release in, or refuse it: quarantine first, then the stages that the environment requires.

    Raises GateRefused for a quarantined or failed release, Inconclusive where a required verdict is missing or cannot know.
    """
    reason = target.quarantine.reason(release.digest)
    if reason is not None and not release_quarantine:
        raise GateRefused(
            f"quarantine: {release.name} was left by a rollback ({reason})",
            "deploy another release, or add --release-quarantine if you know that it is good",
        )
    seen = dict(_verdicts(target, release))
    if not unjudged:
        for stage, verdict in seen.items():
            _require(stage, verdict, release)
    if reason is not None:
        target.quarantine.lift(release.digest)
        target.say(
            f"[yellow]{release.name} is taken out of quarantine[/yellow] (it was there because: {escape(reason)})"
        )
    return Admitted({stage: verdict.outcome if verdict else "missing" for stage, verdict in seen.items()}, unjudged)


def _verdicts(target: Target, release: Release) -> Iterator[tuple[str, Verdict | None]]:
    for stage in target.environment.requires:
        subject = _subject(target, release, stage)
        fitting = [verdict for verdict in target.verdicts.all(stage) if subject.items() <= verdict.judged.items()]
        yield stage, fitting[-1] if fitting else None


def _subject(target: Target, release: Release, stage: str) -> dict[str, str]:
    """Return the digests that a stage's verdict must be about: data, the artifact, or the release itself and its image."""
    if stage == "validate_data":
        inputs = target.artifacts.manifest(release.artifact).inputs
        return {name: inputs[name] for name in DATA}
    if stage == "validate_model":
        return {"artifact": release.artifact}
    images = target.releases.images(release.digest) if target.environment.engine == "docker" else []
    return {"release": release.digest} | {"image": image.id for image in images[:1]}


def _require(stage: str, verdict: Verdict | None, release: Release) -> None:
    if verdict is None:
        raise Inconclusive(
            f"{stage}: {release.name} has not been judged", f"run `nox -s {stage}`, or add --unjudged (recorded so)"
        )
    if verdict.outcome is Outcome.PASS:
        return
    reasons = [rule.reason for rule in verdict.failed] or [f"not judged: {', '.join(verdict.not_judged) or 'nothing'}"]
    kind = GateRefused if verdict.outcome is Outcome.FAIL else Inconclusive
    raise kind(
        f"{stage}: {release.name} has the verdict {verdict.outcome}: {reasons[0]}", f"see reports/{stage}/index.html"
    )
