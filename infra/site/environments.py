"""What serves now: each environment as its engine says, one that cannot be asked said so."""

from collections.abc import Collection, Iterable

from gateline.contracts.event import STARTED, Event
from gateline.contracts.slots import Slot
from gateline.report.history import Environment, Held
from gateline.settings import Settings
from gateline.settings.errors import GatelineError
from infra.engines.contract import SlotStatus
from infra.rollout.attention import attention
from infra.rollout.target import Target
from infra.site.changes import actor_of, environment_of, tenures

ORDER = (Slot.STABLE, Slot.CANARY, Slot.BASELINE, Slot.PREVIOUS)


def environments(settings: Settings, events: Iterable[Event], known: Collection[str]) -> tuple[Environment, ...]:
    """Return every environment of the settings; `known` are the digests of the releases that have a page."""
    listed = list(events)
    return tuple(_environment(settings, name, listed, known) for name in settings.environments)


def _environment(settings: Settings, name: str, events: list[Event], known: Collection[str]) -> Environment:
    engine = settings.environments[name].engine
    try:
        target = Target.open(name)
        running = target.engine.status()
        lines = tuple(attention(target, running))
    except GatelineError as error:
        return Environment(name, engine, unreachable=error.message, next_step=error.next_step)
    except OSError as error:
        return Environment(name, engine, unreachable=str(error), next_step=f"invoke status --env={name}")
    return Environment(
        name,
        engine,
        url=running.url,
        slots=tuple(_held(running.slots[slot], name, events, known) for slot in ORDER if slot in running.slots),
        attention=lines,
        rehearsal=target.rehearsal,
    )


def places(environments: Iterable[Environment]) -> dict[str, list[str]]:
    """Return where each release runs, by digest: `production: stable, 90 %`."""
    found: dict[str, list[str]] = {}
    for environment in environments:
        for held in environment.slots:
            found.setdefault(held.digest, []).append(f"{environment.name}: {held.slot}, {held.share:.0%}")
    return found


def _held(status: SlotStatus, environment: str, events: list[Event], known: Collection[str]) -> Held:
    since, by = _since(status, environment, events)
    return Held(
        slot=str(status.slot),
        release=status.release.name,
        digest=status.release.digest,
        share=status.share,
        alive=sum(replica.alive for replica in status.replicas),
        replicas=len(status.replicas),
        restarts=sum(replica.restarts for replica in status.replicas),
        since=since,
        by=by,
        known=status.release.digest in known,
    )


def _since(status: SlotStatus, environment: str, events: list[Event]) -> tuple[str, str]:
    """Return since when a release is in its slot, and who brought it there; empty where the audit log does not say so."""
    digest = status.release.digest
    own = [tenure for tenure in tenures(events) if tenure.environment == environment]
    present = next((tenure for tenure in own if not tenure.until), None)
    if status.slot in (Slot.STABLE, Slot.BASELINE):
        return (present.since, present.by) if present and present.release == digest else ("", "")
    if status.slot is Slot.PREVIOUS:
        left = [tenure.until for tenure in own if tenure.release == digest and tenure.until]
        return (left[-1], present.by if present else "") if left else ("", "")
    here = (event for event in events if event.subject == digest and environment_of(event) == environment)
    begun = [event for event in here if event.type == STARTED]
    return (begun[-1].time, actor_of(begun[-1])) if begun else ("", "")
