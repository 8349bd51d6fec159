"""`invoke deploy`, `canary`, `promote`, `rollback`."""

import math
import os
from dataclasses import replace
from typing import NoReturn, Self

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot
from gateline.report.writing import escape
from gateline.settings.errors import ExitCode, GateRefused, UsageError
from gateline.settings.shown import tell, tell_message
from infra.rollout.canary import CanaryOptions, Ended
from infra.rollout.canary import canary as run_canary
from infra.rollout.canary import promote as run_promote
from infra.rollout.deploy import DeployOptions, start_champion
from infra.rollout.deploy import deploy as run_deploy
from infra.rollout.last_change import Moment, Wish
from infra.rollout.recovery import recover
from infra.rollout.rollback import Already, candidates, plan
from infra.rollout.rollback import rollback as run_rollback
from infra.rollout.ci_runner import refuse_longer_than_the_job
from infra.rollout.target import Target
from infra.rollout.watch import Step

TRAFFIC = ("real", "synthetic")


class Number(float):
    """A finite number, not negative; anything else ends the command with 2 and a sentence: invoke would show a traceback."""

    def __new__(cls, given: str | float) -> Self:
        """Read what was given. Raises SystemExit."""
        try:
            number = super().__new__(cls, given)
        except ValueError:
            _refuse(f"'{given}' is no number")
        if not math.isfinite(number) or number < 0:
            _refuse(f"{given} is no number from 0 up")
        return number


def _refuse(what: str) -> NoReturn:
    error = UsageError(what, "give a number like 30 or 0.5; the task's --help says what it counts")
    tell_message(f"error: {error}")
    raise SystemExit(ExitCode.USAGE)


NOT_GIVEN = Number(0.0)
MINUTE = Number(60.0)


def deploy(env: str, reference: str, options: DeployOptions, wait: float) -> int:
    """Bring a release to all traffic."""
    target = Target.open(env)
    refuse_longer_than_the_job(_setting(target, "soak_seconds"), target.environment.soak_seconds)
    release = target.named(reference)
    with target.exclusively("invoke deploy", wait):
        changed = run_deploy(target, release, replace(options, by_digest=reference == release.digest))
    if changed:
        return _say_serving(target, release, "deployed")
    target.say(f"{release.name} runs here already: nothing to deploy")
    return 0


def deploy_plan(env: str, reference: str) -> int:
    """Say what a deploy would do; nothing is changed."""
    target = Target.open(env)
    release, stable = target.named(reference), target.engine.status().release_in(Slot.STABLE)
    if stable is not None and stable.digest == release.digest:
        target.say(f"{release.name} runs here already: nothing to deploy")
        return 0
    replicas = target.environment.replicas
    if diff := target.engine.preview(release, replicas):
        tell(diff.rstrip())
    beside = f" beside {stable.name}" if stable else ""
    many = f"{replicas} replica{'s' if replicas > 1 else ''}"
    target.say(f"would start {release.name} ({many}){beside}, and give it all traffic; nothing was changed or judged")
    return 0


def canary(env: str, reference: str, options: CanaryOptions, wait: float, began: Moment | None = None) -> int:
    """Judge a release live; 0 promoted, 1 rolled back, 3 held."""
    if options.traffic not in TRAFFIC:
        raise UsageError(f"--traffic is '{options.traffic}'; allowed: {', '.join(TRAFFIC)}", "invoke canary --help")
    target = Target.open(env)
    wish = Wish.of(target, began or Moment.of_this_process())
    with target.exclusively("invoke canary", wait):
        running = recover(target).running
        held = running.release_in(Slot.CANARY) if options.resume else None
        release = held or target.named(reference)
        options = replace(options, by_digest=reference == release.digest)
        if running.release_in(Slot.STABLE) is None and target.rehearsal and start_champion(target, running):
            running = target.engine.status()
        stable = running.release_in(Slot.STABLE)
        if stable is None:
            target.say("no champion serves here: the first release is deployed without a canary, and recorded as such")
            allowed = DeployOptions(
                unjudged=options.unjudged,
                lift_quarantine=options.lift_quarantine,
                from_laptop=options.from_laptop,
                by_digest=options.by_digest,
            )
            run_deploy(target, release, allowed, running)
            return _say_serving(target, release, "deployed")
        longest = options.seconds or target.environment.canary_seconds
        refuse_longer_than_the_job("--seconds" if options.seconds else _setting(target, "canary_seconds"), longest)
        ended = run_canary(target, release, options, wish, running)
    if ended is None:
        target.say(f"{stable.name} is stable here already: nothing to judge")
        return 0
    return _report_canary(target, ended)


def _setting(target: Target, key: str) -> str:
    return f"environments.{target.name}.{key}"


