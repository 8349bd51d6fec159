"""The changes of an environment's state, as pure functions: state in, state out."""

from collections.abc import Callable, Collection, Mapping

from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, State, WantedReplica, WantedSlot
from gateline.settings.errors import UsageError
from infra.releases.signing.trust import LET_IN, SIGNED

Places = Callable[[int, State], list[tuple[str, int]]]
"""Returns so many free places (host and port) that no replica of a state has."""


def started(
    state: State,
    slot: Slot,
    release: Release,
    program: str,
    count: int,
    variables: Mapping[str, str],
    places: Places,
) -> State:
    """Put `count` processes of a release into a slot at share 0, or bring the slot that runs it to that number.

    Raises UsageError if the slot runs another release.
    """
    present = state.slots.get(slot)
    if present and present.release.digest != release.digest:
        raise UsageError(
            f"slot {slot} of {state.environment} runs {present.release.name}, so {release.name} cannot start there",
            f"empty it first: stop({slot}), or use another slot",
        )
    if count < 1:
        raise UsageError(f"{count} processes asked for in slot {slot} of {state.environment}; allowed: 1 or more")
    wanted = present or WantedSlot(release=release, program=program, variables=variables)
    patient = max(state.drain_seconds, release.service.drain_seconds)
    return _sized(state.model_copy(update={"drain_seconds": patient}), slot, wanted, count, places)


def _sized(state: State, slot: Slot, wanted: WantedSlot, count: int, places: Places) -> State:
    missing = max(0, count - len(wanted.replicas))
    fresh = [
        WantedReplica(name=f"{wanted.release.digest[:8]}-{state.named + number}", host=host, port=port)
        for number, (host, port) in enumerate(places(missing, state), start=1)
    ]
    replicas = (*wanted.replicas[:count], *fresh)
    named = state.model_copy(update={"named": state.named + missing})
    return named.with_slot(slot, wanted.model_copy(update={"replicas": replicas}))


def used_ports(state: State) -> set[int]:
    """Return the ports that this environment uses."""
    return {state.port} | {replica.port for replica in state.replicas}


def moved_ports(state: State, unusable: Collection[int], places: Places) -> State:
    """Give the replicas whose port somebody else has taken a new port, and with it a new name."""
    for name, wanted in state.slots.items():
        kept = tuple(replica for replica in wanted.replicas if replica.port not in unusable)
        if len(kept) < len(wanted.replicas):
            state = _sized(state, name, wanted.model_copy(update={"replicas": kept}), len(wanted.replicas), places)
    return state


def shared(state: State, shares: Mapping[Slot, float]) -> State:
    """Give each named slot its share, the others none. Raises UsageError for shares that make no whole."""
    empty = [slot for slot, share in shares.items() if share > 0 and slot not in state.slots]
    if empty:
        raise UsageError(
            f"slot {empty[0]} of {state.environment} is empty and cannot take traffic", "start a release in it first"
        )
    if any(not 0 <= share <= 1 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        asked = ", ".join(f"{slot} {share:g}" for slot, share in shares.items()) or "none"
        raise UsageError(f"shares must be 0 to 1 and add up to 1; asked: {asked}")
    slots = {slot: wanted.model_copy(update={"share": shares.get(slot, 0.0)}) for slot, wanted in state.slots.items()}
    return state.model_copy(update={"slots": slots})


def guarded(state: State, slot: Slot, guarded: bool) -> State:
    """Hang a slot's health on the heartbeat, or on nothing but itself. Raises UsageError if the slot is empty."""
    if slot not in state.slots:
        raise UsageError(f"slot {slot} of {state.environment} is empty and cannot be guarded")
    return state.with_slot(slot, state.slots[slot].model_copy(update={"guarded": guarded}))


def moved(state: State, source: Slot, target: Slot) -> State:
    """Rename a slot; a guard stays behind. Nothing happens if the source is empty and the target is not.

    Raises UsageError if both are empty or both are taken.
    """
    if source not in state.slots and target in state.slots:
        return state
    if source not in state.slots or target in state.slots:
        why = f"{target} is not empty" if target in state.slots else f"{source} is empty"
        raise UsageError(f"slot {source} of {state.environment} cannot become {target}: {why}")
    wanted = state.slots[source].model_copy(update={"guarded": False})
    return state.with_slot(source, None).with_slot(target, wanted)


def emptied(state: State, slot: Slot) -> State:
    """Forget a slot. Raises UsageError if it has a share of traffic that another slot could take."""
    present = state.slots.get(slot)
    if present and present.share > 0 and len(state.slots) > 1:
        raise UsageError(
            f"slot {slot} of {state.environment} has {present.share:.0%} of traffic and cannot be stopped",
            "give its share to another slot first",
        )
    return state.with_slot(slot, None)


def fetched(state: State, digest: str, program: str) -> State:
    """Note what to start of a release, as the last one that was fetched."""
    others = {name: value for name, value in state.programs.items() if name != digest}
    return state.model_copy(update={"programs": others | {digest: program}})


def remembered(state: State, digests: list[str], keep: int) -> State:
    """Replace the history; of what was fetched, keep what runs, and of the others the last `keep`, with the notes on them."""
    wanted = (
        {slot.release.digest for slot in state.slots.values()} | set(digests[-keep:]) | set([*state.programs][-keep:])
    )
    programs = {digest: program for digest, program in state.programs.items() if digest in wanted}
    gone = {f"{kind}{digest}" for digest in state.programs if digest not in wanted for kind in (SIGNED, LET_IN)}
    notes = {name: text for name, text in state.notes.items() if name not in gone}
    return state.model_copy(update={"history": tuple(digests), "programs": programs, "notes": notes})
