"""One whole little project per test process: its environments stay up, and are emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.infra.tiny_project import Site

CI = ("GITHUB_ACTIONS", "GITLAB_CI", "RUNNER_ENVIRONMENT", "GITHUB_STEP_SUMMARY", "GATELINE_AUDIT_KEY")


@pytest.fixture(scope="session")
def standing_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The project, in a folder whose name holds a space."""
    site = Site(tmp_path_factory.mktemp("site") / "a project")
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture
def site(standing_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The project, empty, as the working directory of a person who is not in CI."""
    monkeypatch.chdir(standing_site.root)
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    standing_site.reset()
    return standing_site
