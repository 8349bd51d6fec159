"""Rollback: undo the last change with the engine alone; the registry is told when it can be reached."""

from dataclasses import dataclass

from gateline.contracts.event import ROLLED_BACK
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.settings.errors import GateRefused, UsageError, did_you_mean
from infra.engines.contract import Running
from infra.releases.signing.provenance import Unsigned
from infra.releases.signing.trust import LET_IN
from infra.rollout.last_change import Wish, end_now, keep_last_change
from infra.rollout.notify import notify
from infra.rollout.phases import begin, discard, settle_back, smoke, switch
from infra.rollout.recovery import catch_up, recover
from infra.rollout.target import Target


@dataclass(frozen=True)
class Plan:
    """What a rollback would do: leave one release for another, from a warm slot or from the host's disk."""

    leave: Release
    back_to: Release
    slot: Slot
    """The slot that will have all traffic: stable when a canary is discarded, previous otherwise."""
    warm: bool
    passed_over: tuple[str, ...] = ()
    """Nearer releases that cannot be trusted any more, each with the reason."""
    by_digest: bool = False
    """Whether no key vouches for it, and somebody gave its whole digest by hand."""


@dataclass(frozen=True)
class Already:
    """What was asked for is done: somebody else did it, or a rollback that was killed has been finished now."""

    serves: Release
    why: str


def plan(target: Target, running: Running, to: str = "", leave: str = "") -> Plan:
    """Say what a rollback would do of what is `running`, and of the release `leave` (a digest) where that is given.

    It goes to the newest earlier release that is as it was let in. Raises UsageError where there is nothing to go back to, and
    GateRefused where none of it can be trusted.
    """
    stable, canary = running.release_in(Slot.STABLE), running.release_in(Slot.CANARY)
    if stable is None:
        raise target.nothing_runs()
    if canary is not None and not to and leave in ("", canary.digest):
        return Plan(leave=canary, back_to=stable, slot=Slot.STABLE, warm=True)
    earlier = candidates(target, stable)
    if not earlier and not to:
        raise UsageError(
            f"{stable.name} is the first release of {target.name}, or all before it are quarantined: nothing to go back to",
            f"invoke canary --env={target.name} brings in another release; --list shows those that were here",
        )
    previous = running.release_in(Slot.PREVIOUS)
    warm = previous.digest if previous is not None else ""
    if to:
        chosen = _named(earlier, to)
        by_digest = _only_by_digest(target, chosen, warm, to)
        return Plan(leave=stable, back_to=chosen, slot=Slot.PREVIOUS, warm=chosen.digest == warm, by_digest=by_digest)
    passed_over: list[str] = []
    for chosen in earlier:
        try:
            target.engine.verify(chosen, running=chosen.digest == warm)
        except (GateRefused, UsageError) as error:
            passed_over.append(f"{chosen.name}: {error.message}")
            continue
        return Plan(stable, chosen, Slot.PREVIOUS, warm=chosen.digest == warm, passed_over=tuple(passed_over))
    raise GateRefused(
        f"no earlier release can be trusted, so {stable.name} serves on: {'; '.join(passed_over)}",
        f"bring in another one: invoke canary --env={target.name}; or, where a signature alone is missing, name one by its "
        f"whole digest: invoke rollback --env={target.name} --to={earlier[0].digest}",
    )


def _only_by_digest(target: Target, chosen: Release, warm: str, to: str) -> bool:
    """Verify a release that was named; return whether no key vouches for it, which only its whole digest makes up for."""
    try:
        target.engine.verify(chosen, running=chosen.digest == warm)
    except Unsigned as error:
        if to != chosen.digest:
            give = f"if you know that it is good, give its whole digest (recorded so): --to={chosen.digest}"
            raise Unsigned(error.reason, give, rule="signature") from None
        return True
    return False


def candidates(target: Target, stable: Release | None) -> list[Release]:
    """Return the releases that were stable before `stable`, still on the host and not quarantined, newest first."""
    history = target.engine.history()
    kept = {release.digest: release for release in target.engine.kept()}
    here = stable.digest if stable else ""
    earlier = history[: history.index(here)] if here in history else history
    return [kept[digest] for digest in reversed(earlier) if digest in kept and not target.quarantine.on_host(digest)]


