"""Who gets which part of the traffic: what the entry Service selects, or what the HTTPRoute weighs; pure.

A Service gives every ready pod that it selects the same part. So one that selects one Deployment gives it everything, and one
that selects a pool gives each slot what its number of pods makes; both are one change of one object.
"""

from collections.abc import Collection, Mapping
from typing import Any

from gateline.contracts.slots import Slot
from gateline.settings.errors import UsageError
from infra.engines.kubernetes.names import DEPLOYMENT, POOL, Names
from infra.engines.kubernetes.state import ClusterState, Workload

WEIGHTS = 1000
NOBODY = "none"


def taking(state: ClusterState, *, guarded: bool = True) -> dict[Slot, Workload]:
    """Return the slots that should get traffic; without `guarded`, only those that need no controller, if there are any."""
    found = {slot: one for slot, one in state.slots.items() if one.share > 0}
    return found if guarded else {slot: one for slot, one in found.items() if not one.guarded} or found


def selector(names: Names, state: ClusterState, *, guarded: bool = True) -> dict[str, str]:
    """Return what the entry Service selects. Raises UsageError where the pods of these slots are in no pool together."""
    slots = taking(state, guarded=guarded)
    if not slots:
        return nobody(names)
    if len(slots) < 2:
        return names.own | {DEPLOYMENT: names.of(next(iter(slots.values())).name)}
    common = set.intersection(*(set(one.pools) for one in slots.values()))
    if not common:
        told = " and ".join(f"{slot} ({one.release.name})" for slot, one in slots.items())
        raise UsageError(
            f"{told} of {state.environment} cannot share traffic: their pods were started for other neighbours",
            "stop the canary and start it again, or name a Gateway (environments.<name>.kubernetes.gateway)",
        )
    return names.own | {POOL + min(common): "yes"}


def nobody(names: Names) -> dict[str, str]:
    """Return a selector of no pod."""
    return names.own | {DEPLOYMENT: NOBODY}


def backends(
    names: Names, state: ClusterState, port: int, ready: Collection[str], *, guarded: bool = True
) -> list[dict[str, Any]]:
    """Return the backends of the HTTPRoute: one without ready pods has weight 0, as its part would be answered 503.

    `ready` are the workloads, by name, that have such pods. A route must lead somewhere: where no slot has a share, it leads
    to the entry Service, which then selects nobody.
    """
    slots = taking(state, guarded=guarded)
    live = {slot: one for slot, one in slots.items() if one.name in ready} or slots
    weights = {names.of(one.name): 0 for _, one in sorted(state.slots.items())}
    weights |= {names.of(one.name): round(one.share * WEIGHTS) for one in live.values()} or {names.prefix: 1}
    about = {"group": "", "kind": "Service", "port": port}
    return [about | {"name": name, "weight": weight} for name, weight in weights.items()]


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the part of each: its weight in that of all."""
    total = sum(weights.values())
    return {name: weight / total if total else 0.0 for name, weight in weights.items()}


def told(asked: Mapping[Slot, float], pods: Mapping[Slot, int]) -> str:
    """Say which share so many ready pods give, and how many would give what is asked; '' where nobody shares."""
    slots = [slot for slot in asked if asked[slot] > 0]
    if len(slots) < 2:
        return ""
    given = shares({slot: float(pods.get(slot, 0)) for slot in slots})
    least = min(slots, key=lambda slot: asked[slot])
    fewest = max(1, pods.get(least, 0))
    parts = ", ".join(f"{slot} {given[slot]:.0%} with {pods.get(slot, 0)} (asked {asked[slot]:.0%})" for slot in slots)
    needed = ", ".join(f"{slot} {max(1, round(fewest * asked[slot] / asked[least]))}" for slot in slots)
    return f"shared by ready pods: {parts}; exactly that would take {needed}"
