"""Slow tests work on whole scratch copies; what a copy started is stopped, whatever happened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.project import Project

AGAIN = ("test_exchanged_classes_are_rolled_back", "test_one_and_a_half_times_slower_is_rolled_back")
"""Canaries that run on processes every time, and elsewhere before a release."""
ELSEWHERE = ("test_docker.py", "test_cluster_canaries.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is slow. Half of the canaries in containers wait for a release, as do all that share by pods."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
        if item.path.name in ELSEWHERE and (item.name.partition("[")[0] in AGAIN or item.name.endswith("[pods]")):
            item.add_marker(pytest.mark.release)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A copy for one module, with a first release serving in production."""
    name = request.module.__name__.rpartition("test_")[2].replace("_", "-")
    copy = Project.copy(tmp_path_factory.mktemp(name), name)
    try:
        copy.release()
        done = copy.invoke("deploy", "--env=production")
        assert done.code == 0, done.output
        yield copy
    finally:
        copy.stop()
