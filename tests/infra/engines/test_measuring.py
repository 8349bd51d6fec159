"""A meter adds up what every life of a replica counted; memory is that of the living alone."""

from __future__ import annotations

import httpx

from gateline.contracts.slots import WantedReplica
from infra.engines.observing import Life, Meter, Observed
from tests.infra.engines.test_scrape import PAGE

REPLICAS = [WantedReplica(name="stable-1", port=1001), WantedReplica(name="stable-2", port=1002)]


def client(**pages: str) -> httpx.Client:
    """Answer each replica's page by its port; 503 where there is none."""

    def answer(request: httpx.Request) -> httpx.Response:
        page = pages.get(f"p{request.url.port}")
        return httpx.Response(200, text=page) if page else httpx.Response(503)

    return httpx.Client(transport=httpx.MockTransport(answer))


def test_memory_is_that_of_the_living_and_counters_are_those_of_all_lives() -> None:
    meter = Meter()
    first = Observed(Life("p"), {"stable-1": Life("a"), "stable-2": Life("b")})
    with client(p1001=PAGE, p1002=PAGE) as asked:
        seen = meter.read(REPLICAS, first, asked, {})
    assert (seen.memory, seen.processes, seen.refused, seen.errors) == (3e8, 2, 4, 8)
    again = Observed(Life("p"), {"stable-1": Life("c", restarts=1), "stable-2": Life("b")})
    with client(p1001=PAGE.replace("1.5e+08", "2e+08"), p1002=PAGE) as asked:
        seen = meter.read(REPLICAS, again, asked, {})
    assert (seen.memory, seen.processes, seen.refused, seen.errors) == (3.5e8, 2, 6, 12)


def test_a_replica_that_does_not_say_is_not_counted() -> None:
    silent = PAGE.replace("process_resident_memory_bytes 1.5e+08\n", "")
    with client(p1001=PAGE, p1002=silent) as asked:
        seen = Meter().read(REPLICAS, Observed(Life("p"), {"stable-1": Life("a"), "stable-2": Life("b")}), asked, {})
    assert (seen.memory, seen.processes) == (1.5e8, 1)
