"""The ports of a copy."""

from __future__ import annotations

import socket
from pathlib import Path

from template.adopting.project import FIRST_PORT, PAIRS, ports_of


def test_they_are_of_the_name_and_the_folder() -> None:
    copies = [*((name, Path("/srv") / name) for name in ("churn", "demand", "plants")), ("churn", Path("/home/lea/churn"))]
    found = [ports_of(name, folder) for name, folder in copies]
    assert len(set(found)) == len(found), "two copies of one name do not meet"
    for production, staging in found:
        assert staging == production + 1 and production % 2 == 0 and FIRST_PORT <= production < FIRST_PORT + 2 * PAIRS
    assert [ports_of(name, folder) for name, folder in copies] == found


def test_a_pair_that_is_taken_is_passed_by() -> None:
    here = Path("/srv/churn")
    production, _ = ports_of("churn", here)
    with socket.socket() as held:
        held.bind(("127.0.0.1", production))
        held.listen(1)
        assert ports_of("churn", here)[0] == production + 2
