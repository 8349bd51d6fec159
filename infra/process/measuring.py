"""A slot's counters, from the replicas themselves and from the proxy."""

from __future__ import annotations

import httpx

from contracts.slots import Slot, SlotMetrics
from infra.process.scrape import add, scrape
from infra.process.state import State
from infra.process.stats import StatsSocket
from settings.errors import UsageError

SECONDS = 5.0


def metrics(state: State, slot: Slot) -> SlotMetrics:
    """Return the sums over a slot's replicas since each of them, or the proxy, started: a restart makes sums smaller.

    Raises UsageError for an empty slot, OutsideError if a replica or the proxy does not answer.
    """
    wanted = state.slots.get(slot)
    if wanted is None:
        raise UsageError(
            f"slot {slot} of {state.environment} is empty and has no metrics", "start a release in it first"
        )
    with httpx.Client(timeout=SECONDS, trust_env=False) as client:
        figures = add(scrape(client, f"127.0.0.1:{replica.port}") for replica in wanted.replicas)
    names = {replica.name for replica in wanted.replicas}
    servers = [server for name, server in StatsSocket(state.socket).servers().items() if name in names]
    return SlotMetrics(
        releases=figures.releases,
        requests=figures.requests,
        errors=figures.errors,
        latency_sum=figures.latency_sum,
        latency_buckets=dict(sorted(figures.latency_buckets.items())),
        predictions=figures.predictions,
        proxied=sum(server.requests for server in servers),
        proxy_errors=sum(server.errors for server in servers),
    )
