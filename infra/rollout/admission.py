"""Whether a release may enter an environment at all, and what the environment keeps to know its releases by.

What is kept is renewed from settings and registry by the commands that may use both; later starts ask no registry.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.digest import short
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Outcome, Verdict
from gateline.registry.artifacts import CANDIDATE
from gateline.registry.releases import Releases, Signatures
from gateline.settings.errors import GateRefused, Inconclusive, UsageError
from infra.engines.contract import Running
from infra.releases.signing.checking import Claim
from infra.releases.signing.checking import require as require_signed
from infra.releases.signing.keys import PublicKey, public_keys
from infra.releases.signing.provenance import Unsigned, vouched
from infra.releases.signing.trust import KEYS, LET_IN, SIGNED, Trust, keys_note
from infra.rollout.last_change import last_change
from infra.rollout.evidence import newest
from infra.rollout.recorder import UNREACHABLE
from infra.rollout.target import Target

MODEL_STAGE = "validate_model"
COMPARED = "noninferiority"
"""The rule of that stage that compares."""
BEFORE = "no key vouches for it: it served here before signing was on"


@dataclass(frozen=True)
class Admitted:
    """The verdicts a release was let in by; `unjudged` where someone chose to do without."""

    verdicts: dict[str, str]
    unjudged: bool = False
    lifts: bool = False
    """Whether it is in quarantine, and leaves it once it serves."""


def admit(
    target: Target, release: Release, running: Running, *,
    unjudged: bool = False, lift_quarantine: bool = False, by_digest: bool = False,
) -> Admitted:  # fmt: skip
    """Let a release in, or refuse it: quarantine first, then the stages that the environment requires, then signatures.

    Who vouches for it is kept with the environment: later starts ask no registry. `by_digest`: somebody gave its whole digest,
    so that it may be older than what serves.

    Raises GateRefused for a quarantined, failed or unsigned release, Inconclusive where a required verdict is missing or
    cannot know.
    """
    lifts = target.quarantine.admit(release, lift_quarantine)
    in_containers = target.environment.runs_containers
    seen: dict[str, Verdict | None] = {
        stage: newest(target.store, release, stage, in_containers) for stage in target.environment.requires
    }
    if not unjudged:
        _require_all(target, seen, release)
        _require_compared(target, seen.get(MODEL_STAGE), release, running.release_in(Slot.STABLE))
    require_signed(Claim(target.settings, Path("."), target.store, release, {} if unjudged else seen))
    keep(target, running, release)
    if not by_digest:
        refuse_older(target, release, running.release_in(Slot.STABLE))
    outcomes = {stage: verdict.outcome if verdict else "missing" for stage, verdict in seen.items()}
    return Admitted(outcomes, unjudged, lifts)


def _require_all(target: Target, seen: Mapping[str, Verdict | None], release: Release) -> None:
    for stage, verdict in seen.items():
        if verdict is None or verdict.outcome is Outcome.PASS:
            continue
        open_rules = ", ".join(verdict.not_judged) or "nothing"
        reason = verdict.failed[0].reason if verdict.failed else f"not judged: {open_rules}"
        kind = GateRefused if verdict.outcome is Outcome.FAIL else Inconclusive
        raise kind(
            f"{stage}: {release.name} has the verdict {verdict.outcome}: {reason}", f"see reports/{stage}/index.html"
        )
    missing = [stage for stage, verdict in seen.items() if verdict is None]
    if missing:
        raise Inconclusive(
            f"{', '.join(missing)}: {release.name} has not been judged",
            f"judge it: {_judge_it(target, missing, release)}; or add --unjudged (recorded so)",
        )


def _require_compared(target: Target, verdict: Verdict | None, release: Release, stable: Release | None) -> None:
    """Raise Inconclusive where a release was compared with something else than what served in production then, or nothing.

    Which model is the champion, the gate learns from an alias of the registry, which others may write or lose. The environment
    knows what serves. A verdict from before it served stands: it was compared with what served then.
    """
    if verdict is None or not any(rule.name == COMPARED for rule in verdict.rules):
        return
    last, champion = last_change(target), verdict.judged.get("champion")
    if stable is None or last is None or champion is None or not target.is_production or target.rehearsal:
        return
    if stable.artifact in (champion, release.artifact):
        return
    since = datetime.fromtimestamp(last.moved.wall, UTC)
    with suppress(ValueError, TypeError):  # one that says no time is not older
        if datetime.fromisoformat(verdict.created) < since:
            return
    other = "no model" if champion == "none" else f"model {short(champion)}"
    raise Inconclusive(
        f"{MODEL_STAGE}: {release.name} was compared with {other} as the champion, though {stable.name} "
        f"({short(stable.artifact)}) has served in {target.name} since {since:%Y-%m-%d %H:%M:%S} UTC: "
        "the registry's alias was changed or lost",
        f"the alias names what serves again; judge it again: {_judge_it(target, [MODEL_STAGE], release)}; "
        "or add --unjudged (recorded so)",
    )


def _judge_it(target: Target, missing: Sequence[str], release: Release) -> str:
    """Return the commands that judge this release: by themselves, stages judge the candidate, or the release built last."""
    built_last = Releases(target.store).is_chosen(release.digest)
    commands = [] if built_last else [f"invoke build --model={release.version}"]
    if MODEL_STAGE in missing and target.artifacts.alias(CANDIDATE) != release.artifact:
        missing = [stage for stage in missing if stage != MODEL_STAGE]
        commands.append(f"nox -s {MODEL_STAGE} -- --model {release.version}")
    return ", then ".join(commands + ([f"nox -s {' '.join(missing)}"] if missing else []))


def keep(target: Target, running: Running, brought: Release | None = None) -> None:
    """Keep with the environment the keys of the settings, and the statements of the releases that they vouch for.

    Of the releases on the host, those that serve when the first key is kept may go on without a statement. One that no key
    of the settings vouches for any more is named: it serves on, and is not started again.
    """
    trust, keys = Trust(target.engine.notes), public_keys(target.settings, Path("."))
    was = target.engine.notes.read(KEYS)
    now = keys_note(keys) if keys else None
    serving = {slot.release.digest: slot.release for slot in running.slots.values()}
    changes: dict[str, str | None] = {} if now == was else {KEYS: now}
    if keys:
        known = {release.digest: release for release in target.engine.kept()} | serving if changes else serving
        for release in (known | ({brought.digest: brought} if brought else {})).values():
            changes |= _statement(target, trust, keys, release, first=was is None and release.digest in serving)
    target.engine.notes.update(changes)
    for slot in running.slots.values():
        try:
            trust.require(slot.release)
        except Unsigned as error:
            lives = any(replica.alive for replica in slot.replicas)
            goes_on = "serves on, and is not started again" if lives else "is not started"
            target.say(f"{slot.release.name} {goes_on}", "yellow", f": {error.reason}; next: {error.next_step}")


def _statement(
    target: Target, trust: Trust, keys: list[PublicKey], release: Release, first: bool
) -> dict[str, str]:
    """Return the note to keep of a release; none where there is a good one. `first`: it may do without."""
    if _holds(trust.statement(release.digest), keys, release) or trust.let_in(release.digest):
        return {}
    sealed = None
    try:
        sealed = Signatures(target.store).release(release.digest)
    except UNREACHABLE as error:
        target.say_unreachable(error, f"no statement of {release.name} was kept")
    if sealed is not None and _holds(sealed, keys, release):
        return {SIGNED + release.digest: sealed.decode()}
    return {LET_IN + release.digest: BEFORE} if first else {}


def _holds(sealed: bytes | None, keys: list[PublicKey], release: Release) -> bool:
    try:
        vouched(sealed, keys, release)
        return True
    except Unsigned:
        return False


def refuse_older(target: Target, release: Release, stable: Release | None) -> None:
    """Raise GateRefused where a release was built before the signed one that serves.

    Which one is the newest the registry alone says, and anyone who writes there could let an old fault serve again, duly
    signed.
    """
    trust = Trust(target.engine.notes)
    built, before = trust.built(release), trust.built(stable) if stable is not None else ""
    if stable is None or not built < before:
        return
    raise GateRefused(
        f"{release.name} was built {built}, before what serves, {stable.name} ({before})",
        f"if that is meant, give its whole digest (recorded so): --release={release.digest}", rule="signature",
    )


def fix(target: Target, running: Running) -> None:
    """Unpack again what is to be started and was changed on the host. Raises GateRefused where stable cannot be started so."""
    for slot, status in running.slots.items():
        if all(replica.alive for replica in status.replicas):
            continue
        try:
            _unpack_again(target, status.release)
        except (GateRefused, UsageError) as error:
            if slot is Slot.STABLE:
                raise
            target.say(f"slot {slot} is not started", "yellow", f": {error.message}")


def _unpack_again(target: Target, release: Release) -> None:
    try:
        target.engine.verify(release)
    except Unsigned:
        raise
    except (GateRefused, UsageError) as error:
        try:
            archive = target.releases.archive(release.digest)
        except UNREACHABLE as gone:
            target.say_unreachable(gone, f"{release.name} cannot be brought here again")
            raise error from None
        target.say("bringing it here again", "yellow", f": {error.message}")
        target.engine.fetch(release, archive)
        target.engine.verify(release)