def rollback(
    target: Target, *, to: str = "", reason: str = "by hand", from_laptop: bool = False, wish: Wish | None = None
) -> Plan | Already:
    """Put all traffic on the release before, and quarantine the one that is left.

    `wish` is what the caller saw serving before it waited for the environment; what was left since is not left again.
    """
    target.refuse_from_laptop(from_laptop)
    wish = wish or Wish.of(target)
    running, finished = recover(target, tell=False)
    already = _already(target, running, to, wish, finished)
    if already is not None:
        catch_up(target, already.serves)
        return already
    chosen = plan(target, running, to, wish.leave)
    facts = {
        "release": chosen.leave.model_dump(mode="json"),
        "back_to": chosen.back_to.digest,
        "reason": reason,
        "from_laptop": from_laptop,
        "rehearsal": target.rehearsal,
    }
    if chosen.passed_over:
        facts["passed_over"] = list(chosen.passed_over)
        target.say("passed over", "yellow", f": {'; '.join(chosen.passed_over)}")
    if chosen.by_digest:
        facts["by_digest"] = True
        why = f"no key vouches for it: somebody named its digest in a rollback ({reason})"
        target.engine.notes.write(LET_IN + chosen.back_to.digest, why)
    with target.recorder.change("rollback", chosen.leave.digest, urgent=True, **facts) as change:
        carry_out(target, chosen, reason)
        change.type = ROLLED_BACK
    catch_up(target, chosen.back_to)
    notify(target.settings.notify, "rollback", target.name, facts, target.say)
    end_now(target)
    return chosen


def _already(target: Target, running: Running, to: str, wish: Wish, finished: str) -> Already | None:
    """Return why nothing is left to do, or None. A release that is named is wanted, no matter what others did meanwhile."""
    stable = running.release_in(Slot.STABLE)
    if stable is None:
        return None
    if to:
        return Already(stable, "it serves already") if _is(stable, to) else None
    if finished:
        return Already(stable, "the rollback that was left unfinished is finished now")
    if wish.left_since(target, running):
        return Already(stable, "what served when this command was given was left meanwhile")
    return None


def carry_out(target: Target, chosen: Plan, reason: str) -> None:
    """Move the traffic first; everything else comes after."""
    begin(target, "rollback", chosen.leave, reason)
    serves = chosen.back_to
    if chosen.slot is Slot.STABLE:
        discard(target, chosen.leave.digest, reason)
    else:
        if not chosen.warm:
            _warm_up(target, chosen.back_to)
        target.engine.wait_ready(Slot.PREVIOUS, target.environment.ready_seconds)
        switch(target, Slot.PREVIOUS)
        serves = settle_back(target, chosen.leave.digest, reason)
    keep_last_change(target, "rollback", chosen.leave.digest, serves.digest)
    target.journal.clear()


def _warm_up(target: Target, release: Release) -> None:
    """Start an earlier release in the slot `previous`. If it does not come up, stable serves on, and nothing is left of it."""
    target.journal.phase("start")
    try:
        target.engine.stop(Slot.PREVIOUS)
        target.engine.start(Slot.PREVIOUS, release, target.environment.replicas)
        target.engine.wait_ready(Slot.PREVIOUS, target.environment.ready_seconds)
        smoke(target, Slot.PREVIOUS)
    except BaseException:
        target.engine.stop(Slot.PREVIOUS)
        target.journal.clear()
        raise


def _is(release: Release, to: str) -> bool:
    return to in (release.version, release.name) or (len(to) >= 8 and release.digest.startswith(to))


def _named(earlier: list[Release], to: str) -> Release:
    for release in earlier:
        if _is(release, to):
            return release
    names = [release.name for release in earlier]
    raise UsageError(
        f"no earlier release '{to}' can be rolled back to{did_you_mean(to, names)}",
        f"one of: {', '.join(names) or 'none'}",
    )