def promote(env: str, from_laptop: bool, wait: float, began: Moment | None = None) -> int:
    """Finish a held canary; `began` is when the command was given: with its process, where that is not said."""
    target = Target.open(env)
    wish = Wish.of(target, began or Moment.of_this_process())
    with target.exclusively("invoke promote", wait):
        release = run_promote(target, from_laptop=from_laptop, wish=wish)
    if release is None:
        stable = target.engine.status().release_in(Slot.STABLE)
        target.say(f"{stable.name if stable else 'no release'} was promoted meanwhile: nothing to do")
        return 0
    return _say_serving(target, release, "promoted")


def rollback(
    env: str, to: str, reason: str, from_laptop: bool, wait: float, asked: str = "", began: Moment | None = None
) -> int:
    """Go back; `asked` (a date and time) is when somebody asked for it elsewhere, `began` as in `promote`."""
    target = Target.open(env)
    wish = Wish.of(target, Moment.parse(asked) if asked else began or Moment.of_this_process())
    with target.exclusively("invoke rollback", wait, rollback=True):
        done = run_rollback(target, to=to, reason=reason, from_laptop=from_laptop, wish=wish)
    if isinstance(done, Already):
        told = f": {done.why}; {done.serves.name} has all traffic. {_further(target, done.serves)}"
        target.say("done already", "green", told)
        close(target, f"{done.serves.name} serves: {done.why}")
        return 0
    if done.slot is Slot.STABLE:
        target.say(
            "rolled back",
            "green",
            f": the canary {done.leave.name} is discarded and quarantined; "
            f"{done.back_to.name} serves on, as before. {_further(target, done.back_to)}",
        )
    else:
        target.say("rolled back", "green", f": {done.back_to.name} has all traffic; {done.leave.name} is quarantined")
    close(target, f"rolled back from {done.leave.name} to {done.back_to.name}")
    return 0


def _further(target: Target, serves: Release) -> str:
    """Say how to leave what serves now as well."""
    earlier = candidates(target, serves)
    if not earlier:
        return "No earlier release is on the host to leave that for"
    return f"To leave that as well, for {earlier[0].name}: invoke rollback --env={target.name}"


def rollback_list(env: str) -> int:
    """List what can be gone back to, nearest first."""
    target = Target.open(env)
    listed = candidates(target, target.engine.status().release_in(Slot.STABLE))
    for number, release in enumerate(listed, start=1):
        target.say(f"{number}. {release.name}  built {release.created}  commit {release.commit[:7]}")
    if not listed:
        target.say("no earlier release that is on the host and not quarantined")
    return 0


def rollback_plan(env: str, to: str) -> int:
    """Say what a rollback would do; nothing is changed."""
    target = Target.open(env)
    would = plan(target, target.engine.status(), to)
    if would.passed_over:
        target.say("passed over", "yellow", f": {'; '.join(would.passed_over)}")
    how = "warm: at once" if would.warm else "cold: it is started and smoke-tested first"
    target.say(
        f"would leave {would.leave.name} and give all traffic to {would.back_to.name} ({how}); nothing was changed"
    )
    return 0


def _report_canary(target: Target, ended: Ended) -> int:
    from gateline.report import write

    verdict = ended.verdict.model_copy(update={"rehearsal": target.rehearsal})
    write(verdict)
    target.keep(verdict)
    if ended.step is Step.PROMOTE:
        return _say_serving(target, ended.release, "promoted")
    if ended.step is Step.ROLL_BACK:
        target.say("rolled back", "red", f": stable has all traffic; {ended.release.name} is quarantined")
        close(target, f"canary {ended.release.name} rolled back")
        return int(ExitCode.FAIL)
    target.say(
        "held",
        "yellow",
        f": stable has all traffic, {ended.release.name} waits. "
        f"next: invoke canary --env={target.name} --resume, or promote, or rollback, with the same --env",
    )
    close(target, f"canary {ended.release.name} held")
    return int(ExitCode.INCONCLUSIVE)


def _say_serving(target: Target, release: Release, done: str) -> int:
    rehearsal = " (rehearsal: this environment serves nobody)" if target.rehearsal else ""
    target.say(done, "green", f": {release.name} serves at {target.engine.status().url}{rehearsal}")
    if candidates(target, release):
        target.say(f"undo: invoke rollback --env={target.name}", "dim")
    close(target, f"{release.name} {done}")
    return 0


def close(target: Target, done: str) -> None:
    """Say the audit log's head, kept outside the log so that a cut end is seen, and put `done` on GitHub's summary page."""
    waiting = target.recorder.waiting()
    why = "until the audit log holds" if target.recorder.broken() else "for the registry"
    where = _head(target) + (f", {waiting} event(s) wait {why}" if waiting else "")
    target.say(where, "dim")
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        rehearsal = " (rehearsal: this environment serves nobody)" if target.rehearsal else ""
        with open(page, "a", encoding="utf-8") as stream:
            stream.write(f"**{escape(target.name)}**: {escape(done)}{rehearsal}  \n{escape(where)}\n\n")


def _head(target: Target) -> str:
    try:
        head = target.recorder.kept_head()
    except GateRefused as error:
        return error.message
    return f"audit head {head.count} {head.digest}" if head else "audit head none"
