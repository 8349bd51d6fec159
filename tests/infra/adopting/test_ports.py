"""The ports of a copy."""

from __future__ import annotations

import socket

from infra.adopting.ports import FIRST, PAIRS, ports_of


def test_they_are_of_the_name() -> None:
    found = {name: ports_of(name) for name in ("churn", "demand", "plants", "my-project-2")}
    assert len(set(found.values())) == len(found)
    for production, staging in found.values():
        assert staging == production + 1 and production % 2 == 0 and FIRST <= production < FIRST + 2 * PAIRS
    assert ports_of("churn") == found["churn"]


def test_a_pair_that_is_taken_is_passed_by() -> None:
    production, _ = ports_of("churn")
    with socket.socket() as held:
        held.bind(("127.0.0.1", production))
        held.listen(1)
        assert ports_of("churn")[0] == production + 2
